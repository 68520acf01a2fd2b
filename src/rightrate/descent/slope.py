"""The value and the gradient of a function: by the user's function, by autograd, or by finite differences."""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import FloatArray

__all__ = ["Gradient", "Slope", "norm", "slope_of", "value_of"]

Slope = Callable[[FloatArray], tuple[float, FloatArray]]
"""`x -> (value, gradient)`, with the gradient in the shape of `x`."""

Gradient = Callable[[Any], Any] | Literal["autograd", "finite differences"] | None
"""The user's function, or how it is computed; None is finite differences."""

_RELATIVE_STEP = float(np.cbrt(np.finfo(np.float64).eps))


def slope_of(f: Callable[[Any], Any], gradient: Gradient) -> Slope:
    """Return `x -> (value, gradient)`.

    `f` and a gradient function get a copy of `x`: a `numpy.float64` for one variable without a shape,
    otherwise an array. With `"autograd"`, `f` gets a torch tensor in double precision and must return one.
    Finite differences are central, `(f(x + h) - f(x - h)) / 2h` in each variable with
    `h = 6e-6 * max(1, |x|)`: about ten digits of the gradient, for two more evaluations per variable. An
    `OverflowError`, as `math.exp` raises, counts as a value that is not finite.

    Args:
        f: The function; returns one number.
        gradient: A function of `x`, `"autograd"`, `"finite differences"` or None, which is the last.

    Raises:
        ConfigError: If `gradient` is none of these; later, if `f` returns no number or a gradient the wrong
            shape.

    Example:
        >>> value, g = slope_of(lambda x: x**2, None)(np.float64(3.0))
        >>> value, round(float(g), 8)
        (9.0, 6.0)
    """
    if gradient is None or gradient == "finite differences":
        return lambda x: (_value(f, x), _differences(f, x))
    if gradient == "autograd":
        return lambda x: _autograd(f, x)
    given: object = gradient
    if not callable(given):
        allowed = "a function, 'autograd' or 'finite differences'"
        raise ConfigError(describe("descend(gradient=...)", allowed, given))
    return lambda x: (_value(f, x), _shaped(given, x))


def value_of(f: Callable[[Any], Any], gradient: Gradient) -> Callable[[FloatArray], float]:
    """Return `x -> value` alone, for the same `f` and `gradient`.

    Example:
        >>> value_of(lambda x: math.exp(x), None)(np.float64(1e4))
        inf
    """
    return (lambda x: _autograd(f, x)[0]) if gradient == "autograd" else (lambda x: _value(f, x))


def norm(g: FloatArray) -> float:
    """Return the Euclidean length, also where squares would overflow or underflow.

    Example:
        >>> norm(np.array([0.0, 4e200]))
        4e+200
    """
    largest = float(np.max(np.abs(g)))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.sum((g / largest) ** 2)))


def _value(f: Callable[[Any], Any], x: FloatArray) -> float:
    try:
        return _number(f(x.copy()))
    except OverflowError:
        return math.inf


def _number(made: Any) -> float:
    try:
        values = np.asarray(made, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(describe("f(x)", "one number", made)) from None
    if values.size != 1:
        raise ConfigError(describe("f(x)", "one number", made, "Sum or average what it returns."))
    return float(values.reshape(()))


def _differences(f: Callable[[Any], Any], x: FloatArray) -> FloatArray:
    flat = np.ravel(x)
    g = np.empty_like(flat)
    for place, at in enumerate(flat):
        up, down = flat.copy(), flat.copy()
        width = _RELATIVE_STEP * max(1.0, abs(at))
        up[place], down[place] = at + width, at - width
        rise = _value(f, _like(up, x)) - _value(f, _like(down, x))
        g[place] = rise / (up[place] - down[place])
    return _like(g, x)


def _like(flat: FloatArray, x: FloatArray) -> FloatArray:
    """Return values in the shape of `x`; a single one without a shape is a NumPy scalar, as `x` is."""
    shaped: FloatArray = flat.reshape(np.shape(x))
    return shaped[()]


def _shaped(gradient: Callable[[Any], Any], x: FloatArray) -> FloatArray:
    try:
        made = gradient(x.copy())
    except OverflowError:
        return _like(np.full(np.size(x), np.inf), x)
    g = np.asarray(made, dtype=np.float64)
    if g.shape != np.shape(x):
        raise ConfigError(describe("gradient(x)", f"of shape {np.shape(x)}, as x is", g))
    return g[()]


def _autograd(f: Callable[[Any], Any], x: FloatArray) -> tuple[float, FloatArray]:
    import torch

    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    value = f(at)
    if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.requires_grad:
        advice = "Compute it from x with torch alone, or take 'finite differences'."
        raise ConfigError(describe("f(x)", "one number as a torch tensor that depends on x", value, advice))
    (g,) = torch.autograd.grad(value.reshape(()), at)
    return float(value.detach()), np.asarray(g.numpy(), dtype=np.float64)[()]
