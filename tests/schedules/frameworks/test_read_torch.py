from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import SGD, Optimizer
from torch.optim import lr_scheduler as theirs

from rightrate.errors import ConfigError
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
    Sequence,
    Step,
    Triangular,
    Triangular2,
    from_torch,
    sequence,
)

BASE = 0.3
Build = Callable[[Optimizer], theirs.LRScheduler]


def small(*rates: float) -> Optimizer:
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates or (BASE,)]
    return SGD(groups, lr=BASE, momentum=0.9)


def rates_of(scheduler: theirs.LRScheduler, steps: int, group: int = 0) -> list[float]:
    """Return the rates a real optimizer uses while the scheduler steps beside it."""
    rates = []
    for step in range(steps):
        rates.append(float(scheduler.optimizer.param_groups[group]["lr"]))
        scheduler.optimizer.step()
        if step < steps - 1:
            scheduler.step()
    return rates


def made(kind: str, **arguments: Any) -> Build:
    return lambda optimizer: getattr(theirs, kind)(optimizer, **arguments)


def sequential(milestones: list[int], *builds: Build) -> Build:
    return lambda optimizer: theirs.SequentialLR(
        optimizer, [build(optimizer) for build in builds], milestones
    )


CYCLIC = {"base_lr": 0.1, "max_lr": 0.4, "step_size_up": 6}

NAMED = [
    (made("StepLR", step_size=7), 30, Step(peak=BASE, total_steps=30, every_steps=7, factor=0.1)),
    (
        made("StepLR", step_size=7, gamma=0.5),
        30,
        Step(peak=BASE, total_steps=30, every_steps=7, factor=0.5),
    ),
    (
        made("MultiStepLR", milestones=[4, 9, 40]),
        30,
        MultiStep(peak=BASE, total_steps=30, milestones=(4, 9), factor=0.1),
    ),
    (
        made("MultiStepLR", milestones=[9, 4], gamma=0.3),
        10,
        MultiStep(peak=BASE, total_steps=10, milestones=(4, 9), factor=0.3),
    ),
    (
        made("ExponentialLR", gamma=0.9),
        30,
        Exponential(peak=BASE, total_steps=30, decay_steps=1, rate=0.9),
    ),
    (made("CosineAnnealingLR", T_max=30), None, Cosine(peak=BASE, total_steps=30)),
    (made("CosineAnnealingLR", T_max=30, eta_min=0.06), None, Cosine(peak=BASE, total_steps=30, floor=0.2)),
    (
        made("CosineAnnealingWarmRestarts", T_0=7),
        30,
        CosineRestarts(peak=BASE, total_steps=30, cycle_steps=7),
    ),
    (
        made("CosineAnnealingWarmRestarts", T_0=4, T_mult=2, eta_min=0.06),
        30,
        CosineRestarts(peak=BASE, total_steps=30, cycle_steps=4, growth=2, floor=0.2),
    ),
    (
        made("LinearLR", start_factor=0.25, total_iters=5),
        30,
        LinearWarmup(peak=BASE, total_steps=5, start=0.25) + Constant(peak=BASE, total_steps=25),
    ),
    (
        made("LinearLR", start_factor=1.0, end_factor=0.5, total_iters=30),
        30,
        Linear(peak=BASE, total_steps=30, floor=0.5),
    ),
    (
        made("LinearLR", start_factor=1.0, end_factor=0.5, total_iters=20),
        30,
        Linear(peak=BASE, total_steps=20, floor=0.5) + Constant(peak=BASE / 2, total_steps=10),
    ),
    (
        made("ConstantLR", factor=0.5, total_iters=4),
        30,
        Piecewise(until=(4, 30), values=(BASE / 2, BASE)),
    ),
    (made("PolynomialLR", total_iters=30, power=0.9), None, Polynomial(peak=BASE, total_steps=30, power=0.9)),
    (made("OneCycleLR", max_lr=0.8, total_steps=30), None, OneCycle(peak=0.8, total_steps=30)),
    (
        made(
            "OneCycleLR",
            max_lr=0.8,
            epochs=3,
            steps_per_epoch=10,
            pct_start=0.5,
            anneal_strategy="linear",
            div_factor=4.0,
            final_div_factor=10.0,
        ),
        None,
        OneCycle(peak=0.8, total_steps=30, rise_fraction=0.5, start=1 / 4, floor=1 / 40, curve="linear"),
    ),
    (made("CyclicLR", **CYCLIC), 30, Triangular(peak=0.4, total_steps=30, half_cycle_steps=6, floor=0.25)),
    (
        made("CyclicLR", **CYCLIC, mode="triangular2"),
        30,
        Triangular2(peak=0.4, total_steps=30, half_cycle_steps=6, floor=0.25),
    ),
    (
        made("LambdaLR", lr_lambda=Cosine(total_steps=30, floor=0.1)),
        None,
        Cosine(peak=BASE, total_steps=30, floor=0.1),
    ),
    (
        made("LambdaLR", lr_lambda=lambda step: 1.0 if step < 12 else 0.25),
        30,
        Piecewise(until=(12, 30), values=(BASE, BASE / 4)),
    ),
    (
        made("MultiplicativeLR", lr_lambda=lambda step: 0.5 if step == 12 else 1.0),
        30,
        Piecewise(until=(12, 30), values=(BASE, BASE / 2)),
    ),
    (
        sequential(
            [5, 20],
            made("LinearLR", start_factor=0.25, total_iters=5),
            made("ConstantLR", factor=1.0),
            made("CosineAnnealingLR", T_max=10),
        ),
        None,
        sequence(
            LinearWarmup(peak=BASE, total_steps=5, start=0.25),
            Piecewise(until=(15,), values=(BASE,)),
            Cosine(peak=BASE, total_steps=10),
        ),
    ),
    (
        Cosine(peak=0.7, total_steps=30, warmup_steps=4).torch,
        None,
        Cosine(peak=0.7, total_steps=30, warmup_steps=4),
    ),
]


