"""Descents side by side, as a matplotlib figure."""

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rightrate.descent.result import Descent
from rightrate.descent.view import Window, drawn, window_of
from rightrate.errors import ConfigError, describe
from rightrate.schedules import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure"]

_INK, _MUTED, _GRID, _FUNCTION = "#1b2330", "#667085", "#e8ebf0", "#9aa4b2"
_COLOURS = {
    "converged": "#00795a",
    "slow": "#0b63a5",
    "oscillating": "#a15c00",
    "diverged": "#c2410c",
    "stuck": "#667085",
}
_GRID_POINTS = 101
_MANY = 60
_CROWD = 400
_AWAY = 1e3
_LEVELS = 14
_TITLE = 40


def figure(results: Sequence[Descent]) -> "Figure":
    """Return descents of one function side by side, such as with a rate too low, right and too high.

    Above, the path on the function: its graph for one variable, its level lines for two, and the values at
    each step for more. Below, the gradient's norm at each step, with the line below which it counts as near
    zero. All columns have the same axes but for the steps; what leaves them is cut off. Made without pyplot:
    no window opens.

    Args:
        results: One or more descents of the same function.

    Raises:
        ConfigError: If there are none, or they are of functions of different variables.
    """
    from matplotlib.figure import Figure

    shapes = {np.shape(result.x) for result in results}
    if len(shapes) != 1:
        raise ConfigError(describe("figure(results)", "one or more descents of one function", results))
    wide = max(4.2 * len(results), 5.4)
    made = Figure(figsize=(wide, 6.4), dpi=110, facecolor="white", layout="constrained")
    grid = made.subplots(2, len(results), squeeze=False, height_ratios=[1.5, 1.0], sharey="row")
    window = window_of(results)
    above = _drawing(results, window)
    grid[1][0].set_ylabel("gradient norm", color=_INK)
    grid[1][0].set_yscale("log")
    grid[1][0].set_ylim(*_norm_range(results))
    for result, top, bottom in zip(results, grid[0], grid[1], strict=True):
        colour = _COLOURS[result.status]
        above(top, result, colour)
        top.set_title(_title(result), color=colour, fontsize=12, parse_math=False)
        _norms(bottom, result, colour)
        for axes in (top, bottom):
            _look(axes)
    return made


def _title(result: Descent) -> str:
    """Return the rate and what became of it, in as many lines as the width of a column needs."""
    return textwrap.fill(f"lr {result.question.lr_text}: {result.status}", _TITLE)


def _drawing(results: Sequence[Descent], window: Window) -> "Callable[[Axes, Descent, str], None]":
    """Return what draws the upper picture; what all columns share is computed once."""
    variables = results[0].path[0].size
    names = results[0].question.names
    if variables == 1:
        xs = np.linspace(*window.across, 401)
        heights = _values(results[0], xs[:, None])
        return lambda axes, result, colour: _graph(axes, result, colour, xs, heights, window, names or ("x",))
    if variables == 2:
        xs, ys = (np.linspace(*side, _GRID_POINTS) for side in (window.across, window.up))
        table = np.stack(np.meshgrid(xs, ys), axis=-1)
        heights = _values(results[0], table.reshape(-1, 2)).reshape(_GRID_POINTS, _GRID_POINTS)
        shown = names or ("x[0]", "x[1]")
        return lambda axes, result, colour: _map(axes, result, colour, (xs, ys, heights), window, shown)
    return _value_curve


def _values(result: Descent, points: FloatArray) -> FloatArray:
    """Return the function's value at each of (n, variables) points; NaN where it is not finite."""
    with np.errstate(all="ignore"):
        values = np.array([result.question.value(point.reshape(np.shape(result.x))[()]) for point in points])
    values[~np.isfinite(values)] = np.nan
    return values


