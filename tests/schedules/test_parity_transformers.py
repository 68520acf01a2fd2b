"""The same rates as Hugging Face's schedules, and where they differ."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rightrate.schedules import (
    Constant,
    Cosine,
    InverseSqrt,
    Linear,
    LinearWarmup,
    Schedule,
    WarmupStableDecay,
)

PEAK = 0.3
STEPS = 60
WARM = {"peak": PEAK, "total_steps": STEPS, "warmup_steps": 10}
ZERO_FIRST = LinearWarmup(peak=PEAK, total_steps=10, start=0.0)


def rates_of_transformers(name: str, options: dict[str, Any]) -> list[float]:
    from transformers import optimization

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    build: Callable[..., Any] = getattr(optimization, name)
    scheduler = build(optimizer, **options)
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("ours", "name", "options"),
    [
        (
            ZERO_FIRST + Linear(peak=PEAK, total_steps=50),
            "get_linear_schedule_with_warmup",
            {"num_warmup_steps": 10, "num_training_steps": STEPS},
        ),
        (
            ZERO_FIRST + Cosine(peak=PEAK, total_steps=50),
            "get_cosine_schedule_with_warmup",
            {"num_warmup_steps": 10, "num_training_steps": STEPS},
        ),
        (
            ZERO_FIRST + Constant(peak=PEAK, total_steps=50),
            "get_constant_schedule_with_warmup",
            {"num_warmup_steps": 10},
        ),
        (
            ZERO_FIRST + InverseSqrt(peak=PEAK, total_steps=50, timescale_steps=25),
            "get_inverse_sqrt_schedule",
            {"num_warmup_steps": 10, "timescale": 25},
        ),
        (
            InverseSqrt(peak=PEAK, total_steps=STEPS, timescale_steps=10_000),
            "get_inverse_sqrt_schedule",
            {"num_warmup_steps": 0},
        ),
        *[
            (
                LinearWarmup(peak=PEAK, total_steps=10, start=floor)
                + WarmupStableDecay(
                    peak=PEAK, total_steps=50, cooldown_steps=20, cooldown=cooldown, floor=floor
                ),
                "get_wsd_schedule",
                {
                    "num_warmup_steps": 10,
                    "num_decay_steps": 20,
                    "num_training_steps": STEPS,
                    "decay_type": cooldown,
                    "min_lr_ratio": floor,
                },
            )
            for cooldown in ("linear", "1-sqrt", "cosine")
            for floor in (0.0, 0.1)
        ],
    ],
    ids=repr,
)
def test_the_same_rates_as_transformers(ours: Schedule, name: str, options: dict[str, Any]) -> None:
    rates = rates_of_transformers(name, options)
    np.testing.assert_allclose(ours(np.arange(STEPS)), rates, rtol=1e-12, atol=1e-16)


def test_the_first_step_of_their_warmup_changes_nothing_and_of_ours_something():
    rates = rates_of_transformers(
        "get_linear_schedule_with_warmup", {"num_warmup_steps": 10, "num_training_steps": STEPS}
    )
    ours = Linear(**WARM)
    assert rates[0] == 0.0
    assert ours(0) == pytest.approx(PEAK / 11)
    np.testing.assert_allclose(ours(np.arange(10, STEPS)), rates[10:], rtol=1e-12)


def test_their_cosine_starts_at_nothing_and_rises_again_after_its_end():
    rates = rates_of_transformers(
        "get_cosine_schedule_with_warmup", {"num_warmup_steps": 10, "num_training_steps": 30}
    )
    ours = Cosine(peak=PEAK, total_steps=30, warmup_steps=10)
    assert rates[0] == 0.0
    np.testing.assert_allclose(ours(np.arange(10, 30)), rates[10:30], rtol=1e-12)
    assert rates[45] > 0.4 * PEAK
    assert ours(45) == ours(29) < 0.01 * PEAK
