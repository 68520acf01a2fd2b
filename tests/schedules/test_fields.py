"""Every field is checked, kept as a plain Python value, and changes the rates."""

import math
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from rightrate.errors import ConfigError
from rightrate.schedules import NAMES, Constant, Linear, LinearWarmup, MultiStep, Piecewise, Schedule
from rightrate.schedules.names import required

RUN = {"peak": 0.8, "total_steps": 60}
WARM = {**RUN, "warmup_steps": 10}
INSIDE = Linear(peak=0.8, total_steps=20)

EXAMPLES: dict[str, dict[str, Any]] = {
    "constant": WARM,
    "linear": {**WARM, "floor": 0.1},
    "cosine": {**WARM, "floor": 0.1},
    "rex": {**WARM, "floor": 0.1},
    "polynomial": {**WARM, "power": 2.0, "floor": 0.1},
    "exponential": {**WARM, "decay_steps": 7, "rate": 0.6, "staircase": False},
    "inverse_time": {**WARM, "decay_steps": 7, "rate": 0.6, "staircase": False},
    "inverse_sqrt": {**WARM, "timescale_steps": 5},
    "step": {**WARM, "every_steps": 7, "factor": 0.5},
    "multi_step": {**WARM, "milestones": (20, 30), "factor": 0.5},
    "cosine_restarts": {**WARM, "cycle_steps": 10, "growth": 2, "floor": 0.1},
    "wsd": {**WARM, "cooldown_steps": 20, "cooldown": "linear", "floor": 0.1},
    "one_cycle": {**RUN, "rise_fraction": 0.3, "start": 0.2, "floor": 0.1, "curve": "cosine"},
    "triangular": {**RUN, "half_cycle_steps": 10, "floor": 0.1},
    "triangular2": {**RUN, "half_cycle_steps": 10, "floor": 0.1},
    "exp_range": {**RUN, "half_cycle_steps": 10, "floor": 0.1, "gamma": 0.9},
    "warmup": {**RUN, "start": 0.1},
    "exponential_warmup": {**RUN, "start": 0.1},
    "cosine_warmup": {**RUN, "start": 0.1},
    "piecewise": {"until": (20, 60), "values": (0.2, 0.1)},
    "sequence": {"parts": (INSIDE, Constant(peak=0.3, total_steps=20))},
    "scaled": {"schedule": INSIDE, "factor": 0.5},
    "clipped": {"schedule": INSIDE, "low": 0.2, "high": 0.6},
    "shifted": {"schedule": INSIDE, "skip_steps": 3},
    "restarted": {"schedule": INSIDE, "times": 2},
    "per_epoch": {"schedule": INSIDE, "steps_per_epoch": 3},
}
CHANGES: dict[str, Any] = {
    "peak": 0.9,
    "total_steps": 50,
    "warmup_steps": 11,
    "floor": 0.3,
    "power": 2.1,
    "decay_steps": 8,
    "rate": 0.5,
    "staircase": True,
    "timescale_steps": 6,
    "every_steps": 8,
    "factor": 0.4,
    "milestones": (20, 31),
    "cycle_steps": 11,
    "growth": 1,
    "cooldown_steps": 21,
    "cooldown": "1-sqrt",
    "rise_fraction": 0.4,
    "start": 0.3,
    "curve": "linear",
    "half_cycle_steps": 11,
    "gamma": 0.8,
    "until": (21, 60),
    "values": (0.2, 0.15),
    "parts": (INSIDE,),
    "schedule": replace(INSIDE, floor=0.5),
    "low": 0.1,
    "high": 0.5,
    "skip_steps": 4,
    "times": 3,
    "steps_per_epoch": 4,
}
CASES = [(name, field.name) for name, kind in NAMES.items() for field in fields(kind) if field.init]


def test_every_name_and_every_field_has_an_example():
    assert set(EXAMPLES) == set(NAMES)
    for name, kind in NAMES.items():
        assert set(EXAMPLES[name]) == {field.name for field in fields(kind) if field.init}