def rounded(value: Any) -> Any:
    """Return plain data with its floats to 12 significant digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


@pytest.mark.parametrize(("build", "given_steps", "expected"), NAMED, ids=[str(row[2]) for row in NAMED])
def test_schedulers_are_read_by_name(build: Build, given_steps: int | None, expected: Schedule) -> None:
    scheduler = build(small())
    read = from_torch(scheduler, total_steps=given_steps)
    assert rounded(read.to_dict()) == rounded(expected.to_dict())
    # torch computes most rates from the one before; our values are those of its formula.
    rates = rates_of(scheduler, read.total_steps)
    np.testing.assert_allclose(read(np.arange(read.total_steps)), rates, rtol=1e-9, atol=1e-15)


def test_exp_range_is_read_with_the_peak_it_reaches() -> None:
    scheduler = made("CyclicLR", **CYCLIC, mode="exp_range", gamma=0.99)(small())
    read = from_torch(scheduler, total_steps=30)
    assert isinstance(read, ExpRange)
    assert read.peak == pytest.approx(0.1 + 0.3 * 0.99**6, rel=1e-12)
    assert read.floor == pytest.approx(0.1 / read.peak, rel=1e-12)
    np.testing.assert_allclose(read(np.arange(30)), rates_of(scheduler, 30), rtol=1e-9)


TABLES = [
    (made("StepLR", step_size=7, gamma=1.5), 30),
    (made("MultiStepLR", milestones=[4, 4, 9]), 30),
    (made("MultiStepLR", milestones=[40]), 30),
    (made("ExponentialLR", gamma=1.1), 30),
    (made("CosineAnnealingLR", T_max=10), 30),
    (made("CosineAnnealingLR", T_max=30), 20),
    (made("CosineAnnealingLR", T_max=30, eta_min=0.5), 30),
    (made("LinearLR", start_factor=1.0, end_factor=0.0, total_iters=20), 30),
    (made("LinearLR", start_factor=0.25, total_iters=20), 10),
    (made("ConstantLR", factor=0.5, total_iters=40), 30),
    (made("PolynomialLR", total_iters=20), 30),
    (made("OneCycleLR", max_lr=0.8, total_steps=31), 31),
    (made("OneCycleLR", max_lr=0.8, total_steps=30), 20),
    (made("OneCycleLR", max_lr=0.8, total_steps=30, three_phase=True), 30),
    (made("OneCycleLR", max_lr=0.8, total_steps=30, pct_start=0.0), 30),
    (made("CyclicLR", **CYCLIC, step_size_down=3), 30),
    (made("CyclicLR", **CYCLIC), 6),
    (made("CyclicLR", **CYCLIC, scale_fn=lambda cycle: 0.5 ** (cycle - 1)), 30),
    (made("CyclicLR", **CYCLIC, scale_fn=lambda step: 0.9**step, scale_mode="iterations"), 30),
    (made("LambdaLR", lr_lambda=lambda step: 1 / (1 + step)), 30),
    (made("LambdaLR", lr_lambda=Cosine(total_steps=30)), 20),
    (made("MultiplicativeLR", lr_lambda=lambda step: 1 + 1 / step), 30),
    (Cosine(peak=0.7, total_steps=30, warmup_steps=4).torch, 20),
    (Cosine(peak=0.7, total_steps=30, warmup_steps=4).torch, 40),
    (sequential([5], made("StepLR", step_size=2), made("CosineAnnealingLR", T_max=25)), 20),
    (sequential([5], made("StepLR", step_size=2), made("PolynomialLR", total_iters=10)), 30),
]


@pytest.mark.parametrize(("build", "steps"), TABLES)
def test_other_settings_are_read_value_by_value(build: Build, steps: int) -> None:
    scheduler = build(small())
    read = from_torch(scheduler, total_steps=steps)
    assert isinstance(read, (Piecewise, Sequence))
    assert read.total_steps == steps
    rates = rates_of(scheduler, steps)
    np.testing.assert_allclose(read(np.arange(steps)), rates, rtol=1e-9, atol=1e-15)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.01, 0.5),
    st.floats(0.01, 0.5),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from(["triangular", "triangular2", "exp_range"]),
    st.floats(0.5, 1.0),
    st.integers(1, 40),
)
def test_any_cycle(low: float, more: float, up: int, down: int, mode: str, gamma: float, steps: int) -> None:
    scheduler = theirs.CyclicLR(small(), low, low + more, up, down, mode=mode, gamma=gamma)
    read = from_torch(scheduler, total_steps=steps)
    np.testing.assert_allclose(read(np.arange(steps)), rates_of(scheduler, steps), rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, 1.0), st.integers(4, 40), st.booleans(), st.sampled_from(["cos", "linear"]))
def test_any_one_cycle(rise: float, steps: int, three_phase: bool, curve: str) -> None:
    three_phase = three_phase and rise < 0.5  # torch itself divides by zero or runs past the end otherwise
    options = {"pct_start": rise, "three_phase": three_phase, "anneal_strategy": curve}
    scheduler = theirs.OneCycleLR(small(), max_lr=0.8, total_steps=steps, **options)
    read = from_torch(scheduler)
    np.testing.assert_allclose(read(np.arange(steps)), rates_of(scheduler, steps), rtol=1e-9, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.integers(1, 20), st.integers(1, 40))
def test_any_line(first: float, last: float, length: int, steps: int) -> None:
    scheduler = theirs.LinearLR(small(), first, last, length)
    read = from_torch(scheduler, total_steps=steps)
    np.testing.assert_allclose(read(np.arange(steps)), rates_of(scheduler, steps), rtol=1e-9, atol=1e-12)


def test_one_group_is_read() -> None:
    optimizer = small(0.2, 0.5)
    scheduler = theirs.LambdaLR(optimizer, [lambda step: 1.0, lambda step: 0.5**step])
    assert from_torch(scheduler, total_steps=2) == Piecewise(until=(2,), values=(0.2,))
    assert from_torch(scheduler, total_steps=2, group=1) == Piecewise(until=(1, 2), values=(0.5, 0.25))
    ours = Linear(peak=0.4, total_steps=4).torch(small(0.2, 0.5))
    assert from_torch(ours, group=1) == Linear(peak=1.0, total_steps=4)


@pytest.mark.parametrize("taken", [1, 4, 29, 30, 35])
def test_a_scheduler_on_its_way_is_read_from_its_start(taken: int) -> None:
    scheduler = theirs.CosineAnnealingLR(small(), T_max=30)
    for _ in range(taken):
        scheduler.optimizer.step()
        scheduler.step()
    before = (scheduler.last_epoch, scheduler.get_last_lr())
    assert from_torch(scheduler) == Cosine(peak=BASE, total_steps=30)
    assert (scheduler.last_epoch, scheduler.get_last_lr()) == before


def test_there_and_back() -> None:
    schedule = LinearWarmup(peak=0.1, total_steps=3) + Cosine(peak=0.1, total_steps=9, floor=0.2)
    assert from_torch(schedule.torch(small())) == schedule


class Own(theirs.StepLR):
    """A user's scheduler may do anything."""


