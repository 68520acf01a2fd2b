"""The same rates as torch's own schedulers, and where they differ."""

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as theirs

from rightrate.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    ExpRange,
    Linear,
    LinearWarmup,
    MultiStep,
    OneCycle,
    Piecewise,
    Polynomial,
    Schedule,
    Step,
    Triangular,
    Triangular2,
    per_epoch,
    shifted,
)

PEAK = 0.3
STEPS = 60
Build = Callable[[torch.optim.Optimizer], theirs.LRScheduler]


def rates_of_torch(build: Build, steps: int = STEPS) -> list[float]:
    """Return the rates a real optimizer uses while `build(optimizer)` steps beside it."""
    parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([parameter], lr=PEAK, momentum=0.9)
    scheduler = build(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def cyclic(**options: Any) -> Build:
    def build(optimizer: torch.optim.Optimizer) -> theirs.LRScheduler:
        options_ = {"base_lr": 0.06, "max_lr": PEAK, "cycle_momentum": False, **options}
        return theirs.CyclicLR(optimizer, **options_)

    return build


def sequential(milestone: int, *builds: Build) -> Build:
    def build(optimizer: torch.optim.Optimizer) -> theirs.LRScheduler:
        parts = [make(optimizer) for make in builds]
        return theirs.SequentialLR(optimizer, parts, milestones=[milestone])

    return build


RUN = {"peak": PEAK, "total_steps": STEPS}
GRID: list[tuple[Schedule, Build]] = [
    *[
        (
            Step(**RUN, every_steps=every, factor=gamma),
            lambda opt, every=every, gamma=gamma: theirs.StepLR(opt, every, gamma=gamma),
        )
        for every in (1, 7, 20, 60, 100)
        for gamma in (0.1, 0.7, 1.0)
    ],
    *[
        (
            MultiStep(**RUN, milestones=milestones, factor=gamma),
            lambda opt, milestones=milestones, gamma=gamma: theirs.MultiStepLR(opt, milestones, gamma=gamma),
        )
        for milestones in ((1,), (59,), (20, 40), (1, 2, 3))
        for gamma in (0.1, 0.7)
    ],
    *[
        (
            Exponential(**RUN, decay_steps=1, rate=gamma),
            lambda opt, gamma=gamma: theirs.ExponentialLR(opt, gamma),
        )
        for gamma in (0.5, 0.9, 0.999, 1.0)
    ],
    *[
        (
            Polynomial(**RUN, power=power),
            lambda opt, power=power: theirs.PolynomialLR(opt, total_iters=STEPS, power=power),
        )
        for power in (0.5, 0.9, 1.0, 2.0)
    ],
    *[
        (
            CosineRestarts(**RUN, cycle_steps=cycle, growth=growth, floor=floor),
            lambda opt, cycle=cycle, growth=growth, floor=floor: theirs.CosineAnnealingWarmRestarts(
                opt, cycle, T_mult=growth, eta_min=PEAK * floor
            ),
        )
        for cycle in (1, 7, 10, 60, 90)
        for growth in (1, 2, 3)
        for floor in (0.0, 0.1)
    ],
    *[
        (
            OneCycle(**RUN, rise_fraction=rise, start=1 / div, floor=1 / (div * final), curve=curve),
            lambda opt, rise=rise, div=div, final=final, anneal=anneal: theirs.OneCycleLR(
                opt,
                PEAK,
                total_steps=STEPS,
                pct_start=rise,
                div_factor=div,
                final_div_factor=final,
                anneal_strategy=anneal,
            ),
        )
        for rise in (0.05, 0.3, 0.5, 0.95)
        for div, final in ((25.0, 1e4), (10.0, 1.0))
        for curve, anneal in (("cosine", "cos"), ("linear", "linear"))
    ],
    (OneCycle(**RUN), lambda opt: theirs.OneCycleLR(opt, PEAK, total_steps=STEPS)),
    *[
        (
            kind(**RUN, half_cycle_steps=half, floor=0.2),
            cyclic(step_size_up=half, mode=kind.__name__.lower()),
        )
        for kind in (Triangular, Triangular2)
        for half in (1, 4, 10, 40)
    ],
    *[
        (
            ExpRange(**RUN, half_cycle_steps=half, floor=0.2, gamma=gamma),
            cyclic(max_lr=0.06 + 0.24 / top, step_size_up=half, mode="exp_range", gamma=gamma),
        )
        for half, gamma, top in (
            (4, 0.9, 0.9**4),
            (10, 0.99, 0.99**10),
            (10, 1.0, 1.0),
            # 0.5 ** t outweighs t / 10 from the second step on, where both are 0.05.
            (10, 0.5, 0.05),
        )
    ],
    *[
        (
            LinearWarmup(peak=PEAK, total_steps=20, start=start) + Constant(peak=PEAK, total_steps=40),
            lambda opt, start=start: theirs.LinearLR(opt, start_factor=start, total_iters=20),
        )
        for start in (0.01, 1 / 3, 1.0)
    ],
    (
        Constant(peak=PEAK * 0.25, total_steps=5) + Constant(peak=PEAK, total_steps=55),
        lambda opt: theirs.ConstantLR(opt, factor=0.25, total_iters=5),
    ),
    (
        LinearWarmup(peak=PEAK, total_steps=20, start=0.01) + Cosine(peak=PEAK, total_steps=40, floor=0.1),
        sequential(
            20,
            lambda opt: theirs.LinearLR(opt, start_factor=0.01, total_iters=20),
            lambda opt: theirs.CosineAnnealingLR(opt, T_max=40, eta_min=0.1 * PEAK),
        ),
    ),
    (
        Piecewise(until=(20, 40, 60), values=(PEAK, PEAK / 10, PEAK / 100)),
        lambda opt: theirs.MultiStepLR(opt, [20, 40]),
    ),
]


@pytest.mark.parametrize(("ours", "build"), GRID, ids=[repr(ours) for ours, _ in GRID])
def test_the_same_rates_as_torch(ours: Schedule, build: Build) -> None:
    with warnings.catch_warnings():
        # SequentialLR calls its parts in a way that it warns about itself.
        warnings.filterwarnings(
            "ignore", message="The epoch parameter in `scheduler.step", category=UserWarning
        )
        rates = rates_of_torch(build)
    np.testing.assert_allclose(ours(np.arange(STEPS)), rates, rtol=1e-9, atol=1e-15)  # some are recurrences


def test_a_scheduler_stepped_once_an_epoch_is_per_epoch():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = theirs.StepLR(optimizer, 2)
    rates = []
    for _epoch in range(5):
        for _batch in range(3):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
        scheduler.step()
    ours = per_epoch(Step(peak=PEAK, total_steps=5, every_steps=2), 3)
    np.testing.assert_allclose(ours(np.arange(15)), rates, rtol=1e-12)


def test_torch_steps_one_cycle_past_its_end_and_up_again():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK, momentum=0.9)
    scheduler = theirs.OneCycleLR(optimizer, PEAK, total_steps=STEPS)
    for _ in range(STEPS):
        last = optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()
    ours = OneCycle(peak=PEAK, total_steps=STEPS)
    assert last == pytest.approx(ours(STEPS - 1), rel=1e-9)
    assert optimizer.param_groups[0]["lr"] > 100 * last
    assert ours(STEPS) == ours(STEPS - 1)


