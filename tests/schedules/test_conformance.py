"""What holds for every schedule, over all fields of all of them."""

import json
import pickle
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from tests.schedules.strategies import (
    DECAYS,
    decays,
    factors,
    formulas,
    multi_steps,
    one_cycles,
    schedules,
    triangles,
    warmups,
)

from rightrate.schedules import NAMES, Formula, Schedule, from_dict, restarted, sequence
from rightrate.testing import check_schedule


@given(schedules())
@settings(max_examples=600)
def test_conformance(schedule: Schedule) -> None:
    check_schedule(schedule, places=256)


@given(warmups | triangles())
def test_conformance_of_what_rises(schedule: Schedule) -> None:
    check_schedule(schedule, places=256)


@given(schedules())
def test_through_json_and_pickle_it_is_the_same(schedule: Schedule) -> None:
    text = json.dumps(schedule.to_dict(), allow_nan=False)
    again = from_dict(json.loads(text))
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert repr(again) == repr(schedule)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@given(formulas(), factors)
def test_multiplying_scales_the_peak_alone(schedule: Formula, factor: float) -> None:
    assert schedule * factor == factor * schedule == replace(schedule, peak=schedule.peak * factor)


@given(decays() | multi_steps() | triangles() | one_cycles)
def test_a_shape_reaches_exactly_1_so_that_combined_ones_are_shapes(schedule: Formula) -> None:
    shape = replace(schedule, peak=1.0)
    assert sequence(shape).peak == 1.0
    assert restarted(shape, 2).peak == 1.0


@given(schedules())
def test_the_peak_bounds_every_rate_of_a_prefix(schedule: Schedule) -> None:
    steps = np.arange(min(schedule.total_steps, 50))
    assert schedule(steps).max() <= schedule.peak * (1 + 1e-12)


def test_every_name_is_drawn():
    drawn = {kind.__name__ for kind in DECAYS} | {
        *("MultiStep", "Triangular", "Triangular2", "ExpRange", "OneCycle", "Piecewise"),
        *("LinearWarmup", "CosineWarmup", "ExponentialWarmup"),
        *("Sequence", "Scaled", "Clipped", "Shifted", "Restarted", "PerEpoch"),
    }
    assert drawn == {kind.__name__ for kind in NAMES.values()}
