"""Checks of the fields of schedules and controls, which store what they checked as plain Python values."""

import itertools
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rightrate import _check
from rightrate.errors import ConfigError, describe

if TYPE_CHECKING:
    from rightrate.schedules.base import Schedule

__all__ = ["choice", "factor", "flag", "integer", "integers", "length", "number", "numbers", "steps", "where"]

_LONGEST = 2**53
"""Up to here float64 has every whole number."""


def where(owner: object, name: str) -> str:
    """Return how messages name a field: `Cosine(floor=...)`."""
    return f"{type(owner).__name__}({name}=...)"


def integer(owner: object, name: str, *, low: int, advice: str = "") -> None:
    """Make a field an `int` of at least `low`, or raise `ConfigError`."""
    value = _check.integer(where(owner, name), getattr(owner, name), low=low, advice=advice)
    _check.keep(owner, **{name: value})


def number(owner: object, name: str, **limits: Any) -> None:
    """Make a field a finite `float` within the limits of `_check.number`, or raise `ConfigError`."""
    value = _check.number(where(owner, name), getattr(owner, name), **limits)
    _check.keep(owner, **{name: value})


def choice(owner: object, name: str, allowed: Collection[str]) -> None:
    """Raise `ConfigError` unless a field is one of `allowed`."""
    _check.choice(where(owner, name), getattr(owner, name), allowed)


def flag(schedule: "Schedule", name: str) -> None:
    """Raise `ConfigError` unless a field is `True` or `False`."""
    value = getattr(schedule, name)
    if not isinstance(value, bool):
        raise ConfigError(describe(where(schedule, name), "True or False", value))


def integers(schedule: "Schedule", name: str, *, low: int) -> None:
    """Make a field a tuple of at least one `int`, ascending from `low`, or raise `ConfigError`."""
    items = _listed(schedule, name, "integers")
    value = tuple(_check.integer(where(schedule, name), item, low=low) for item in items)
    if any(after <= before for before, after in itertools.pairwise(value)):
        raise ConfigError(describe(where(schedule, name), "ascending, each number once", value))
    object.__setattr__(schedule, name, value)


def numbers(schedule: "Schedule", name: str, **limits: Any) -> None:
    """Make a field a tuple of at least one finite `float` within limits, or raise `ConfigError`."""
    items = _listed(schedule, name, "numbers")
    value = tuple(_check.number(where(schedule, name), item, **limits) for item in items)
    object.__setattr__(schedule, name, value)


def length(schedule: "Schedule", total_steps: int) -> int:
    """Return the length of a schedule, or raise `ConfigError` if its steps cannot be told apart."""
    if total_steps <= _LONGEST:
        return total_steps
    allowed = f"at most {_LONGEST}, as far as float64 counts"
    raise ConfigError(describe(where(schedule, "total_steps"), allowed, total_steps))


def factor(schedule: "Schedule", value: object) -> float:
    """Return what a schedule is multiplied by, a finite `float` > 0, or raise `ConfigError`."""
    return _check.number(f"{type(schedule).__name__} * factor", value, above=0.0)


def steps(schedule: "Schedule", given: object) -> NDArray[np.float64]:
    """Return a step, or an array of steps, as an array of floats >= 0, or raise `ConfigError`."""
    place, allowed = f"{type(schedule).__name__}(step)", "a number >= 0 or an array of numbers >= 0"
    try:
        # Of Python's own integers those beyond NumPy's are steps, too: after the end.
        values = np.asarray(min(given, _LONGEST) if isinstance(given, int) else given)
    except TypeError:  # as of JAX, whose tracers have no value
        advice = "In compiled code use schedule.optax() or schedule.keras()."
        raise ConfigError(describe(place, allowed, given, advice)) from None
    except (ValueError, RuntimeError):  # a ragged list, a tensor that is differentiated
        raise ConfigError(describe(place, allowed, given)) from None
    if values.dtype.kind not in "iuf" or not np.all(values >= 0):
        raise ConfigError(describe(place, allowed, given))
    return values.astype(np.float64)


def _listed(schedule: "Schedule", name: str, what: str) -> list[object]:
    value = getattr(schedule, name)
    if not isinstance(value, (tuple, list, np.ndarray)) or not len(value):
        raise ConfigError(describe(where(schedule, name), f"a tuple of {what}, at least one", value))
    return list(value)