def _graph(
    axes: "Axes",
    result: Descent,
    colour: str,
    xs: FloatArray,
    heights: FloatArray,
    window: Window,
    names: tuple[str, ...],
) -> None:
    axes.plot(xs, heights, color=_FUNCTION, linewidth=1.6)
    path = drawn(np.column_stack([result.path.ravel(), result.values]), window)
    _path(axes, path, colour)
    _label(axes, window, names[0], "value")


def _map(
    axes: "Axes",
    result: Descent,
    colour: str,
    surface: tuple[FloatArray, FloatArray, FloatArray],
    window: Window,
    names: tuple[str, ...],
) -> None:
    xs, ys, heights = surface
    finite = heights[np.isfinite(heights)]
    levels = np.unique(np.quantile(finite, np.linspace(0.02, 0.98, _LEVELS))) if finite.size else finite
    if len(levels) > 1:
        axes.contour(xs, ys, heights, levels=levels, colors=_FUNCTION, linewidths=0.7)
    _path(axes, drawn(result.path.reshape(-1, 2), window), colour)
    _label(axes, window, names[0], names[1])


def _path(axes: "Axes", path: FloatArray, colour: str) -> None:
    many = len(path) > _MANY
    faint = 0.85 if len(path) <= _CROWD else 0.3
    axes.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.1, alpha=faint)
    axes.plot(path[:, 0], path[:, 1], "o", color=colour, markersize=2.5 if many else 4, markeredgewidth=0)
    axes.plot(*path[0], "s", color=_INK, markersize=6, zorder=3)


def _label(axes: "Axes", window: Window, across: str, up: str) -> None:
    axes.set_xlim(*window.across)
    axes.set_ylim(*window.up)
    axes.set_xlabel(across, color=_INK, parse_math=False)
    if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
        axes.set_ylabel(up, color=_INK, parse_math=False)


def _value_curve(axes: "Axes", result: Descent, colour: str) -> None:
    shown = _tame(result.values, float(np.abs(result.values[0])) or 1.0)
    axes.plot(shown, color=colour, linewidth=1.6)
    if np.nanmin(shown) > 0:
        axes.set_yscale("log")
    _step_axis(axes)
    if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
        axes.set_ylabel("value", color=_INK)


def _norms(axes: "Axes", result: Descent, colour: str) -> None:
    norms = result.gradient_norms
    limit = result.question.until.limit(float(norms[0]))
    shown = np.where(norms > 0, _tame(norms, float(norms[0])), np.nan)
    dots = "o" if len(norms) <= _MANY else ""
    axes.plot(shown, color=colour, linewidth=1.6, marker=dots, markersize=3)
    axes.tick_params(which="minor", length=0)
    if limit > 0:
        axes.axhline(limit, color=_MUTED, linewidth=1, linestyle=":")
        place = axes.get_yaxis_transform()
        axes.text(0, limit, " near zero", transform=place, va="bottom", color=_MUTED, fontsize=8.5)
    _step_axis(axes)


def _step_axis(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True))
    axes.set_xlabel("step", color=_INK)


def _norm_range(results: Sequence[Descent]) -> tuple[float, float]:
    """Return the lowest and highest gradient norm of the lower axis, which has no zero."""
    starts = [float(result.gradient_norms[0]) for result in results]
    limits = [result.question.until.limit(start) for result, start in zip(results, starts, strict=True)]
    norms = [_tame(result.gradient_norms, start) for result, start in zip(results, starts, strict=True)]
    shown = np.concatenate([*norms, limits])
    shown = shown[shown > 0]
    return (float(shown.min()) / 2, float(shown.max()) * 2) if shown.size else (0.1, 10.0)


def _tame(numbers: FloatArray, start: float) -> FloatArray:
    """Return numbers with those that ran away, to more than 1,000 times the start, as NaN."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(numbers) <= _AWAY * start, numbers, np.nan)


def _look(axes: "Axes") -> None:
    axes.tick_params(labelsize=9, colors=_INK, color=_GRID)
    axes.grid(visible=True, color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#d5dae2")