def test_the_peak_of_torchs_one_cycle_may_fall_between_two_steps():
    def build(optimizer: torch.optim.Optimizer) -> theirs.LRScheduler:
        return theirs.OneCycleLR(optimizer, PEAK, total_steps=15, pct_start=0.3)

    rates = rates_of_torch(build, 15)
    ours = OneCycle(peak=PEAK, total_steps=15, rise_fraction=0.3)
    assert max(rates) < 0.995 * PEAK
    assert ours(3) == ours.peak == PEAK


def test_cosine_annealing_rises_again_after_its_end_and_ours_holds():
    rates = rates_of_torch(lambda opt: theirs.CosineAnnealingLR(opt, T_max=30), 60)
    ours = Cosine(peak=PEAK, total_steps=30)
    np.testing.assert_allclose(ours(np.arange(30)), rates[:30], rtol=1e-9)
    assert all(after > before for before, after in pairwise(rates[30:60]))
    assert ours(59) == ours(29)


def test_linear_lr_holds_its_last_value_and_ours_the_step_before():
    rates = rates_of_torch(lambda opt: theirs.LinearLR(opt, 1.0, 0.2, total_iters=30), 60)
    ours = Linear(peak=PEAK, total_steps=30, floor=0.2)
    np.testing.assert_allclose(ours(np.arange(30)), rates[:30], rtol=1e-9)
    assert rates[59] == pytest.approx(0.2 * PEAK)
    assert ours(59) == pytest.approx(PEAK * (0.2 + 0.8 / 30))
    longer = ours + Constant(peak=0.2 * PEAK, total_steps=1)
    np.testing.assert_allclose(longer(np.arange(60)), rates, rtol=1e-9)


