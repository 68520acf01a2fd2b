"""From what a user writes (a name, a schedule, a function) to the rates of every step."""

from collections.abc import Callable

import numpy as np

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.constant import Constant
from rightrate.schedules.cosine import Cosine
from rightrate.schedules.formula import Decay
from rightrate.schedules.linear import Linear

__all__ = ["NAMES", "Shape", "resolve", "shape_values"]

Shape = Schedule | Callable[[int], float]
"""A schedule with peak 1, or a plain function `step -> fraction of the peak`."""

NAMES: dict[str, type[Decay]] = {"constant": Constant, "linear": Linear, "cosine": Cosine}


def resolve(schedule: str | Shape, *, total_steps: int) -> Shape:
    """Return the schedule shape a user asked for.

    Args:
        schedule: `"constant"`, `"linear"` (to zero), `"cosine"`, a `Schedule` with peak 1, or a function of
            the step.
        total_steps: The length of the real run in optimizer steps, for the names.

    Raises:
        ConfigError: If the name is unknown, a schedule's peak is not 1, or it is no function.

    Example:
        >>> resolve("linear", total_steps=10)
        Linear(peak=1.0, total_steps=10, warmup_steps=0, floor=0.0)
    """
    where = "find(schedule=...)"
    if isinstance(schedule, str):
        return NAMES[_check.choice(where, schedule, NAMES)](total_steps=total_steps)
    if isinstance(schedule, Schedule):
        if schedule.peak != 1.0:
            advice = "The search looks for the peak; leave it out of the schedule."
            raise ConfigError(describe(where, "a shape with peak 1", schedule, advice))
        return schedule
    received: object = schedule
    if not callable(received):
        allowed = "a name, a Schedule or a function of the step"
        raise ConfigError(describe(where, allowed, received, f"Names: {', '.join(NAMES)}."))
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
