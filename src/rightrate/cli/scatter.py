"""A chart made of letters: curves over steps on a logarithmic axis."""

import math
from collections.abc import Sequence

from rightrate.report.text import count

__all__ = ["scatter"]

_WIDTH = 64
_HEIGHT = 14


def scatter(
    curves: Sequence[tuple[str, Sequence[float]]],
    *,
    line: float | None = None,
    width: int = _WIDTH,
    height: int = _HEIGHT,
) -> str:
    """Return a chart with steps across and values up, in ASCII, so that every terminal shows it.

    Args:
        curves: A letter and the value at each step; what is not a finite number > 0 is left out.
        line: A value at which a dashed line is drawn.
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
    points = [
        (letter, step, math.log10(value))
        for letter, values in curves
        for step, value in enumerate(values)
        if math.isfinite(value) and value > 0
    ]
    if not points:
        return ""
    levels = [level for _, _, level in points] + ([math.log10(line)] if line else [])
    low, high = min(levels), max(levels)
    last = max(1, *(step for _, step, _ in points))

    def row(level: float) -> int:
        return 0 if high == low else round((high - level) / (high - low) * (height - 1))

    rows = [[" "] * width for _ in range(height)]
    if line:
        rows[row(math.log10(line))] = ["-" if place % 2 == 0 else " " for place in range(width)]
    for letter, step, level in points:
        rows[row(level)][round(step / last * (width - 1))] = letter
    marks = {0: f"{10**high:.2g}", height - 1: f"{10**low:.2g}"}
    body = [f"{marks.get(place, ''):>8} |{''.join(cells).rstrip()}" for place, cells in enumerate(rows)]
    end = count(last)
    return "\n".join([*body, f"{'':8} +{'-' * width}", f"{'':10}0{end:>{width - 1}}  step"])