@pytest.mark.parametrize(("name", "field"), CASES)
def test_every_field_matters(name: str, field: str) -> None:
    schedule = NAMES[name](**EXAMPLES[name])
    changed = replace(schedule, **{field: CHANGES[field]})
    steps = np.arange(90)
    same = np.allclose(schedule(steps), changed(steps), rtol=1e-9, atol=0)
    only_ends_later = {"constant", "exponential", "inverse_time", "inverse_sqrt", "step", "multi_step"}
    if field == "total_steps" and name in only_ends_later | {"triangular", "triangular2", "exp_range"}:
        before = np.arange(50)  # the length of these only says where the last rate is held
        assert np.array_equal(schedule(before), changed(before))
        assert same is (name in ("constant", "multi_step"))
    else:
        assert not same
    assert schedule != changed
    assert repr(schedule) != repr(changed)


PEAK_RULE = r"a finite number > 0"
SHARE = r"a finite number in \(0, 1\]"
UNIT = r"a finite number in \[0, 1\]"
AT_LEAST_1 = r"an integer >= 1"
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("inverse_time", {"decay_steps": 0}, rf"decay_steps=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    ("inverse_time", {"rate": 0.0}, rf"rate=\.\.\.\) must be {PEAK_RULE}, got 0\.0\."),
    ("inverse_time", {"staircase": 1}, r"staircase=\.\.\.\) must be True or False, got 1\."),
    ("exponential", {"decay_steps": 2.5}, rf"decay_steps=\.\.\.\) must be {AT_LEAST_1}, got 2\.5\."),
    ("exponential", {"rate": 1.1}, rf"rate=\.\.\.\) must be {SHARE}, got 1\.1\."),
    ("exponential", {"rate": 0}, rf"rate=\.\.\.\) must be {SHARE}, got 0\."),
    ("exponential", {"staircase": "yes"}, r"staircase=\.\.\.\) must be True or False, got 'yes'\."),
    ("polynomial", {"power": 0.0}, rf"power=\.\.\.\) must be {PEAK_RULE}, got 0\.0\."),
    ("polynomial", {"floor": 1.5}, rf"floor=\.\.\.\) must be {UNIT}, got 1\.5\."),
    ("rex", {"floor": -0.1}, rf"floor=\.\.\.\) must be {UNIT}, got -0\.1\."),
    ("inverse_sqrt", {"timescale_steps": 0}, rf"timescale_steps=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    ("step", {"every_steps": 0}, rf"every_steps=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    ("step", {"factor": 2.0}, rf"factor=\.\.\.\) must be {SHARE}, got 2\.0\."),
    ("multi_step", {"milestones": ()}, r"milestones=\.\.\.\) must be a tuple of integers, at least one, got"),
    ("multi_step", {"milestones": "30"}, r"milestones=\.\.\.\) must be a tuple of integers, .*, got '30'"),
    ("multi_step", {"milestones": 30}, r"milestones=\.\.\.\) must be a tuple of integers, .*, got 30"),
    (
        "multi_step",
        {"milestones": (30, 20)},
        r"milestones=\.\.\.\) must be ascending, each .* got \(30, 20\)",
    ),
    (
        "multi_step",
        {"milestones": (30, 30)},
        r"milestones=\.\.\.\) must be ascending, each .* got \(30, 30\)",
    ),
    ("multi_step", {"milestones": (0, 30)}, rf"milestones=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    ("multi_step", {"milestones": (20.0,)}, rf"milestones=\.\.\.\) must be {AT_LEAST_1}, got 20\.0\."),
    (
        "multi_step",
        {"milestones": (10, 30)},
        r"must be steps after warmup_steps=10 and before .*=60, got \(10",
    ),
    (
        "multi_step",
        {"milestones": (30, 60)},
        r"must be steps after .* before total_steps=60, got \(30, 60\)\. ",
    ),
    ("multi_step", {"factor": 0.0}, rf"factor=\.\.\.\) must be {SHARE}, got 0\.0\."),
    ("cosine_restarts", {"cycle_steps": 0}, rf"cycle_steps=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    ("cosine_restarts", {"growth": 1.5}, rf"growth=\.\.\.\) must be {AT_LEAST_1}, got 1\.5\."),
    ("cosine_restarts", {"floor": 2}, rf"floor=\.\.\.\) must be {UNIT}, got 2\."),
    ("wsd", {"cooldown_steps": 0}, rf"cooldown_steps=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    (
        "wsd",
        {"cooldown_steps": 51},
        r"cooldown_steps=\.\.\.\) must be at most total_steps - .* = 50, got 51\.",
    ),
    (
        "wsd",
        {"cooldown": "sqrt"},
        r"cooldown=\.\.\.\) must be one of 'linear', '1-sqrt', 'cosine', got 'sqrt'",
    ),
    ("wsd", {"floor": None}, rf"floor=\.\.\.\) must be {UNIT}, got None\."),
    ("one_cycle", {"rise_fraction": 30}, rf"rise_fraction=\.\.\.\) must be {UNIT}, got 30\."),
    ("one_cycle", {"start": 25.0}, rf"start=\.\.\.\) must be {UNIT}, got 25\.0\."),
    ("one_cycle", {"floor": 1e4}, rf"floor=\.\.\.\) must be {UNIT}, got 10000\.0\."),
    ("one_cycle", {"curve": "cos"}, r"curve=\.\.\.\) must be one of 'cosine', 'linear', got 'cos'\."),
    ("triangular", {"half_cycle_steps": 0}, rf"half_cycle_steps=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    (
        "triangular",
        {"half_cycle_steps": 60},
        r"must be less than total_steps=60, got 60\. The peak is reached",
    ),
    ("triangular2", {"floor": 1.1}, rf"floor=\.\.\.\) must be {UNIT}, got 1\.1\."),
    ("exp_range", {"gamma": 0.0}, r"gamma=\.\.\.\) must be a finite number in \[1e-09, 1\], got 0\.0\."),
    ("exp_range", {"gamma": 1.01}, r"gamma=\.\.\.\) must be a finite number in \[1e-09, 1\], got 1\.01\."),
    ("warmup", {"start": 1.1}, rf"start=\.\.\.\) must be {UNIT}, got 1\.1\."),
    ("cosine_warmup", {"start": math.nan}, rf"start=\.\.\.\) must be {UNIT}, got nan\."),
    ("exponential_warmup", {"start": 0.0}, rf"start=\.\.\.\) must be {SHARE}, got 0\.0\."),
    ("exponential_warmup", {"start": -1.0}, rf"start=\.\.\.\) must be {UNIT}, got -1\.0\."),
    ("piecewise", {"until": (20, 20)}, r"until=\.\.\.\) must be ascending, each number once, got \(20, 20\)"),
    ("piecewise", {"until": ()}, r"until=\.\.\.\) must be a tuple of integers, at least one, got \(\)"),
    ("piecewise", {"values": ()}, r"values=\.\.\.\) must be a tuple of numbers, at least one, got \(\)"),
    ("piecewise", {"values": (0.1,)}, r"values=\.\.\.\) must be as many as until=\(20, 60\), got \(0\.1,\)"),
    ("piecewise", {"values": (0.1, -1)}, r"values=\.\.\.\) must be a finite number >= 0, got -1\."),
    ("piecewise", {"values": (0, 0)}, r"values=\.\.\.\) must be above 0 somewhere, got \(0\.0, 0\.0\)\."),
    (
        "sequence",
        {"parts": (LinearWarmup(total_steps=1, start=0.0),)},
        r"must be above 0 at some step, got \(",
    ),
    ("sequence", {"parts": (INSIDE, 0.1)}, r"parts=\.\.\.\) must be a tuple of schedules, got \(Linear"),
    ("scaled", {"factor": 0.0}, rf"factor=\.\.\.\) must be {PEAK_RULE}, got 0\.0\."),
    ("scaled", {"schedule": 0.1}, r"schedule=\.\.\.\) must be a schedule, got 0\.1\. Turn functions and"),
    ("clipped", {"low": -0.1}, r"low=\.\.\.\) must be a finite number >= 0, got -0\.1\."),
    ("clipped", {"high": 0.1}, r"high=\.\.\.\) must be at least low=0\.2, got 0\.1\."),
    ("clipped", {"high": 0.0, "low": 0.0}, rf"high=\.\.\.\) must be {PEAK_RULE}, got 0\.0\."),
    ("shifted", {"skip_steps": -1}, r"skip_steps=\.\.\.\) must be an integer >= 0, got -1\."),
    ("shifted", {"skip_steps": 20}, r"must be less than the schedule's total_steps=20, got 20\."),
    (
        "shifted",
        {"schedule": Piecewise(until=(3, 9), values=(0.1, 0.0))},
        r"schedule=\.\.\.\) must be above 0 at some step from 3 on, got Piecewise\(",
    ),
    (
        "restarted",
        {"schedule": LinearWarmup(total_steps=1, start=0.0)},
        r"schedule=\.\.\.\) must be above 0 at some step, got LinearWarmup\(",
    ),
    ("restarted", {"times": 0}, rf"times=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    ("per_epoch", {"steps_per_epoch": 0}, rf"steps_per_epoch=\.\.\.\) must be {AT_LEAST_1}, got 0\."),
    (
        "per_epoch",
        {"schedule": math.sqrt},
        r"schedule=\.\.\.\) must be a schedule, got <built-in function sq",
    ),
]


