"""What `test_read_keras.py` runs in a process of its own, as Keras takes one backend a process."""

from typing import Any

import keras
import numpy as np
import pytest

from rightrate.errors import ConfigError
from rightrate.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    LinearWarmup,
    Piecewise,
    Polynomial,
    Schedule,
    Sequence,
    from_keras,
)

theirs = keras.optimizers.schedules
LRS = theirs.LearningRateSchedule
PEAK = 0.3


def rates_of(schedule: LRS, steps: int) -> np.ndarray:
    return np.array([float(schedule(step)) for step in range(steps)])


def agree(read: Schedule, schedule: LRS, steps: int) -> None:
    # Keras computes in float32, whose cosine is off by 1e-7 of the peak.
    ours = read(np.arange(steps))
    np.testing.assert_allclose(ours, rates_of(schedule, steps), rtol=1e-5, atol=3e-7 * read.peak)


NAMED = [
    (theirs.CosineDecay(PEAK, 30), None, Cosine(peak=PEAK, total_steps=30)),
    (theirs.CosineDecay(PEAK, 30, alpha=0.1), None, Cosine(peak=PEAK, total_steps=30, floor=0.1)),
    (
        theirs.CosineDecay(0.0, 25, warmup_target=PEAK, warmup_steps=5),
        None,
        LinearWarmup(peak=PEAK, total_steps=5, start=0.0) + Cosine(peak=PEAK, total_steps=25),
    ),
    (
        theirs.CosineDecay(0.1, 25, alpha=0.5, warmup_target=PEAK, warmup_steps=5),
        40,
        LinearWarmup(peak=PEAK, total_steps=5, start=0.1 / PEAK)
        + Cosine(peak=PEAK, total_steps=25, floor=0.5)
        + Constant(peak=PEAK / 2, total_steps=10),
    ),
    (
        theirs.CosineDecayRestarts(PEAK, 4, alpha=0.1),
        31,
        CosineRestarts(peak=PEAK, total_steps=31, cycle_steps=4, growth=2, floor=0.1),
    ),
    (
        theirs.CosineDecayRestarts(PEAK, 8, t_mul=1.0),
        30,
        CosineRestarts(peak=PEAK, total_steps=30, cycle_steps=8),
    ),
    (
        theirs.ExponentialDecay(PEAK, 5, 0.5),
        30,
        Exponential(peak=PEAK, total_steps=30, decay_steps=5, rate=0.5),
    ),
    (
        theirs.ExponentialDecay(PEAK, 5, 0.5, staircase=True),
        30,
        Exponential(peak=PEAK, total_steps=30, decay_steps=5, rate=0.5, staircase=True),
    ),
    (
        theirs.InverseTimeDecay(PEAK, 5, 2.0),
        30,
        InverseTime(peak=PEAK, total_steps=30, decay_steps=5, rate=2.0),
    ),
    (
        theirs.InverseTimeDecay(PEAK, 5, 2.0, staircase=True),
        30,
        InverseTime(peak=PEAK, total_steps=30, decay_steps=5, rate=2.0, staircase=True),
    ),
    # A boundary belongs to the value before it: the second value starts one step after the boundary.
    (
        theirs.PiecewiseConstantDecay([9, 19], [0.4, 0.2, 0.1]),
        30,
        Piecewise(until=(10, 20, 30), values=(0.4, 0.2, 0.1)),
    ),
    (theirs.PiecewiseConstantDecay([9, 40], [0.4, 0.2, 0.1]), 10, Piecewise(until=(10,), values=(0.4,))),
    (
        theirs.PolynomialDecay(PEAK, 30, 0.06, power=2.0),
        None,
        Polynomial(peak=PEAK, total_steps=30, power=2.0, floor=0.2),
    ),
    (
        theirs.PolynomialDecay(PEAK, 20, 0.06),
        30,
        Polynomial(peak=PEAK, total_steps=20, floor=0.2) + Constant(peak=0.06, total_steps=10),
    ),
]

