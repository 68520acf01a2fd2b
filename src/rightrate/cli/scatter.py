"""A chart made of letters: curves over steps, in ASCII."""

import math
from collections.abc import Sequence
from typing import Literal

from rightrate.report.text import count

__all__ = ["scatter"]

_WIDTH = 64
_HEIGHT = 14


def scatter(
    curves: Sequence[tuple[str, Sequence[float]]],
    *,
    places: Sequence[float] | None = None,
    line: float | None = None,
    axis: Literal["log", "linear"] = "log",
    width: int = _WIDTH,
    height: int = _HEIGHT,
) -> str:
    """Return a chart with steps across and values up, in ASCII, so that every terminal shows it.

    Args:
        curves: A letter and the values; what is not finite is left out, on a logarithmic axis also what is
            not > 0.
        places: The step of each value, ascending from 0; without them it is 0, 1, 2 and so on.
        line: A value at which a dashed line is drawn.
        axis: Whether values stand on a logarithmic axis, or on a linear one that has 0 on it.
        width: Columns inside the axes, >= 8.
        height: Rows inside the axes, >= 2.

    Returns:
        Its lines; an empty text where nothing can be drawn.

    Example:
        >>> print(scatter([("a", [100.0, 10.0, 1.0])], line=1.0, width=9, height=3))
         1e+02 |a
               |    a
             1 |- - - - a
               +---------
                0       2  step
    """
    linear = axis == "linear"
    points = [
        (letter, step, value if linear else math.log10(value))
        for letter, values in curves
        for step, value in zip(range(len(values)) if places is None else places, values, strict=True)
        if math.isfinite(value) and (linear or value > 0)
    ]
    if not points:
        return ""
    dashed = None if not line else line if linear else math.log10(line)
    levels = [level for _, _, level in points] + ([] if dashed is None else [dashed])
    low, high = min(0.0, *levels) if linear else min(levels), max(levels)
    last = max(1, *(step for _, step, _ in points))

    def row(level: float) -> int:
        return 0 if high == low else round((high - level) / (high - low) * (height - 1))

    rows = [[" "] * width for _ in range(height)]
    if dashed is not None:
        rows[row(dashed)] = ["-" if place % 2 == 0 else " " for place in range(width)]
    for letter, step, level in points:
        rows[row(level)][round(step / last * (width - 1))] = letter
    top, bottom = (high, low) if linear else (10**high, 10**low)
    marks = {0: f"{top:.2g}", height - 1: f"{bottom:.2g}"}
    body = [f"{marks.get(place, ''):>8} |{''.join(cells).rstrip()}" for place, cells in enumerate(rows)]
    end = count(round(last))
    return "\n".join([*body, f"{'':8} +{'-' * width}", f"{'':10}0{end:>{width - 1}}  step"])