@pytest.mark.parametrize(("name", "changes", "message"), BAD)
def test_bad_fields_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{NAMES[name].__name__}\(.*{message}"):
        NAMES[name](**{**EXAMPLES[name], **changes})


@pytest.mark.parametrize("name", [name for name in NAMES if "peak" in EXAMPLES[name]])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peak": 0.0}, rf"peak=\.\.\.\) must be {PEAK_RULE}, got 0\.0\."),
        ({"peak": math.inf}, rf"peak=\.\.\.\) must be {PEAK_RULE}, got inf\."),
        ({"total_steps": 0}, rf"total_steps=\.\.\.\) must be {AT_LEAST_1}, got 0\. Count optimizer"),
    ],
)
def test_bad_runs_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{NAMES[name].__name__}\({message}"):
        NAMES[name](**{**EXAMPLES[name], **changes})


def as_numpy(value: object) -> object:
    """Return numbers as NumPy's, and tuples of them as arrays."""
    if isinstance(value, tuple) and not isinstance(value[0], Schedule):
        return np.array(value)
    plain = isinstance(value, (bool, str)) or not isinstance(value, (int, float))
    return value if plain else (np.int64(value) if isinstance(value, int) else np.float64(value))


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_other_libraries_are_kept_as_plain_ones(name: str) -> None:
    plain = NAMES[name](**EXAMPLES[name])
    made = NAMES[name](**{field: as_numpy(value) for field, value in EXAMPLES[name].items()})
    assert made == plain
    assert repr(made) == repr(plain)
    assert hash(made) == hash(plain)
    with pytest.raises(FrozenInstanceError, match="total_steps"):
        made.total_steps = 3


def test_lists_are_taken_for_tuples():
    assert MultiStep(total_steps=9, milestones=[2, 3]) == MultiStep(total_steps=9, milestones=(2, 3))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_required_is_required(name: str) -> None:
    with pytest.raises(TypeError, match=required(name)[0]):
        NAMES[name](**{field: value for field, value in EXAMPLES[name].items() if field != required(name)[0]})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [-1.0, 0, math.inf, "2"])
def test_bad_factors_are_refused(name: str, factor: Any) -> None:
    schedule = NAMES[name](**EXAMPLES[name])
    message = rf"^{type(schedule).__name__} \* factor must be a finite number > 0, got {factor!r}\.$"
    with pytest.raises(ConfigError, match=message):
        schedule * factor
