"""Ranges of numbers > 0, and points spread over them on a logarithmic scale."""

import math
import random
from collections.abc import Sequence

import numpy as np

from rightrate import _check
from rightrate.errors import ConfigError, describe

__all__ = ["interval", "positive", "spaced", "stratified", "tidy"]


def positive(where: str, numbers: object) -> tuple[float, ...]:
    """Return a sequence of finite numbers > 0 as a tuple, or raise `ConfigError`."""
    if isinstance(numbers, Sequence) and not isinstance(numbers, (str, bytes)):
        return tuple(_check.number(where, number, above=0.0) for number in numbers)
    raise ConfigError(describe(where, "a sequence of numbers > 0", numbers))


def stratified(low: float, high: float, count: int, draws: random.Random) -> tuple[float, ...]:
    """Return one log-uniform draw from each of `count` equal parts of an interval, ascending."""
    part = math.log(high / low) / count if count else 0.0
    return tuple(tidy(low * math.exp(part * (place + draws.random()))) for place in range(count))


def interval(where: str, ends: object) -> tuple[float, float]:
    """Return the lowest and the highest of an interval of numbers > 0, or raise `ConfigError`."""
    pair = positive(where, ends)
    if len(pair) == 2 and pair[0] < pair[1]:
        return pair[0], pair[1]
    raise ConfigError(describe(where, "a pair (lowest, highest), the first less than the second", ends))


def spaced(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return `count` rates from `low` to `high` with the same factor between neighbours; one is the middle.

    Example:
        >>> spaced(0.001, 0.1, 3), spaced(0.01, 1.0, 1)
        ((0.001, 0.01, 0.1), (0.1,))
    """
    if count == 1:
        return (float(f"{(low * high) ** 0.5:.4g}"),)
    return tuple(float(f"{lr:.4g}") for lr in np.geomspace(low, high, count))


def tidy(number: float) -> float:
    """Return a number with six significant digits, so that schedules made of rates can be read.

    Example:
        >>> tidy(0.0011 * 1.25)
        0.001375
    """
    return float(f"{number:.6g}")
