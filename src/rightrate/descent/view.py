"""Which part of a function a picture shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightrate.descent.result import Descent
from rightrate.schedules import FloatArray

__all__ = ["Window", "drawn", "window_of"]

_MARGIN = 0.15
_FAR = 3.0


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
    """Return the window of all starts and of the paths that did not run away, with a margin.

    Where every path ran away it holds their first three points. For one variable, y is the value; the window
    is made symmetric about the lowest point of the paths, so that both sides of a valley are seen.
    """
    calm = [_plane(result) for result in results if result.status != "diverged"]
    points = np.concatenate([*calm, *(_plane(result)[: 1 if calm else 3] for result in results)])
    points = points[np.isfinite(points).all(axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    if results[0].path[0].size == 1:
        return _around_valley(results[0], points)
    pad = np.maximum((high - low).max() * _MARGIN, 1e-3 * np.maximum(1.0, np.abs(high)))
    width = (high - low).max()
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, width / 4) + pad
    return Window(
        across=(float(middle[0] - half[0]), float(middle[0] + half[0])),
        up=(float(middle[1] - half[1]), float(middle[1] + half[1])),
    )


def _around_valley(result: Descent, points: FloatArray) -> Window:
    lowest = points[points[:, 1].argmin()]
    reach = (1 + _MARGIN) * max(
        float(np.abs(points[:, 0] - lowest[0]).max()), 1e-3 * max(1.0, abs(lowest[0]))
    )
    left, right = float(lowest[0] - reach), float(lowest[0] + reach)
    with np.errstate(all="ignore"):
        ends = [
            result.question.value(np.full(np.shape(result.x), x)[()]) for x in np.linspace(left, right, 41)
        ]
    heights = np.array([*ends, *points[:, 1]])
    heights = heights[np.isfinite(heights)]
    bottom, top = float(heights.min()), float(heights.max())
    pad = max(0.06 * (top - bottom), 1e-9 * max(1.0, abs(top)))
    return Window(across=(left, right), up=(bottom - pad, top + pad))


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
