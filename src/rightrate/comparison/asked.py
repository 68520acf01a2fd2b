"""What a comparison is asked, checked: optimizers, rates, schedules and seeds."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import Schedule, Shape, resolve, shape_name
from rightrate.schedules.resolve import from_text, is_text

__all__ = ["FoundTimes", "lrs_of", "named_schedules", "rates", "seeds_of"]

_ADVICE = 'Write (0.1, 0.01), "find", or both: ("find/3", "find", "find*3", 0.001).'
_FIND = re.compile(r"find(?:([*/])([0-9.eE+-]+))?")


@dataclass(frozen=True, kw_only=True)
class FoundTimes:
    """A rate that is a multiple of the one that `find` recommends.

    Args:
        factor: What it is multiplied with, > 0.
    """

    factor: float = 1.0

    def __str__(self) -> str:
        if self.factor == 1:
            return "find"
        return f"find*{self.factor:g}" if self.factor > 1 else f"find/{1 / self.factor:g}"


def lrs_of(lrs: Any) -> tuple[float | FoundTimes, ...]:
    """Return the rates that are asked for, without repetition, in their order.

    Args:
        lrs: A number, a text such as "find", "find*3" or "0.01", or a sequence of them.

    Raises:
        ConfigError: If one is neither a number above zero nor such a text, or there is none.

    Example:
        >>> [str(lr) for lr in lrs_of(["find/3", "find", 0.001])]
        ['find/3', 'find', '0.001']
    """
    where = "compare(lrs=...)"
    items = [lrs] if isinstance(lrs, (str, int, float)) else list(_items(where, lrs, "rates", _ADVICE))
    found = tuple(dict.fromkeys(_lr(where, item) for item in items))
    if not found:
        raise ConfigError(describe(where, "at least one rate", lrs, _ADVICE))
    return found


def _lr(where: str, item: Any) -> float | FoundTimes:
    if isinstance(item, FoundTimes):
        return item
    if isinstance(item, str):
        match = _FIND.fullmatch(item.strip().replace(" ", ""))
        try:
            if match:
                factor = float(match[2] or 1.0)
                factor = _check.number(where, factor, above=0.0, advice=_ADVICE)
                return FoundTimes(factor=1 / factor if match[1] == "/" else factor)
            item = float(item)
        except ValueError as error:
            raise ConfigError(describe(where, "rates above zero or 'find'", item, _ADVICE)) from error
    return _check.number(where, item, above=0.0, advice=_ADVICE)


def rates(asked: Sequence[float | FoundTimes], found: float | None) -> tuple[float, ...]:
    """Return the rates of one contender, ascending; those close to another within 1e-6 are left out.

    Args:
        asked: The rates as they were asked for.
        found: What `find` recommends, or None where it recommends nothing.

    Example:
        >>> rates(lrs_of(["find", "find*10", 0.1]), 0.01)
        (0.01, 0.1)
    """
    wanted: list[float] = [item for item in asked if not isinstance(item, FoundTimes)]
    if found is not None:
        wanted += [float(f"{item.factor * found:.4g}") for item in asked if isinstance(item, FoundTimes)]
    kept: list[float] = []
    for lr in sorted(wanted):
        if not kept or not math.isclose(lr, kept[-1], rel_tol=1e-6):
            kept.append(lr)
    return tuple(kept)


def named_schedules(schedules: Any, steps: int) -> dict[str, str | Shape]:
    """Return the schedules by the name that a report calls them.

    Args:
        schedules: A name, a text or a `Schedule` with peak 1, a function of the step, a sequence of them, or
            a mapping from what to call each to one.
        steps: Length of the run in optimizer steps.

    Raises:
        ConfigError: If there is none, one is not a schedule or of another length, or two have the same name.
    """
    where = "compare(schedules=...)"
    named: dict[str, str | Shape] = {}
    for name, item in _with_names(where, schedules):
        shape = from_text(where, item) if isinstance(item, str) and is_text(item) else item
        if isinstance(shape, Schedule) and shape.total_steps != steps:
            raise ConfigError(describe(where, f"a schedule of {steps} steps, as the run has", item))
        made = resolve(shape, total_steps=steps)
        called = name or (item if isinstance(item, str) else _own_name(shape_name(made), made, named))
        if called in named:
            raise ConfigError(describe(where, "schedules that differ", called, "It is there twice."))
        named[called] = shape
    if not named:
        raise ConfigError(describe(where, "at least one schedule", schedules))
    return named


def _own_name(called: str, made: Shape, named: Mapping[str, object]) -> str:
    """Return a name; a function whose name is taken gets a number."""
    if isinstance(made, Schedule):
        return called
    numbered = (called, *(f"{called} ({number})" for number in range(2, len(named) + 2)))
    return next(name for name in numbered if name not in named)


def _with_names(where: str, schedules: Any) -> Sequence[tuple[str, Any]]:
    """Return pairs of a name, or "" where there is none, and a schedule."""
    if isinstance(schedules, Mapping):
        return [(str(name), item) for name, item in schedules.items()]
    if isinstance(schedules, (str, Schedule)) or callable(schedules):
        return [("", schedules)]
    return [("", item) for item in _items(where, schedules, "schedules")]


def seeds_of(seeds: Any) -> tuple[int, ...]:
    """Return the seeds: 0 … N-1 for a number N, else those that are given.

    Raises:
        ConfigError: If it is neither a number >= 1 nor different seeds >= 0.

    Example:
        >>> seeds_of(3), seeds_of([7, 8])
        ((0, 1, 2), (7, 8))
    """
    where = "compare(seeds=...)"
    if not isinstance(seeds, Iterable) or isinstance(seeds, (str, bytes)):
        return tuple(range(_check.integer(where, seeds, low=1, advice="How many, or which ones.")))
    found = tuple(_check.integer(where, seed, low=0) for seed in seeds)
    if not found or len(set(found)) < len(found):
        raise ConfigError(describe(where, "a number of seeds, or different seeds", seeds))
    return found


def _items(where: str, given: Any, what: str, advice: str = "") -> Sequence[Any]:
    if isinstance(given, (bytes, bool)) or not isinstance(given, Iterable):
        raise ConfigError(describe(where, what, given, advice))
    return list(given)