def test_schedulers_stepped_before_the_first_step_are_one_ahead():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = theirs.StepLR(optimizer, 3)
    rates = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step", category=UserWarning)
        for _ in range(9):
            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
    ours = shifted(Step(peak=PEAK, total_steps=20, every_steps=3), 1)
    np.testing.assert_allclose(ours(np.arange(9)), rates, rtol=1e-12)


def test_torch_takes_a_milestone_twice():
    rates = rates_of_torch(lambda opt: theirs.MultiStepLR(opt, [20, 20]))
    ours = MultiStep(**RUN, milestones=(20,), factor=0.1**2)
    np.testing.assert_allclose(ours(np.arange(STEPS)), rates, rtol=1e-9)


@pytest.mark.parametrize(
    ("ours", "build"),
    [
        (Step(peak=PEAK, total_steps=20, every_steps=7), lambda opt: theirs.StepLR(opt, 7)),
        (
            Exponential(peak=PEAK, total_steps=20, decay_steps=1, rate=0.9),
            lambda opt: theirs.ExponentialLR(opt, 0.9),
        ),
    ],
)
def test_torch_goes_on_falling_and_ours_holds(ours: Schedule, build: Build) -> None:
    rates = rates_of_torch(build)
    np.testing.assert_allclose(ours(np.arange(20)), rates[:20], rtol=1e-9)
    assert rates[59] < 0.1 * rates[19]
    assert ours(59) == ours(19)


def test_what_torch_does_unasked():
    rates = rates_of_torch(theirs.ConstantLR)
    np.testing.assert_allclose(rates, [PEAK / 3] * 5 + [PEAK] * 55, rtol=1e-9)
    assert set(Constant(**RUN)(np.arange(STEPS))) == {PEAK}
    rates = rates_of_torch(theirs.PolynomialLR)
    ours = Polynomial(peak=PEAK, total_steps=5)
    np.testing.assert_allclose(ours(np.arange(5)), rates[:5], rtol=1e-9)
    assert rates[5:] == [0.0] * 55


@pytest.mark.parametrize(
    "build",
    [
        lambda opt: theirs.OneCycleLR(opt, max_lr=PEAK, total_steps=20),
        lambda opt: theirs.CyclicLR(opt, base_lr=0.06, max_lr=PEAK, step_size_up=6),
    ],
    ids=["OneCycleLR", "CyclicLR"],
)
def test_torch_moves_momentum_against_the_rate_unasked(build: Build) -> None:
    seen: list[tuple[float, float]] = []

    def watched(optimizer: torch.optim.Optimizer) -> theirs.LRScheduler:
        def note(*_: Any) -> None:
            seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))

        optimizer.register_step_pre_hook(note)
        return build(optimizer)

    rates_of_torch(watched, 20)
    rises = np.diff(np.array(seen), axis=0)
    assert (rises[:, 0] * rises[:, 1] < 0).all()

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK, momentum=0.9)
    scheduler = OneCycle(**RUN).torch(optimizer)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["momentum"] == 0.9
