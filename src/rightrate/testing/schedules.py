"""The checks that every schedule passes."""

import pickle
from collections.abc import Iterator

import numpy as np

from rightrate import _check
from rightrate.errors import ConfigError
from rightrate.schedules import FloatArray, Schedule
from rightrate.testing.conformance import ConformanceError

__all__ = ["check_schedule"]

_DENSE_STEPS = 4096
_TINY = float(np.finfo(np.float64).tiny)


def check_schedule(schedule: Schedule, *, places: int = _DENSE_STEPS) -> None:
    """Raise `ConformanceError` where a schedule breaks the contract of `Schedule`.

    The contract: at every step the rate is finite, at least 0 and at most the peak; the peak is reached,
    except by a warm-up, whose rates rise to the last step and leave the peak to what follows; between two
    `marks()` no rate is above those at both; after the end the last rate is held; steps before the first are
    refused; an array of steps gives the rates of its elements, in its shape; `schedule * factor` scales every
    rate; the schedule is hashable and equal to its pickled self, and calling it does not change it.

    Args:
        schedule: The schedule to check. Check several: each field at its ends, short and long runs.
        places: How many steps are looked at, >= 16: all where the run is not longer, otherwise those around
            its `marks()`, and steps evenly between.

    Raises:
        ConformanceError: If the contract is broken; the message names the schedule and the step.

    Example:
        >>> from rightrate.schedules import Cosine
        >>> check_schedule(Cosine(peak=0.1, total_steps=100, warmup_steps=10))
    """
    _check.integer("check_schedule(places=...)", places, low=16)
    for problem in _problems(schedule, _steps(schedule, places)):
        raise ConformanceError(f"{schedule!r}: {problem}.")


def _steps(schedule: Schedule, places: int) -> FloatArray:
    """Return the steps to look at, ascending, all inside the run."""
    total = schedule.total_steps
    if total <= places:
        return np.arange(total, dtype=np.float64)
    marks = schedule.marks()
    few = np.array(marks)[np.unique(np.linspace(0, len(marks) - 1, max(3, places // 8)).astype(int))]
    around = (few[:, None] + np.arange(-1, 2)).ravel()
    even = np.linspace(0, total - 1, places - len(np.unique(around))).round()
    steps = np.unique(np.concatenate([around, even]))
    inside: FloatArray = steps[(steps >= 0) & (steps < total)].astype(np.float64)
    return inside


def _problems(schedule: Schedule, steps: FloatArray) -> Iterator[str]:
    before = repr(schedule)
    values = schedule(steps)
    yield from _shape_problems(schedule, steps, values)
    yield from _range_problems(schedule, steps, values)
    yield from _end_problems(schedule)
    yield from _value_problems(schedule, steps, values)
    yield from _mark_problems(schedule, steps, values)
    if repr(schedule) != before:
        yield f"calling it changed it from {before}"


def _shape_problems(schedule: Schedule, steps: FloatArray, values: FloatArray) -> Iterator[str]:
    if values.shape != steps.shape or values.dtype != np.float64:
        yield f"{steps.shape} steps gave {values.shape} rates of {values.dtype}, not as many of float64"
        return
    table = np.stack([steps, steps[::-1]])
    if not np.array_equal(schedule(table), np.stack([values, values[::-1]]), equal_nan=True):
        yield "a table of steps gives other rates than its rows"
    for index in np.unique(np.linspace(0, steps.size - 1, 64).astype(int)):
        step, value = int(steps[index]), float(values[index])
        alone = schedule(step)
        if type(alone) is not float:
            yield f"one step gives a {type(alone).__name__}, not a float"
        elif alone != value and not np.isnan(value):
            yield f"step {step} alone gives {alone!r}, in an array {value!r}"


def _range_problems(schedule: Schedule, steps: FloatArray, values: FloatArray) -> Iterator[str]:
    rules = (
        ("is not finite", ~np.isfinite(values)),
        ("is below 0", values < 0),
        (f"is above the peak {schedule.peak!r}", values > schedule.peak * (1 + 1e-12)),
    )
    for rule, broken in rules:
        where = np.flatnonzero(broken)
        if where.size:
            yield f"the rate {values[where[0]]!r} at step {int(steps[where[0]])} {rule}"
    highest = max(values.max(), schedule(np.array(schedule.marks())).max())
    rises = values.size == 1 or values[0] < values[-1] == highest
    if highest < schedule.peak * (1 - 1e-12) and not rises:
        yield f"the largest rate is {highest!r}, the peak {schedule.peak!r} is not reached"


def _end_problems(schedule: Schedule) -> Iterator[str]:
    last = schedule(schedule.total_steps - 1)
    for step in (schedule.total_steps, schedule.total_steps + 1, 3 * schedule.total_steps + 7):
        if schedule(step) != last:
            yield f"step {step}, after the end, gives {schedule(step)!r}, not the last rate {last!r}"
    try:
        schedule(-1)
    except ConfigError:
        return
    yield "step -1 is taken, not refused with a ConfigError"


def _value_problems(schedule: Schedule, steps: FloatArray, values: FloatArray) -> Iterator[str]:
    try:
        copy = pickle.loads(pickle.dumps(schedule))  # noqa: S301 - bytes made on this line
        hashes = hash(schedule) == hash(copy)
    except (TypeError, AttributeError, pickle.PickleError) as error:
        yield f"it is not picklable or not hashable: {error}"
        return
    if copy != schedule or not hashes or not np.array_equal(copy(steps), values, equal_nan=True):
        yield "its pickled copy is not equal to it"
    if not np.allclose((schedule * 0.5)(steps), 0.5 * values, rtol=1e-12, atol=_TINY, equal_nan=True):
        yield "half the schedule does not give half the rates"


def _mark_problems(schedule: Schedule, steps: FloatArray, values: FloatArray) -> Iterator[str]:
    marks = schedule.marks()
    ascending = all(type(mark) is int for mark in marks) and marks == tuple(sorted(set(marks)))
    if not ascending or (marks[0], marks[-1]) != (0, schedule.total_steps - 1):
        yield f"its marks {marks[:9]!r} are not integers that ascend from 0 to {schedule.total_steps - 1}"
        return
    places = np.array(marks)
    rates = schedule(places)
    before = np.searchsorted(places, steps, side="right") - 1
    highest = np.maximum(rates[before], rates[np.minimum(before + 1, len(marks) - 1)])
    for index in np.flatnonzero(values > highest * (1 + 1e-12))[:1]:
        yield f"the rate {values[index]!r} at step {int(steps[index])} is above those at the marks around it"
