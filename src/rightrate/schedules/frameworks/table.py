"""The rates of a whole run, for frameworks in which the step is not known while Python runs."""

from importlib import import_module
from typing import Any

import numpy as np

from rightrate.errors import ConfigError, MissingExtraError, describe
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.piecewise import Piecewise

__all__ = ["MOST_STEPS", "needed", "piecewise", "table"]

MOST_STEPS = 2**25
"""The longest table: 128 MiB of float32."""

_BLOCK_STEPS = 2**20


def table(schedule: Schedule) -> FloatArray:
    """Return the rates from step 0 on, up to where they no longer change: shape (n,), 1 <= n <= total_steps.

    Compiled training loops (`tf.function`, `jax.jit`) pass the step as a tracer, on which NumPy's functions
    do not work. Looking the rate up serves every schedule, those that users write included, in every backend,
    with `schedule(step)` rounded once to the backend's precision; a formula evaluated in float32 loses
    several digits more, and whole steps beyond 2**24. It costs 4 bytes a step.

    Raises:
        ConfigError: If the run is longer than `MOST_STEPS`.

    Example:
        >>> from rightrate.schedules import Constant, Linear
        >>> table(Linear(total_steps=4)), table(Constant(peak=0.1, total_steps=1000))
        (array([1.  , 0.75, 0.5 , 0.25]), array([0.1]))
    """
    total = schedule.total_steps
    if total > MOST_STEPS:
        advice = "The rates of every step are kept in a table there. Count optimizer steps, not samples."
        raise ConfigError(describe("Schedule(total_steps=...)", f"at most {MOST_STEPS}", total, advice))
    rates = np.empty(total)
    for start in range(0, total, _BLOCK_STEPS):
        stop = min(start + _BLOCK_STEPS, total)
        rates[start:stop] = schedule(np.arange(start, stop))
    changes = np.flatnonzero(rates != rates[-1])
    return rates[: int(changes[-1]) + 2 if changes.size else 1].copy()


def piecewise(rates: FloatArray) -> Piecewise:
    """Return the schedule that has these rates, one a step: a constant for each run of equal ones.

    Raises:
        ConfigError: If a rate is negative or not finite, or all are 0.

    Example:
        >>> piecewise(np.array([0.1, 0.1, 0.2]))
        Piecewise(until=(2, 3), values=(0.1, 0.2))
    """
    ends = np.append(np.flatnonzero(np.diff(rates)) + 1, len(rates))
    return Piecewise(until=tuple(ends.tolist()), values=tuple(rates[ends - 1].tolist()))


def needed(package: str, command: str, *, of: str) -> Any:
    """Return an optional package.

    Args:
        package: What is imported.
        command: What installs it.
        of: The method that needs it.

    Raises:
        MissingExtraError: If it is not installed.

    Example:
        >>> needed("json", "pip install json", of="schedule.json()").__name__
        'json'
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != package.split(".")[0]:
            raise
        message = f"{of} needs {package}, which is not installed. Install it with: {command}"
        raise MissingExtraError(message) from None
