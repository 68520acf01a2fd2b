"""Which part of a function a picture shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightrate.descent.result import Descent
from rightrate.schedules import FloatArray

__all__ = ["Window", "drawn", "window_of"]

_MARGIN = 0.15
_FAR = 3.0
_NEAR = 1.6


@dataclass(frozen=True, kw_only=True)
class Window:
    """A part of the plane.

    Args:
        across: The lowest and highest x.
        up: The lowest and highest y.
    """

    across: tuple[float, float]
    up: tuple[float, float]

    @property
    def sides(self) -> FloatArray:
        """How wide and how high it is, shape (2,)."""
        return np.array([self.across[1] - self.across[0], self.up[1] - self.up[0]])


def window_of(results: Sequence[Descent]) -> Window:
    """Return the window that holds the paths, with a margin.

    Paths that ran away count with their start and those of their next two points that are about as near to
    the lowest point of all as the other paths are. For one variable, y is the value.
    """
    points = _shown(results)
    low, high = points.min(axis=0), points.max(axis=0)
    if results[0].path[0].size == 1:
        return _over(results[0], float(low[0]), float(high[0]), float(high[1]))
    width = float((high - low).max()) or float(np.maximum(1.0, np.abs(low)).max())
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, width / 4) + _MARGIN * width
    return Window(
        across=(float(middle[0] - half[0]), float(middle[0] + half[0])),
        up=(float(middle[1] - half[1]), float(middle[1] + half[1])),
    )


def _shown(results: Sequence[Descent]) -> FloatArray:
    """Return the points that the window is to hold, shape (n, 2)."""
    calm = [_plane(result) for result in results if result.status != "diverged"]
    first = [_plane(result)[:3] for result in results if result.status == "diverged"]
    sure = np.concatenate([*calm, *(path[:1] for path in first)])
    sure = sure[np.isfinite(sure).all(axis=1)]
    if not calm:
        few = np.concatenate(first)
        return few[np.isfinite(few).all(axis=1)]
    values = np.concatenate([result.values for result in results if result.status != "diverged"])
    lowest = np.concatenate(calm)[int(np.nanargmin(values))]
    reach = np.abs(sure - lowest).max()
    near = [path[(np.abs(path - lowest) <= _NEAR * reach).all(axis=1)] for path in first]
    return np.concatenate([sure, *near])


def _over(result: Descent, left: float, right: float, top: float) -> Window:
    """Return the window over [left, right], from the function's lowest value there to a given one."""
    pad = 2 * _MARGIN * (right - left) or max(1.0, abs(left))
    left, right = left - pad, right + pad
    with np.errstate(all="ignore"):
        values = [
            result.question.value(np.full(np.shape(result.x), x)[()]) for x in np.linspace(left, right, 41)
        ]
    heights = np.array([top, *values])
    heights = heights[np.isfinite(heights)]
    bottom = float(heights.min())
    top = top if top > bottom else float(heights.max())
    space = _MARGIN * (top - bottom) or max(1.0, abs(top))
    return Window(across=(left, right), up=(bottom - space / 2, top + space))


def drawn(path: FloatArray, window: Window) -> FloatArray:
    """Return the points of a path until it is far outside the window; the last step is cut short there.

    Args:
        path: Points in the plane, shape (n, 2).
        window: What is shown.
    """
    middle = np.array([sum(window.across), sum(window.up)]) / 2
    with np.errstate(all="ignore"):
        far = ~(np.abs(path - middle) <= _FAR * window.sides).all(axis=1)
    if not far.any():
        return path
    first = int(far.argmax())
    last = path[first]
    if first == 0 or not np.isfinite(last).all():
        return path[:first]
    before = path[first - 1]
    longest = float((np.abs(last - before) / window.sides).max())
    cut = before + (last - before) * min(1.0, 2 * _FAR / longest)
    return np.vstack([path[:first], cut])


def _plane(result: Descent) -> FloatArray:
    """Return a path in the plane of its picture: x and value, or the first two variables."""
    if result.path[0].size == 1:
        return np.column_stack([result.path.ravel(), result.values])
    return result.path.reshape(len(result.path), -1)[:, :2]
