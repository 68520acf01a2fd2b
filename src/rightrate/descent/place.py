"""What kind of place it is at which the gradient is near zero."""

from typing import Literal

import numpy as np

from rightrate.descent.slope import Slope, norm
from rightrate.schedules import FloatArray

__all__ = ["Place", "place_of"]

Place = Literal["minimum", "saddle", "ledge"]
"""Also a maximum is a "saddle"; an inflection or a plateau is a "ledge"; what is not known, a "minimum"."""

_MOST_VARIABLES = 50
_ROUNDING = 4 * float(np.finfo(np.float64).eps)
_PROBES = 2.0 ** np.arange(-20, 1)
_NOTICEABLE = 1e-3


def place_of(slope: Slope, x: FloatArray, *, reach: float, fallen: float) -> Place:
    """Return what kind of place `x` is, at which the gradient is near zero.

    A saddle has a direction in which the function falls on both sides: that of the most negative curvature,
    from central differences of the gradient, confirmed by the two values beside `x`. A ledge has one in which
    it falls on and on: at 21 places from a millionth of `reach` to `reach`, against the gradient or along the
    least curvature, no value is above the one before, and the last is lower by more than 1/1,000 of `fallen`.
    With more than 50 variables nothing is looked at.

    Args:
        slope: Value and gradient of the function.
        x: The place.
        reach: How far is looked for a ledge's end, > 0, such as the way from the start.
        fallen: How much the function has fallen on that way, >= 0.

    Example:
        >>> from rightrate.descent.slope import slope_of
        >>> functions = (lambda x: x**4, lambda x: x**3, lambda x: -(x**4))
        >>> [place_of(slope_of(f, None), np.float64(0.0), reach=1.0, fallen=0.0) for f in functions]
        ['minimum', 'ledge', 'saddle']
    """
    flat = np.atleast_1d(np.asarray(x, dtype=np.float64)).ravel()
    if flat.size > _MOST_VARIABLES:
        return "minimum"

    def value(point: FloatArray) -> float:
        return slope(point.reshape(np.shape(x))[()])[0]

    with np.errstate(all="ignore"):
        hessian = _hessian(slope, flat, np.shape(x))
        if not np.isfinite(hessian).all():
            return "minimum"
        curvatures, directions = np.linalg.eigh((hessian + hessian.T) / 2)
        least, here = directions[:, 0], value(flat)
        if curvatures[0] < -1e-3 * np.abs(curvatures).max():
            aside = 1e-3 * max(1.0, norm(flat)) * least
            if max(value(flat + aside), value(flat - aside)) < here - _ROUNDING * abs(here):
                return "saddle"
        against = -np.ravel(slope(x)[1])
        ways = [least, -least] + ([against / norm(against)] if norm(against) > 0 else [])
        lower = max(_NOTICEABLE * fallen, _ROUNDING * abs(here))
        for way in ways:
            values = np.array([here, *(value(flat + reach * far * way) for far in _PROBES)])
            if (np.diff(values) <= 0).all() and values[-1] < here - lower:
                return "ledge"
    return "minimum"


def _hessian(slope: Slope, flat: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    columns = []
    for place in range(flat.size):
        width = np.zeros_like(flat)
        width[place] = 1e-4 * max(1.0, abs(flat[place]))
        up, down = (np.ravel(slope((flat + side).reshape(shape)[()])[1]) for side in (width, -width))
        columns.append((up - down) / (2 * width[place]))
    return np.array(columns)
