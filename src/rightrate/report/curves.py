"""Curves of schedules: which steps to draw, and the matplotlib picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rightrate.report.text import rate
from rightrate.schedules import FloatArray, Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AFTER", "LOWEST", "drawn", "lowest", "plot", "sampled"]

LOWEST = 1e-4
"""A logarithmic axis goes down to this fraction of the highest rate, where rates do."""

AFTER = 1.04
"""The axis goes on after the end of the longest schedule, to this multiple of its length."""

_INK, _GRID, _EDGE = "#1b2330", "#e8ebf0", "#d5dae2"
_COLOURS = (
    *("#0b63a5", "#c2410c", "#00795a", "#7a3ea1", "#9a6700"),
    *("#b0307a", "#3b7d8c", "#667085", "#1b2330", "#5b8c2a"),
)
_ALL = 4000
_CELLS = 1000
_PROBES = 32
_GOLDEN = (5**0.5 - 1) / 2
_DOTS = 40

Steps = np.ndarray[Any, np.dtype[np.int64]]


def sampled(schedule: Schedule) -> Steps:
    """Return the steps to draw: all of a short run, otherwise no more than a few thousand.

    Of a long one they are the turns, and the lowest and the highest of 32 steps in each of a thousand equal
    parts, which lie irregularly, so that waves shorter than a part are drawn as the band they fill, and never
    as a slower wave that is not there.

    Args:
        schedule: What to draw.

    Example:
        >>> from rightrate.schedules import Linear
        >>> sampled(Linear(total_steps=4)).tolist()
        [0, 1, 2, 3]
    """
    total = schedule.total_steps
    if total <= _ALL:
        return np.arange(total)
    edges = np.linspace(0, total, _CELLS + 1).astype(np.int64)
    places = np.mod(_GOLDEN * np.arange(_PROBES), 1.0)
    probes = edges[:-1, None] + (places * np.diff(edges)[:, None]).astype(np.int64)
    rates = schedule(probes)
    ends = [np.take_along_axis(probes, pick(rates, axis=1)[:, None], 1) for pick in (np.argmin, np.argmax)]
    turns = np.array(schedule.marks())
    return np.unique(np.concatenate([*(end.ravel() for end in ends), turns, np.maximum(turns - 1, 0)]))


def drawn(schedule: Schedule, until: int) -> tuple[tuple[Steps, FloatArray], tuple[Steps, FloatArray]]:
    """Return the steps and rates of the run, and those of what is held after it, up to step `until`."""
    steps = sampled(schedule)
    after = np.array([schedule.total_steps - 1, until])
    return (steps, schedule(steps)), (after, schedule(after))


def lowest(schedules: Sequence[Schedule]) -> float:
    """Return the rate at which a logarithmic axis starts.

    Example:
        >>> from rightrate.schedules import Linear
        >>> lowest([Linear(peak=0.1, total_steps=100, floor=0.5)]), lowest([Linear(total_steps=10**6)])
        (0.0505, 0.0001)
    """
    rates = np.concatenate([schedule(sampled(schedule)) for schedule in schedules])
    return max(LOWEST * float(rates.max()), float(rates[rates > 0].min()))


def plot(
    axes: "Axes", schedules: Sequence[Schedule], labels: Sequence[str], axis: Literal["log", "linear"]
) -> None:
    """Draw schedules into matplotlib axes; what is held after an end is dotted.

    Args:
        axes: Where to draw.
        schedules: What to draw.
        labels: What a legend calls each.
        axis: Whether the rates stand on a logarithmic axis, or on a linear one that starts at 0.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    until = max(round(AFTER * schedule.total_steps) for schedule in schedules)
    for index, schedule in enumerate(schedules):
        colour = _COLOURS[index % len(_COLOURS)]
        run, held = drawn(schedule, until)
        dots = "o" if schedule.total_steps <= _DOTS else ""
        axes.plot(*run, color=colour, linewidth=1.8, label=labels[index], marker=dots, markersize=3.5)
        axes.plot(*held, color=colour, linewidth=1.4, linestyle=":")
    axes.set_yscale(axis)
    highest = max(schedule.peak for schedule in schedules)
    low = lowest(schedules) if axis == "log" else 0.0
    axes.set_ylim((low / 1.5, 1.5 * highest) if axis == "log" else (0.0, 1.05 * highest))
    if axis == "log":
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if highest > 30 * low else (1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(lambda lr, _: rate(lr))
    axes.set_xlim(0, until)
    axes.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(lambda step, _: _short(step))
    axes.grid(visible=True, color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", labelsize=9, colors=_INK, color=_EDGE)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_EDGE)


def _short(step: float) -> str:
    """Return a step as an axis shows it.

    Example:
        >>> _short(2000), _short(2_500_000), _short(1e9), _short(3e12)
        ('2,000', '2.5M', '1B', '3e+12')
    """
    for above, unit in ((1e12, ""), (1e9, "B"), (1e6, "M")):
        if step >= above:
            return f"{step / above:g}{unit}" if unit else f"{step:g}"
    return f"{step:,.0f}"
