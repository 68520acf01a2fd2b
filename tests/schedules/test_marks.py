"""The steps at which rates turn: never many, and no rate is lost between them."""

import numpy as np
import pytest

from rightrate.errors import ConfigError
from rightrate.report.preview import Preview
from rightrate.schedules import (
    Cosine,
    CosineRestarts,
    Exponential,
    ExpRange,
    InverseTime,
    Linear,
    LinearWarmup,
    Piecewise,
    Schedule,
    Step,
    Triangular,
    Triangular2,
    clipped,
    parse,
    per_epoch,
    restarted,
    scaled,
    sequence,
    shifted,
)
from rightrate.schedules._few import MOST

SAWTOOTH = Piecewise(until=(1, 2, 4), values=(0.2, 0.9, 0.5))
MANY = 3 * MOST
TURNING = [
    restarted(SAWTOOTH, MANY),
    restarted(Cosine(total_steps=3), MANY),
    restarted(restarted(SAWTOOTH, 40), MANY // 40),
    restarted(Step(total_steps=MANY, every_steps=2, factor=0.999), 3),
    restarted(Triangular2(total_steps=4 * MOST, half_cycle_steps=1), 2),
    Triangular(total_steps=4 * MANY, half_cycle_steps=2),
    Triangular2(total_steps=4 * MANY, half_cycle_steps=2),
    ExpRange(total_steps=6 * MANY, half_cycle_steps=3, gamma=0.6),
    ExpRange(total_steps=6 * MANY, half_cycle_steps=3, gamma=0.999),
    CosineRestarts(total_steps=2 * MANY, warmup_steps=5, cycle_steps=2),
    Step(total_steps=2 * MANY, warmup_steps=5, every_steps=2, factor=0.999),
    Exponential(total_steps=2 * MANY, decay_steps=2, rate=0.999, staircase=True),
    InverseTime(total_steps=2 * MANY, decay_steps=2, staircase=True),
]
COMBINED = [
    scaled(TURNING[0], 0.5),
    clipped(TURNING[6], low=0.3, high=0.8),
    shifted(TURNING[6], 7),
    per_epoch(TURNING[0], 2),
    sequence(LinearWarmup(total_steps=6), TURNING[6], TURNING[0]),
]
BILLION = 10**9


@pytest.mark.parametrize("schedule", TURNING + COMBINED, ids=lambda schedule: schedule.text())
def test_no_rate_is_above_those_at_the_marks_around_it(schedule: Schedule) -> None:
    rates = schedule(np.arange(schedule.total_steps))
    half = schedule.total_steps // 2
    for start in (0, *range(1, 9), *range(half, half + 9), schedule.total_steps - 1):
        marks = schedule.marks(start)
        assert (marks[0], marks[-1]) == (start, schedule.total_steps - 1)
        assert list(marks) == sorted(set(marks))
        between = np.maximum.reduceat(rates, np.array(marks))
        ends = np.maximum(rates[list(marks)], rates[[*marks[1:], marks[-1]]])
        assert np.all(between <= ends * (1 + 1e-12))
        assert shifted(schedule, start).peak == pytest.approx(rates[start:].max(), rel=1e-15)


@pytest.mark.parametrize("schedule", TURNING, ids=lambda schedule: schedule.text())
def test_there_are_never_many(schedule: Schedule) -> None:
    assert len(schedule.marks()) <= 4 * MOST
    assert len(parse("restarted(cosine(3), times=300)").marks()) == 600


@pytest.mark.parametrize(
    "schedule",
    [
        restarted(Cosine(total_steps=1), BILLION),
        restarted(parse("warmup(3) + cosine(4)"), BILLION),
        restarted(restarted(SAWTOOTH, BILLION), 1000),
        Triangular(total_steps=BILLION, half_cycle_steps=1),
        Triangular2(total_steps=BILLION, half_cycle_steps=2),
        ExpRange(total_steps=BILLION, half_cycle_steps=2),
        CosineRestarts(total_steps=BILLION, cycle_steps=1),
        Step(total_steps=BILLION, every_steps=1, factor=0.9999),
    ],
    ids=lambda schedule: schedule.text(),
)
def test_a_billion_turns_are_cheap(schedule: Schedule) -> None:
    """A list of all of them would take tens of gigabytes."""
    assert schedule.total_steps >= BILLION
    assert len(schedule.marks()) <= 4 * MOST
    assert len(schedule.marks(BILLION // 2)) <= 4 * MOST
    assert schedule.peak == pytest.approx(max(schedule(np.arange(10))), rel=1e-12)
    made = Preview(shapes=(schedule,))
    assert made.turns_left_out
    assert len(made.rows()) <= 12
    assert len(made.steps()) <= 10_000


def test_values_by_hand_after_a_billion_restarts() -> None:
    many = restarted(SAWTOOTH, BILLION)
    assert many.total_steps == 4 * BILLION
    np.testing.assert_array_equal(many(4 * BILLION - np.arange(1, 5)), [0.5, 0.5, 0.9, 0.2])
    assert many(10**12) == 0.5
    assert many.marks()[-4:] == tuple(4 * BILLION - np.array([4, 3, 2, 1]))
    # The first run and half of 1,000 marks, the top of the next run, and the other half.
    assert many.marks()[502:506] == (502, 503, 505, 4 * BILLION - 500)
    assert shifted(Triangular2(total_steps=BILLION, half_cycle_steps=1, floor=0.0), 5).peak == 0.25


def test_restarts_of_restarts_are_asked_once_each():
    nested = Linear(peak=1.0, total_steps=2)
    for _ in range(40):  # asked twice each, it would take a day
        nested = restarted(nested, 2)
    assert nested.total_steps == 2**41
    assert (nested(2**41 - 2), nested(2**41 - 1)) == (1.0, 0.5)
    assert nested.marks(2**40 + 1)[:2] == (2**40 + 1, 2**40 + 2)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (-1, r"^Cosine\.marks\(start\) must be an integer >= 0, got -1\.$"),
        (9, r"^Cosine\.marks\(start\) must be less than total_steps=9, got 9\.$"),
        (1.5, r"^Cosine\.marks\(start\) must be an integer >= 0, got 1\.5\.$"),
    ],
)
def test_a_start_outside_the_run_is_refused(start: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Cosine(total_steps=9).marks(start)


LONGEST = 2**53


@pytest.mark.parametrize(
    ("text", "name", "received"),
    [
        (f"cosine({LONGEST + 1})", "Cosine", LONGEST + 1),
        (f"cosine({LONGEST}) + cosine(1)", "Sequence", LONGEST + 1),
        (f"restarted(cosine({LONGEST}), 2)", "Restarted", 2 * LONGEST),
        (f"piecewise(3: 1, {LONGEST + 1}: 2)", "Piecewise", LONGEST + 1),
    ],
)
def test_steps_that_cannot_be_told_apart_are_refused(text: str, name: str, received: int) -> None:
    message = rf": {name}\(total_steps=\.\.\.\) must be at most {LONGEST}, as far as .*, got {received}\."
    with pytest.raises(ConfigError, match=message):
        parse(text)
    assert parse(f"cosine({LONGEST})").total_steps == LONGEST
