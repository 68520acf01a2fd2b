"""A curve of any length in bounded memory."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Curve", "Point"]

_LARGE = 8


@dataclass(frozen=True, kw_only=True)
class Point:
    """Some steps in a row of a curve.

    Args:
        step: The first of them.
        mean: Mean of the finite values; NaN if there is none.
        low: The lowest finite value, or NaN.
        high: The highest finite value, or NaN.
        broken: How many values were not finite.
    """

    step: int
    mean: float
    low: float
    high: float
    broken: int


class Curve:
    """Keeps a curve as at most `limit` points, each the mean, lowest and highest of equally many values.

    When the points are used up, neighbours are joined in pairs, and from then on a point takes twice as many
    values. So a curve of a million steps costs as much memory as one of a few hundred, and no peak is lost.

    Args:
        limit: The most points, even and >= 2.

    Example:
        >>> curve = Curve(limit=2)
        >>> for step in range(4):
        ...     curve.add(step, float(step))
        >>> [(point.step, point.mean, point.high) for point in curve.points()]
        [(0, 0.5, 1.0), (2, 2.5, 3.0)]
    """

    def __init__(self, limit: int = 512) -> None:
        self._limit = limit
        self._size = 1
        self._full: list[list[float]] = []
        self._open: list[float] | None = None

    def add(self, step: int, value: float) -> None:
        """Take the next value."""
        self.extend((step,), (value,))

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Take the next values, and the step of each."""
        if self._size >= _LARGE:
            self._extend_by_slices(steps, values)
            return
        for step, value in zip(steps, values, strict=True):
            point = self._open
            if point is None:
                point = self._open = [step, 0.0, math.inf, -math.inf, 0, 0]
            point[4] += 1
            if math.isfinite(value):
                point[1] += value
                point[5] += 1
                if value < point[2]:
                    point[2] = value
                if value > point[3]:
                    point[3] = value
            if point[4] >= self._size:
                self._full.append(point)
                self._open = None
                if len(self._full) > self._limit:
                    self._halve()

    def _extend_by_slices(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Do the same for points of many values, with less work for each."""
        begin = 0
        while begin < len(values):
            point = self._open or [steps[begin], 0.0, math.inf, -math.inf, 0, 0]
            part = values[begin : begin + self._size - int(point[4])]
            finite = part if math.isfinite(sum(part)) else [value for value in part if math.isfinite(value)]
            low, high = min(finite, default=math.inf), max(finite, default=-math.inf)
            self._open = _joined(point, [0.0, sum(finite), low, high, len(part), len(finite)])
            begin += len(part)
            if self._open[4] >= self._size:
                self._full.append(self._open)
                self._open = None
                if len(self._full) > self._limit:
                    self._halve()

    def _halve(self) -> None:
        """Join neighbours; a point without one stays open."""
        odd = self._full.pop() if len(self._full) % 2 else None
        self._full = [_joined(a, b) for a, b in zip(self._full[::2], self._full[1::2], strict=True)]
        self._size *= 2
        self._open = odd

    def points(self) -> tuple[Point, ...]:
        """Return the curve."""
        found = [*self._full, *([] if self._open is None else [self._open])]
        return tuple(
            Point(
                step=int(step),
                mean=total / finite if finite else math.nan,
                low=low if finite else math.nan,
                high=high if finite else math.nan,
                broken=int(count - finite),
            )
            for step, total, low, high, count, finite in found
        )

    def state_dict(self) -> dict[str, Any]:
        """Return plain data that `load_state_dict` takes."""
        return {"size": self._size, "full": [list(point) for point in self._full], "open": self._open}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved curve."""
        self._size = int(state["size"])
        self._full = [list(point) for point in state["full"]]
        self._open = None if state["open"] is None else list(state["open"])


def _joined(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [a[0], a[1] + b[1], min(a[2], b[2]), max(a[3], b[3]), a[4] + b[4], a[5] + b[5]]