TABLES = [
    (theirs.CosineDecay(PEAK, 30), 20),
    (theirs.CosineDecay(PEAK, 20), 30),
    (theirs.CosineDecay(PEAK, 20, warmup_target=0.1, warmup_steps=5), 25),
    (theirs.CosineDecay(0.0, 20, alpha=0.5, warmup_target=0.1, warmup_steps=5), 10),
    (theirs.CosineDecayRestarts(PEAK, 6, t_mul=1.5, m_mul=0.8, alpha=0.1), 15),
    (theirs.CosineDecayRestarts(PEAK, 7, t_mul=1.0, m_mul=0.5), 30),
    (theirs.ExponentialDecay(PEAK, 5, 1.1), 30),
    (theirs.ExponentialDecay(PEAK, 2.5, 0.9), 30),
    (theirs.InverseTimeDecay(PEAK, 2.5, 0.9), 30),
    (theirs.PolynomialDecay(PEAK, 7, 0.06, cycle=True), 30),
    (theirs.PolynomialDecay(0.1, 30, 0.4), 30),
    (theirs.PolynomialDecay(0.0, 30, 0.4), 30),
    (theirs.PolynomialDecay(PEAK, 20, 0.0), 30),
]


def rounded(value: Any) -> Any:
    """Return plain data with its floats to 12 significant digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


@pytest.mark.parametrize(("schedule", "given", "expected"), NAMED, ids=[str(row[2]) for row in NAMED])
def test_schedules_are_read_by_name(schedule: LRS, given: int | None, expected: Schedule) -> None:
    read = from_keras(schedule, total_steps=given)
    assert rounded(read.to_dict()) == rounded(expected.to_dict())
    agree(read, schedule, read.total_steps)


@pytest.mark.parametrize(("schedule", "steps"), TABLES)
def test_other_settings_are_read_value_by_value(schedule: LRS, steps: int) -> None:
    read = from_keras(schedule, total_steps=steps)
    assert isinstance(read, (Piecewise, Sequence))
    assert read.total_steps == steps
    agree(read, schedule, steps)


def test_there_and_back() -> None:
    schedule = LinearWarmup(peak=0.1, total_steps=3) + Cosine(peak=0.1, total_steps=9, floor=0.2)
    assert from_keras(schedule.keras()) == schedule
    assert from_keras(schedule.keras(), total_steps=5).total_steps == 5


class Own(theirs.CosineDecay):
    """A user's schedule may do anything."""


@pytest.mark.parametrize(
    ("schedule", "steps", "message"),
    [
        (
            Own(PEAK, 30),
            30,
            r"a schedule of a known formula, got <class '.*Own'>\. Known are Keras's CosineDecay, ",
        ),
        (0.1, 30, r"a schedule of a known formula, got <class 'float'>\. Known are Keras's CosineDecay, "),
        (
            theirs.ExponentialDecay(PEAK, 5, 0.5),
            None,
            r"an integer >= 1, got None\. It does not say how long the run",
        ),
        (
            theirs.PolynomialDecay(PEAK, 5, cycle=True),
            None,
            r"an integer >= 1, got None\. It does not say how long",
        ),
        (
            theirs.PolynomialDecay(0.1, 5, -0.1),
            5,
            r"finite and >= 0, got -0\.0\d+ at step 3\.",
        ),
        (theirs.PiecewiseConstantDecay([9], [0.0, 0.1]), 5, r"above 0 at some step, got 0\.0\."),
    ],
)
def test_what_cannot_be_read_says_why(schedule: object, steps: int | None, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^from_keras\(.* must be " + message):
        from_keras(schedule, total_steps=steps)


def test_a_restart_that_keras_may_miss() -> None:
    """Keras finds the cycle by a rounded logarithm: one of fractional growth may end a step late."""
    read = from_keras(theirs.CosineDecayRestarts(PEAK, 6, t_mul=1.5, m_mul=0.8, alpha=0.1), total_steps=16)
    # Cycles of 6 and 9 steps: the third starts at 15, from 0.3 * (0.9 * 0.8 ** 2 + 0.1).
    assert read(15) == pytest.approx(0.2028, rel=1e-12)
