"""From what a user writes (a name, a text, a schedule, a function) to the rates of every step."""

from collections.abc import Callable

import numpy as np

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules._arguments import example
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.formula import Decay
from rightrate.schedules.names import BY_LENGTH, NAMES
from rightrate.schedules.text import parse

__all__ = ["Shape", "by_name", "from_text", "is_text", "resolve", "shape_values"]

_PEAK_RTOL = 1e-9

Shape = Schedule | Callable[[int], float]
"""A schedule with peak 1, or a plain function `step -> fraction of the peak`."""


def by_name(where: str, name: str, *, total_steps: int, warmup_steps: int = 0) -> Schedule:
    """Return the shape of a name that needs no more than the length of the run.

    Args:
        where: The argument the name came in, for messages.
        name: One of `BY_LENGTH`.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the warm-up in optimizer steps, in [0, total_steps).

    Raises:
        ConfigError: If there is no such name, or it needs more, or it has no warm-up and one is wanted.

    Example:
        >>> by_name("find(schedule=...)", "rex", total_steps=10, warmup_steps=2)
        Rex(peak=1.0, total_steps=10, warmup_steps=2, floor=0.0)
    """
    if name in NAMES and name not in BY_LENGTH:
        advice = f"Write it out: '{example(name)}'."
        raise ConfigError(describe(where, "a name that needs no more than a length", name, advice))
    advice = "Or write one out, such as 'warmup(200) + cosine(1800)'."
    kind = NAMES[_check.choice(where, name, BY_LENGTH, advice=advice)]
    if warmup_steps and not issubclass(kind, Decay):
        advice = f"{kind.__name__} has no warm-up of its own; warmup_steps is {warmup_steps}."
        raise ConfigError(describe(where, "a schedule with a warm-up", name, advice))
    make: Callable[..., Schedule] = kind
    return make(total_steps=total_steps, **({"warmup_steps": warmup_steps} if warmup_steps else {}))


def is_text(schedule: object) -> bool:
    """Return whether this is a schedule written out, as `parse` reads it, rather than a name.

    Example:
        >>> is_text("cosine(100)"), is_text("cosine")
        (True, False)
    """
    return isinstance(schedule, str) and "(" in schedule


def from_text(where: str, text: str) -> Schedule:
    """Return the shape that a text describes.

    Args:
        where: The argument the text came in, for messages.
        text: A text for `parse`.

    Raises:
        ConfigError: If the text describes no schedule, or one whose peak is not 1.

    Example:
        >>> from_text("--schedule", "warmup(2) + cosine(8)").total_steps
        10
    """
    return _shape(where, parse(text, where=where), text)


def _shape(where: str, schedule: Schedule, received: object) -> Schedule:
    """Return a schedule whose peak is 1, or say by what to multiply it, with all the digits that takes."""
    if abs(schedule.peak - 1.0) <= _PEAK_RTOL:
        return schedule
    advice = f"The search looks for the peak: multiply the whole by {1 / schedule.peak:.12g}, its peak is "
    raise ConfigError(describe(where, "a shape with peak 1", received, f"{advice}{schedule.peak:g}."))


def resolve(schedule: str | Shape, *, total_steps: int) -> Shape:
    """Return the schedule shape a user asked for.

    Args:
        schedule: One of the names in `BY_LENGTH`, such as `"constant"`, `"linear"` (to zero) or `"cosine"`; a
            text for `parse`, such as `"warmup(200) + cosine(1800)"`; a `Schedule`, either with peak 1; or a
            function of the step.
        total_steps: The length of the real run in optimizer steps, for the names.

    Raises:
        ConfigError: If the name is unknown or needs more than a length, the text describes no schedule, a
            schedule's peak is not 1, or it is no function.

    Example:
        >>> resolve("linear", total_steps=10)
        Linear(peak=1.0, total_steps=10, warmup_steps=0, floor=0.0)
    """
    where = "find(schedule=...)"
    if isinstance(schedule, str) and is_text(schedule):
        return from_text(where, schedule)
    if isinstance(schedule, str):
        return by_name(where, schedule, total_steps=total_steps)
    if isinstance(schedule, Schedule):
        return _shape(where, schedule, schedule)
    received: object = schedule
    if not callable(received):
        allowed = "a name, a text, a Schedule or a function of the step"
        raise ConfigError(describe(where, allowed, received, f"Names: {', '.join(BY_LENGTH)}."))
    return schedule


def shape_values(shape: Shape, total_steps: int) -> FloatArray:
    """Return the fraction of the peak at each of `total_steps` steps, shape (total_steps,).

    Raises:
        ConfigError: If a value is negative or not finite, all are zero, or a function's peak is not about 1.
    """
    if isinstance(shape, Schedule):
        values = shape(np.arange(total_steps))
    else:
        values = np.array([float(shape(step)) for step in range(total_steps)], dtype=np.float64)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        step = int(np.argmax(bad))
        allowed = "finite and >= 0 at every step"
        raise ConfigError(describe(f"schedule({step})", allowed, float(values[step])))
    if not values.any():
        raise ConfigError(describe("schedule", "above zero at some step", 0.0))
    peak = float(values.max())
    if not isinstance(shape, Schedule) and not 0.5 <= peak <= 1 + 1e-9:
        advice = "Divide by its largest value: the search looks for the peak."
        raise ConfigError(describe("schedule", "a function whose largest value is 1", peak, advice))
    return values
