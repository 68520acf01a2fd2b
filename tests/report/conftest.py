"""Made-up records that look like real ones."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rightrate.search.record import (
    Answer,
    Cliff,
    Cost,
    Curve,
    Fit,
    GoodRange,
    Levels,
    Provenance,
    Record,
    Settings,
    Trial,
)

UNTRAINED, BEST, BEST_LR, CLIFF = 2.3, 0.21, 0.012, 0.25


def reached_at(lr: float, steps: int) -> float:
    """Loss after a run: a valley in log lr, deeper and further left for longer runs, NaN above a cliff."""
    if lr > CLIFF * 4:
        return math.nan
    if lr > CLIFF:
        return UNTRAINED + 0.04
    distance = math.log10(lr / (BEST_LR * (500 / steps) ** 0.2))
    regret = 1 - math.exp(-0.45 * distance**2 - 0.15 * max(distance, 0) ** 4)
    lift = 0.25 * (1 - min(1.0, (steps / 500) ** 0.4))
    return BEST + lift + (UNTRAINED - BEST - lift) * regret


def curve(lr: float, steps: int, end: float, rng: np.random.Generator) -> Curve:
    at = np.unique(np.linspace(0, steps - 1, min(steps, 150)).astype(int))
    final = end if math.isfinite(end) else UNTRAINED
    speed = 3 + 40 * lr / (lr + 0.01)
    train = final * 0.9 + (UNTRAINED - final * 0.9) * np.exp(-speed * at / steps)
    train = train * np.exp(rng.normal(0, 0.06, len(at)))
    if not math.isfinite(end):
        train = UNTRAINED * np.exp(8.0 * at / steps)
        train[len(at) // 4 :] = math.nan
    valid_steps = tuple(int(steps * part) for part in (0.25, 0.5, 0.75, 1.0))
    valid = tuple(
        float(final + (UNTRAINED - final) * math.exp(-speed * v / steps)) if math.isfinite(end) else math.nan
        for v in valid_steps
    )
    return Curve(
        steps=tuple(int(i) for i in at),
        lr=(lr,) * len(at),
        train=tuple(float(x) for x in train),
        valid_steps=valid_steps,
        valid=valid,
    )


def make_trials(rng: np.random.Generator) -> tuple[Trial, ...]:
    trials = [range_test(rng)]
    plan = [
        (0, 62, np.geomspace(1e-5, 3.0, 23), (0,)),
        (1, 250, np.geomspace(1e-3, 0.3, 11), (0,)),
        (2, 500, np.geomspace(3e-3, 0.1, 7), (0, 1)),
    ]
    for rung, steps, rates, seeds in plan:
        for seed in seeds:
            for lr in rates:
                end = reached_at(float(lr), steps) + float(rng.normal(0, 0.012))
                made = curve(float(lr), steps, end, rng)
                accuracy = max(0.1, 1 - end / UNTRAINED) if math.isfinite(end) else math.nan
                metrics = {"loss": end, "accuracy": accuracy}
                trials.append(
                    Trial(
                        lr=float(lr),
                        seed=seed,
                        steps=steps,
                        rung=rung,
                        kind="probe",
                        metrics=metrics,
                        curve=made,
                    )
                )
    return tuple(trials)


def range_test(rng: np.random.Generator) -> Trial:
    rates = np.geomspace(1e-6, 10, 120)
    loss = UNTRAINED - 1.4 / (1 + np.exp(-3.0 * (np.log10(rates) + 2.6)))
    loss = loss * np.exp(rng.normal(0, 0.02, len(rates))) + np.where(rates > 0.3, 20 * (rates - 0.3), 0)
    loss[rates > 4] = math.nan
    made = Curve(steps=tuple(range(120)), lr=tuple(map(float, rates)), train=tuple(map(float, loss)))
    return Trial(lr=10.0, seed=0, steps=120, rung=-1, kind="range", curve=made)


def make_fit() -> Fit:
    rates = [float(lr) for lr in np.geomspace(1e-3, 0.24, 60)]
    middle = [reached_at(lr, 500) for lr in rates]
    return Fit(
        lr=tuple(rates),
        value=tuple(middle),
        low=tuple(
            x - 0.02 - 0.03 * abs(math.log10(lr / BEST_LR)) for x, lr in zip(middle, rates, strict=True)
        ),
        high=tuple(
            x + 0.02 + 0.03 * abs(math.log10(lr / BEST_LR)) for x, lr in zip(middle, rates, strict=True)
        ),
    )


def build_record(**changes: Any) -> Record:
    """A record of a search that found 0.012; `changes` replace its parts, `answer=` may be a dict."""
    answer = Answer(
        lr=0.012,
        good=GoodRange(low=0.0058, high=0.026, tolerance=0.02),
        cliff=Cliff(
            max_stable=0.21, lowest_failed=0.3, steps=250, schedule="cosine", note="Measured at 250 steps."
        ),
        status="found",
        message="Train with a learning rate of 0.012; anything from 0.0058 to 0.026 is as good within 2 %.",
        reasons=(
            "Of 23 rates from 1e-5 to 3, 7 were trained for 500 steps with two seeds.",
            "The best rate moved by 0.05 decades between 250 and 500 steps.",
            "The recommended rate is 17 times below the largest rate that trained.",
        ),
    )
    record = Record(
        settings=Settings(
            task="digits",
            description="An MLP (64-128-128-10) on 1,797 handwritten digits",
            optimizer="adamw",
            schedule="cosine",
            steps=2000,
            budget=1.0,
            objective="loss",
            direction="min",
            notes=("10 epochs were assumed.",),
        ),
        answer=answer,
        trials=make_trials(np.random.default_rng(0)),
        levels=Levels(untrained=UNTRAINED, best=BEST),
        fit=make_fit(),
        cost=Cost(
            steps={"range": 120, "probe": 1870},
            run_equivalents=0.995,
            overhead_steps=160,
            evaluation_forwards=412,
            seconds={"check": 2.1, "train": 21.0, "evaluate": 1.7, "total": 25.4},
        ),
        provenance=Provenance(
            versions={"rightrate": "0.1.0", "torch": "2.13.0", "python": "3.11.9"},
            seed=0,
            device="cpu",
            threads=1,
            engine="stacked, compiled, 8 members a call, 9.1x",
        ),
    )
    if isinstance(changes.get("answer"), dict):
        changes["answer"] = replace(answer, **changes["answer"])
    if isinstance(changes.get("settings"), dict):
        changes["settings"] = replace(record.settings, **changes["settings"])
    return replace(record, **changes)


@pytest.fixture
def make_record() -> Callable[..., Record]:
    return build_record
