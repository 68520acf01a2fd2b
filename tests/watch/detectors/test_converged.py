"""Gradients that drown in noise, or that vanished."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import LBFGS, SGD, Optimizer, lr_scheduler

from rightrate.watch import Measure
from rightrate.watch.detector import Block, Facts
from rightrate.watch.detectors.converged import Converged
from tests.watch.detectors.parts import block, found_in, parts, sample, told
from tests.watch.loops import quiet

DETECTOR = Converged()
NOISE = torch.randn(4096, generator=torch.Generator().manual_seed(3)).tolist()


def run(
    steps: int = 512,
    *,
    cosine: Callable[[int], float] = lambda place: 0.02 * (-1) ** place,
    loss: Callable[[int], float] = lambda step: 2.0 if step < 64 else 1.0,
    every: int = 8,
    rate: Callable[[int], float] = lambda step: 0.1,
    facts: Facts | None = None,
    **measured: Any,
) -> list[Block]:
    """Return blocks of 32 rows with a pair of samples every so many steps."""
    samples = [
        sample(step, gradient_cosine=cosine(step // every) if step % every else math.nan, **measured)
        for step in range(steps)
        if step % every < 2
    ]
    losses = [loss(step) + 0.01 * NOISE[step] for step in range(steps)]
    applied = tuple((rate(step),) for step in range(steps))
    whole = block(range(steps), losses, samples=samples, applied=applied, facts=facts)
    return parts(whole, list(range(32, steps, 32)))


def test_by_hand() -> None:
    (finding,), _ = found_in(DETECTOR, run(288))
    # 16 pairs lie in the latter half of 256 steps: cosines of +-0.02, of standard deviation 0.02 sqrt(16/15)
    assert (finding.verdict, finding.step, finding.since) == ("converged", 255, 129)
    assert finding.evidence["pairs"] == 16.0
    assert finding.evidence["cosine"] == pytest.approx(0.0, abs=1e-12)
    assert finding.evidence["standard_error"] == pytest.approx(0.02 / math.sqrt(15))
    assert finding.confidence == 0.55
    sure = found_in(DETECTOR, run(288, facts=Facts(chance_loss=2.0)))[0]
    assert [one.confidence for one in sure] == [0.7]


@pytest.mark.parametrize(
    "case",
    [
        {"cosine": lambda place: 0.02},  # certain, though small
        {"cosine": lambda place: 0.6 * (-1) ** place},  # too uncertain to say
        {"cosine": lambda place: -0.3},  # bounces
        {"loss": lambda step: 2.0 - 0.2 * math.log2(step + 1)},  # still falls
        {"loss": lambda step: 2.0},  # never learned
        {"loss": lambda step: 2.0 - (64 < step < 128)},  # learned, and lost it again
        {"loss": lambda step: 2.0 - 0.5 * (step > 64), "facts": Facts(chance_loss=1.5)},  # rests at chance
        {"rate": lambda step: 0.1 * 0.999**step},  # a schedule is at work
        {"flat_fraction": 0.5},  # no gradient is there
        {"every": 64},  # too few samples
    ],
)
def test_what_is_not_convergence(case: Any) -> None:
    assert found_in(DETECTOR, run(**case))[0] == []


def test_it_is_said_once_for_each_rate() -> None:
    findings, _ = found_in(DETECTOR, run(2048, rate=lambda step: 0.1 if step < 700 else 0.01))
    assert [finding.evidence["lr"] for finding in findings] == [0.1, 0.01]


def test_all_data_and_a_gradient_near_zero() -> None:
    def blocks(first: float, later: float) -> list[Block]:
        whole = run(512, facts=Facts(full_batch=True))
        return [
            block(
                one.steps,
                one.losses,
                facts=one.facts,
                samples=[sample(s.step, gradient_norm=first if s.step < 64 else later) for s in one.samples],
            )
            for one in whole
        ]

    def looked(first: float, later: float) -> list[Any]:
        courses = [one.course for one in run(512)]
        seen = blocks(first, later)
        for one, course in zip(seen, courses, strict=True):
            object.__setattr__(one, "course", course)
        return found_in(DETECTOR, seen)[0]

    (finding,) = looked(1.0, 1e-4)
    assert (finding.since, finding.confidence) == (80, 0.9)
    assert finding.text == "The gradient of all data has come down to 0.0001, from 1 at first."
    assert looked(1.0, 3e-3) == []
    assert looked(1e6, 1e-3) == []


@settings(max_examples=25)
@given(
    st.lists(st.floats(-1.0, 1.0) | st.just(math.nan), min_size=1, max_size=8),
    st.lists(st.floats(-1e100, 1e100) | st.sampled_from([math.nan, math.inf, 1.0]), min_size=1, max_size=8),
)
def test_pure_bounded_and_json_whatever_comes(cosines: Any, losses: Any) -> None:
    blocks = run(
        cosine=lambda place: cosines[place % len(cosines)],
        loss=lambda step: losses[step % len(losses)],
    )
    findings, state = found_in(DETECTOR, blocks)
    assert len(json.dumps(state)) < 8000
    assert all(name == "converged" for name, _ in told(findings))


INPUTS = torch.randn(1024, 20, generator=torch.Generator().manual_seed(0))
TARGETS = INPUTS.sum(1, keepdim=True) + torch.randn(1024, 1, generator=torch.Generator().manual_seed(1))


def regression(lr: float, *, steps: int = 640, cosine: bool = False, full_batch: bool = False) -> list[Any]:
    """Return what is found in a linear regression that is trained at some rate."""
    model = nn.Linear(20, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer: Optimizer = SGD(model.parameters(), lr=lr)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, steps) if cosine else None
    draw = torch.Generator().manual_seed(2)
    measure = Measure(gradients_every=8)
    with quiet(optimizer, model=model, total_steps=steps, measure=measure, full_batch=full_batch) as w:
        for _ in range(steps):
            rows = slice(None) if full_batch else torch.randint(0, 1024, (256,), generator=draw)
            loss = nn.functional.mse_loss(model(INPUTS[rows]), TARGETS[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            w.observe(loss)
    assert not w.notes
    return [one for one in w.findings if one.verdict == "converged"]


def test_a_regression_at_its_noise_floor() -> None:
    (finding,) = regression(0.03)
    assert abs(finding.evidence["cosine"]) < 0.15
    assert "cannot be told from its noise" in finding.text


@pytest.mark.parametrize(("lr", "cosine"), [(3e-4, False), (0.35, False), (0.03, True)])
def test_a_regression_that_still_falls_bounces_or_is_annealed(lr: float, cosine: bool) -> None:
    assert regression(lr, cosine=cosine) == []


@pytest.mark.parametrize(("lr", "found"), [(0.1, 1), (1e-3, 0)])
def test_a_regression_on_all_its_data(lr: float, found: int) -> None:
    assert len(regression(lr, steps=320, full_batch=True)) == found


def test_a_regression_on_all_its_data_that_had_little_to_learn() -> None:
    targets = (
        TARGETS.mean()
        + 0.01 * INPUTS[:, :1]
        + torch.randn(1024, 1, generator=torch.Generator().manual_seed(3))
    )
    model = nn.Linear(20, 1)
    nn.init.normal_(model.weight, std=0.05, generator=torch.Generator().manual_seed(4))
    optimizer = SGD(model.parameters(), lr=0.3)
    with quiet(optimizer, full_batch=True, measure=Measure(gradients_every=8)) as w:
        for _ in range(320):
            loss = nn.functional.mse_loss(model(INPUTS), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.observe(loss)
    assert [one.verdict for one in w.findings if one.verdict == "converged"] == ["converged"]


def test_steps_of_l_bfgs_are_few_and_all_of_them_count() -> None:
    generator = torch.Generator().manual_seed(5)
    targets = INPUTS @ torch.randn(20, 1, generator=generator)
    model = nn.Linear(20, 1)
    optimizer = LBFGS(model.parameters(), lr=0.5, max_iter=1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(INPUTS), targets)
        loss.backward()
        return loss

    with quiet(optimizer, full_batch=True) as w:
        for _ in range(48):
            w.observe(optimizer.step(closure))
    found = [one for one in w.findings if one.verdict == "converged"]
    assert len(found) == 1
    assert found[0].evidence["gradient_norm"] < 1e-3 * found[0].evidence["first_gradient_norm"]
