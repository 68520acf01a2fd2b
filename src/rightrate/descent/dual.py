"""Numbers that carry their derivatives: forward differentiation."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rightrate.schedules import FloatArray

__all__ = ["FUNCTIONS", "Dual", "added", "divided", "higher", "lower", "multiplied", "raised", "subtracted"]


class Dual(NamedTuple):
    """A number, and its partial derivative in every variable.

    Args:
        value: The number; what overflows or is not defined is inf or NaN.
        slopes: The derivatives, shape (variables,).
    """

    value: np.float64
    slopes: FloatArray


def added(a: Dual, b: Dual) -> Dual:
    """Return `a + b`."""
    return Dual(a.value + b.value, a.slopes + b.slopes)


def subtracted(a: Dual, b: Dual) -> Dual:
    """Return `a - b`."""
    return Dual(a.value - b.value, a.slopes - b.slopes)


def multiplied(a: Dual, b: Dual) -> Dual:
    """Return `a * b`."""
    return Dual(a.value * b.value, a.value * b.slopes + b.value * a.slopes)


def divided(a: Dual, b: Dual) -> Dual:
    """Return `a / b`."""
    ratio = a.value / b.value
    return Dual(ratio, (a.slopes - ratio * b.slopes) / b.value)


def raised(a: Dual, b: Dual) -> Dual:
    """Return `a ** b`: `d(a^b) = b * a^(b - 1) * da + a^b * log(a) * db`.

    Terms whose limit is 0 are left out where computing them would give 0 * inf, as `x**2` at 0 does.
    """
    value = a.value**b.value
    slopes = np.zeros_like(a.slopes)
    if b.value != 0 and a.slopes.any():
        slopes = slopes + b.value * a.value ** (b.value - 1) * a.slopes
    if value != 0 and b.slopes.any():
        slopes = slopes + value * np.log(a.value) * b.slopes
    return Dual(value, slopes)


def higher(a: Dual, *others: Dual) -> Dual:
    """Return the largest; of equal ones the first, with its derivatives; NaN if one of them is."""
    return max((a, *others), key=lambda number: (np.isnan(number.value), number.value))


def lower(a: Dual, *others: Dual) -> Dual:
    """Return the smallest; of equal ones the first, with its derivatives; NaN if one of them is."""
    return min((a, *others), key=lambda number: (not np.isnan(number.value), number.value))


def _chained(
    function: Callable[[np.float64], np.float64], derivative: Callable[[np.float64, np.float64], np.float64]
) -> Callable[[Dual], Dual]:
    """Return a function of a number as one of a `Dual`, by its derivative from argument and value."""

    def chained(a: Dual) -> Dual:
        value = function(a.value)
        return Dual(value, derivative(a.value, value) * a.slopes)

    return chained


FUNCTIONS: dict[str, Callable[[Dual], Dual]] = {
    "abs": _chained(np.abs, lambda x, _: np.sign(x)),
    "cos": _chained(np.cos, lambda x, _: -np.sin(x)),
    "cosh": _chained(np.cosh, lambda x, _: np.sinh(x)),
    "exp": _chained(np.exp, lambda _, y: y),
    "log": _chained(np.log, lambda x, _: 1 / x),
    "sin": _chained(np.sin, lambda x, _: np.cos(x)),
    "sinh": _chained(np.sinh, lambda x, _: np.cosh(x)),
    "sqrt": _chained(np.sqrt, lambda _, y: 0.5 / y),
    "tan": _chained(np.tan, lambda _, y: 1 + y * y),
    "tanh": _chained(np.tanh, lambda _, y: 1 - y * y),
}
"""The functions of one argument; at a kink, as of `abs` at 0, the derivative is 0."""
