"""The functions that wrap a schedule, and what holds between them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.schedules.strategies import decays, factors

from rightrate.errors import ConfigError
from rightrate.schedules import (
    Clipped,
    Constant,
    Cosine,
    CosineRestarts,
    Formula,
    Linear,
    LinearWarmup,
    PerEpoch,
    Piecewise,
    Restarted,
    Scaled,
    Shifted,
    clipped,
    per_epoch,
    restarted,
    scaled,
    sequence,
    shifted,
)

INSIDE = Linear(peak=0.8, total_steps=6)
FEW = st.integers(min_value=1, max_value=9)


def test_functions_make_the_classes():
    assert scaled(INSIDE, 2) == Scaled(schedule=INSIDE, factor=2.0)
    assert clipped(INSIDE, low=0.1, high=0.5) == Clipped(schedule=INSIDE, low=0.1, high=0.5)
    assert clipped(INSIDE) == Clipped(schedule=INSIDE, low=0.0, high=None)
    assert shifted(INSIDE, 2) == Shifted(schedule=INSIDE, skip_steps=2)
    assert restarted(INSIDE, 2) == Restarted(schedule=INSIDE, times=2)
    assert per_epoch(INSIDE, 2) == PerEpoch(schedule=INSIDE, steps_per_epoch=2)


def test_scaling_keeps_what_is_inside_and_multiplying_changes_it():
    assert scaled(INSIDE, 0.5) * 3 == scaled(INSIDE, 1.5)
    assert shifted(INSIDE, 2) * 3 == shifted(INSIDE * 3, 2)
    assert clipped(INSIDE, low=0.1, high=0.5) * 2 == clipped(INSIDE * 2, low=0.2, high=1.0)
    assert clipped(INSIDE, low=0.1) * 2 == clipped(INSIDE * 2, low=0.2)
    assert repr(scaled(INSIDE, 0.5)) == f"Scaled(schedule={INSIDE!r}, factor=0.5)"


def test_rates_beyond_every_number_are_refused():
    vast = scaled(INSIDE, 1e300)
    with pytest.raises(
        ConfigError, match=r"^The largest rate of Scaled\(\.\.\.\) must be .* > 0, got inf\.$"
    ):
        scaled(vast, 1e300)
    with pytest.raises(
        ConfigError, match=r"^The largest rate of Scaled\(\.\.\.\) must be .* > 0, got 0\.0\.$"
    ):
        scaled(scaled(INSIDE, 1e-300), 1e-300)


@given(decays(), factors)
def test_scaled_is_multiplied(schedule: Formula, factor: float) -> None:
    steps = np.arange(min(schedule.total_steps, 30))
    np.testing.assert_allclose(
        scaled(schedule, factor)(steps), (schedule * factor)(steps), rtol=1e-12, atol=1e-300
    )


@given(decays(), st.data())
def test_the_parts_of_a_schedule_are_the_schedule(schedule: Formula, data: st.DataObject) -> None:
    cut = data.draw(st.integers(min_value=0, max_value=min(schedule.total_steps - 1, 40)))
    assume(schedule(cut) > 0)
    rest = shifted(schedule, cut)
    steps = np.arange(50)
    np.testing.assert_array_equal(rest(steps), schedule(steps + cut))
    assert rest.total_steps == schedule.total_steps - cut


@given(FEW, FEW)
def test_restarted_cosine_is_cosine_restarts(cycle_steps: int, times: int) -> None:
    again = restarted(Cosine(peak=0.3, total_steps=cycle_steps, floor=0.2), times)
    built_in = CosineRestarts(peak=0.3, total_steps=cycle_steps * times, cycle_steps=cycle_steps, floor=0.2)
    steps = np.arange(100)
    np.testing.assert_allclose(again(steps), built_in(steps), rtol=1e-12)


@given(FEW)
def test_epochs_of_one_rate(steps_per_epoch: int) -> None:
    recipe = per_epoch(Piecewise(until=(2, 3), values=(0.2, 0.1)), steps_per_epoch)
    ends = (2 * steps_per_epoch, 3 * steps_per_epoch)
    steps = np.arange(40)
    np.testing.assert_array_equal(recipe(steps), Piecewise(until=ends, values=(0.2, 0.1))(steps))


def test_one_part_alone_is_that_part():
    alone = sequence(INSIDE)
    assert alone(3) == INSIDE(3) == 0.4
    np.testing.assert_array_equal(alone(np.arange(9)), INSIDE(np.arange(9)))


def test_the_peak_is_a_rate_that_is_used():
    after = LinearWarmup(peak=1.0, total_steps=3) + Constant(peak=0.1, total_steps=3)
    assert after.peak == 0.75
    assert sequence(LinearWarmup(total_steps=3), Cosine(total_steps=9)).peak == 1.0
    warm = Cosine(total_steps=10, warmup_steps=3)
    assert shifted(warm, 5).peak == warm(5) < 1.0
    assert clipped(INSIDE, high=5.0).peak == 0.8
