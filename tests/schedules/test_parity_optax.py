"""The same rates as optax's schedules, and where they differ."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import optax
import pytest

from rightrate.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    ExponentialWarmup,
    Linear,
    LinearWarmup,
    MultiStep,
    OneCycle,
    Piecewise,
    Polynomial,
    Schedule,
    clipped,
    sequence,
)

PEAK = 0.3
STEPS = 60
RUN = {"peak": PEAK, "total_steps": STEPS}


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def rates_of_optax(schedule: Callable[[Any], Any], steps: int = STEPS) -> list[float]:
    return [float(schedule(step)) for step in range(steps)]


GRID: list[tuple[Schedule, Callable[[], Any]]] = [
    (Constant(**RUN), lambda: optax.constant_schedule(PEAK)),
    *[
        (Linear(**RUN, floor=floor), lambda floor=floor: optax.linear_schedule(PEAK, PEAK * floor, STEPS))
        for floor in (0.0, 0.1, 1.0)
    ],
    *[
        (
            Polynomial(**RUN, power=power, floor=floor),
            lambda power=power, floor=floor: optax.polynomial_schedule(PEAK, PEAK * floor, power, STEPS),
        )
        for power in (0.5, 1.0, 2.0)
        for floor in (0.0, 0.1)
    ],
    *[
        (
            Cosine(**RUN, floor=floor),
            lambda floor=floor: optax.cosine_decay_schedule(PEAK, STEPS, alpha=floor),
        )
        for floor in (0.0, 0.1, 1.0)
    ],
    *[
        (
            Exponential(**RUN, decay_steps=steps, rate=rate, staircase=stairs),
            lambda steps=steps, rate=rate, stairs=stairs: optax.exponential_decay(
                PEAK, steps, rate, staircase=stairs
            ),
        )
        for steps in (1, 7, 20)
        for rate in (0.5, 0.9)
        for stairs in (False, True)
    ],
    (
        clipped(Exponential(**RUN, decay_steps=10, rate=0.5), low=0.05),
        lambda: optax.exponential_decay(PEAK, 10, 0.5, end_value=0.05),
    ),
    *[
        (
            MultiStep(**RUN, milestones=milestones, factor=0.1),
            lambda milestones=milestones: optax.piecewise_constant_schedule(
                PEAK, dict.fromkeys(milestones, 0.1)
            ),
        )
        for milestones in ((1,), (20, 40), (58, 59))
    ],
    (
        Piecewise(until=(20, 40, 60), values=(0.1, 0.2, 0.05)),
        lambda: optax.piecewise_constant_schedule(0.1, {20: 2.0, 40: 0.25}),
    ),
    *[
        (
            sequence(LinearWarmup(peak=PEAK, total_steps=12, start=start), Cosine(peak=PEAK, total_steps=48)),
            lambda start=start: optax.warmup_cosine_decay_schedule(PEAK * start, PEAK, 12, STEPS),
        )
        for start in (0.0, 0.1)
    ],
    (
        Cosine(**RUN, warmup_steps=11, floor=0.1),
        lambda: optax.warmup_cosine_decay_schedule(PEAK / 12, PEAK, 11, STEPS, end_value=0.1 * PEAK),
    ),
    (
        LinearWarmup(peak=PEAK, total_steps=12, start=0.1)
        + Exponential(peak=PEAK, total_steps=48, decay_steps=9, rate=0.5),
        lambda: optax.warmup_exponential_decay_schedule(0.1 * PEAK, PEAK, 12, 9, 0.5),
    ),
    (
        ExponentialWarmup(**RUN, start=0.01),
        lambda: optax.exponential_decay(0.01 * PEAK, STEPS, 100.0),
    ),
    (
        CosineRestarts(**RUN, cycle_steps=20, floor=0.1),
        lambda: optax.join_schedules(
            [optax.cosine_decay_schedule(PEAK, 20, alpha=0.1) for _ in range(3)], [20, 40]
        ),
    ),
]


@pytest.mark.parametrize(("ours", "build"), GRID, ids=[repr(ours) for ours, _ in GRID])
def test_the_same_rates_as_optax(ours: Schedule, build: Callable[[], Any]) -> None:
    np.testing.assert_allclose(ours(np.arange(STEPS)), rates_of_optax(build()), rtol=1e-9, atol=1e-15)


def test_optax_reaches_the_end_one_step_after_the_last_and_ours_holds_the_last():
    rates = rates_of_optax(optax.linear_schedule(PEAK, 0.0, 10), 12)
    ours = Linear(peak=PEAK, total_steps=10)
    np.testing.assert_allclose(ours(np.arange(10)), rates[:10], rtol=1e-12)
    assert rates[10] == rates[11] == 0.0
    assert ours(10) == ours(9) == pytest.approx(PEAK / 10)


@pytest.mark.parametrize(("transition", "share"), [(50, 0.3), (59, 0.31), (20, 0.5)])
@pytest.mark.parametrize(("div", "final"), [(25.0, 1e4), (10.0, 1.0)])
def test_one_cycle_of_optax_ends_one_step_later(
    transition: int, share: float, div: float, final: float
) -> None:
    top = int(share * transition)
    theirs = optax.cosine_onecycle_schedule(transition, PEAK, share, div, final)
    ours = OneCycle(
        peak=PEAK,
        total_steps=transition + 1,
        rise_fraction=(top + 1) / (transition + 1),
        start=1 / div,
        floor=1 / (div * final),
    )
    steps = transition + 1
    np.testing.assert_allclose(ours(np.arange(steps)), rates_of_optax(theirs, steps), rtol=1e-9)