def two_at_once(optimizer: Optimizer) -> theirs.LRScheduler:
    theirs.ConstantLR(optimizer, factor=0.5)
    return theirs.StepLR(optimizer, step_size=5)


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (
            made("StepLR", step_size=5),
            {},
            r"\(total_steps=\.\.\.\) must be an integer >= 1, got None\. It does not say how long",
        ),
        (
            made("StepLR", step_size=5),
            {"total_steps": 0},
            r"\(total_steps=\.\.\.\) must be .* >= 1, got 0\.$",
        ),
        (
            made("StepLR", step_size=5),
            {"group": 1},
            r"\(group=\.\.\.\) must be less than 1, the number of groups, got 1\.",
        ),
        (made("StepLR", step_size=5), {"group": -1}, r"\(group=\.\.\.\) must be an integer >= 0, got -1\."),
        (
            made("OneCycleLR", max_lr=1.0, total_steps=9),
            {"total_steps": 12},
            r"\(total_steps=\.\.\.\) must be at most its own total_steps=9, got 12\.",
        ),
        (
            made("ReduceLROnPlateau"),
            {},
            r"got <.*ReduceLROnPlateau'>\. Its rates follow a metric, not the step\.",
        ),
        (
            lambda optimizer: theirs.ChainedScheduler([theirs.StepLR(optimizer, 2)], optimizer),
            {},
            r"ChainedScheduler'>\. Its parts multiply each other's rates",
        ),
        (
            lambda optimizer: torch.optim.swa_utils.SWALR(optimizer, swa_lr=0.1),
            {},
            r"SWALR'>\. It starts from whatever rate",
        ),
        (lambda optimizer: Own(optimizer, 2), {}, r"Own'>\. Known are ScheduledLR, StepLR, MultiStepLR, "),
        (lambda optimizer: 0.1, {}, r"a scheduler of a known formula, got <class 'float'>\. Known are"),
        (
            sequential([5], made("StepLR", step_size=2), lambda optimizer: Own(optimizer, 2)),
            {"total_steps": 9},
            r"Own'>\. Known are",
        ),
        pytest.param(
            sequential(
                [5], sequential([2], made("ConstantLR"), made("StepLR", step_size=2)), made("ConstantLR")
            ),
            {"total_steps": 9},
            r"SequentialLR'>\. Inside another one it is not started as by itself; write all parts",
            marks=pytest.mark.filterwarnings("ignore:Detected call of"),
        ),
        (
            sequential([5], made("ConstantLR"), made("MultiplicativeLR", lr_lambda=lambda step: 0.9)),
            {"total_steps": 9},
            r"MultiplicativeLR'>\. After a milestone it starts from whatever rate it finds; read it by",
        ),
        *(
            (
                made(kind, total_iters=0),
                {"total_steps": 9},
                r": its total_iters must be an integer >= 1, got 0",
            )
            for kind in ("ConstantLR", "LinearLR", "PolynomialLR")
        ),
        (
            made("LambdaLR", lr_lambda=lambda step: 1.0 - step),
            {"total_steps": 5},
            r": its rates must be finite and >= 0, got -0\.3 at step 2\.",
        ),
        (
            made("LambdaLR", lr_lambda=lambda step: float("nan")),
            {"total_steps": 5},
            r": its rates must be finite and >= 0, got nan at step 0\.",
        ),
        (
            made("LambdaLR", lr_lambda=lambda step: 0.0),
            {"total_steps": 5},
            r": its rates must be above 0 at some step, got 0\.0\.",
        ),
        (
            made("StepLR", step_size=2),
            {"total_steps": 10**11},
            r"\(total_steps=\.\.\.\) must be at most 33554432, got 100000000000\. The rates of every step",
        ),
        (
            two_at_once,
            {"total_steps": 5},
            r": its rate must be 0\.3 at its step 0, as its formula says, got 0\.15\. Something else changes",
        ),
    ],
)
def test_what_cannot_be_read_says_why(build: Build, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=r"^from_torch.*" + message):
        from_torch(build(small()), **arguments)


def test_a_start_at_zero_that_rises() -> None:
    scheduler = theirs.CosineAnnealingLR(small(0.0), T_max=4, eta_min=0.4)
    np.testing.assert_allclose(from_torch(scheduler)(np.arange(4)), rates_of(scheduler, 4), rtol=1e-9)


def test_float32_rates_are_read() -> None:
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=torch.tensor(0.3))
    scheduler = theirs.ExponentialLR(optimizer, gamma=0.9)
    for _ in range(20):
        optimizer.step()
        scheduler.step()
    read = from_torch(scheduler, total_steps=30)
    assert isinstance(read, Exponential)
    assert read.peak == pytest.approx(0.3, rel=1e-6)
