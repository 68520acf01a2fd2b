"""The main picture of a comparison as a matplotlib figure, and its curves."""

import math
from typing import TYPE_CHECKING

import numpy as np

from rightrate.report.compare_text import contender_text
from rightrate.report.compare_view import lr_window, trials_at, value_window
from rightrate.report.text import rate, value
from rightrate.report.view import decade_ticks
from rightrate.search.compare_record import CompareRecord, Contender

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "compare_figure", "draw_curves", "draw_objective", "style"]

_INK, _MUTED, _GRID, _EDGE = "#1b2330", "#667085", "#e8ebf0", "#d5dae2"
COLOURS = ("#0b63a5", "#c2410c", "#00795a", "#7a3ea1", "#9a6700", "#b0307a", "#1f8a9c", "#596579")
"""Those of the page, in its order."""

_LINES = ("-", "--", ":", "-.", (0, (6, 2)), (0, (6, 2, 1, 2)))


def compare_figure(record: CompareRecord) -> "Figure":
    """Return the objective after training against the learning rate, as on the report page.

    It is made without pyplot: nothing global is changed, and no window opens.
    """
    from matplotlib.figure import Figure

    made = Figure(figsize=(8.6, 4.8), dpi=110, facecolor="white", layout="constrained")
    axes = made.add_subplot(facecolor="white")
    draw_objective(axes, record)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=4, frameon=False, fontsize=9, labelcolor=_INK
    )
    return made


def draw_objective(axes: "Axes", record: CompareRecord) -> None:
    """Draw the objective against the rate: means, the span over seeds, stars at each one's best rate."""
    analysis, run = record.analysis, record.settings.run
    lrs, values = lr_window(record), value_window(record)
    for best in analysis.best:
        colour, line = _look(record, best.contender)
        found = [item for item in analysis.readings if item.contender == best.contender]
        found = [item for item in found if math.isfinite(item.mean)]
        x, mean = [item.lr for item in found], [item.mean for item in found]
        name = contender_text(record.settings, best.contender)
        axes.plot(
            x,
            mean,
            color=colour,
            linestyle=line,
            linewidth=1.9,
            marker="o",
            markersize=4.5,
            label=_plain(name),
        )
        axes.fill_between(
            x,
            [min(item.values) for item in found],
            [max(item.values) for item in found],
            color=colour,
            alpha=0.13,
            linewidth=0,
        )
        axes.plot([best.lr], [best.mean], color=colour, marker="*", markersize=13, markeredgecolor="white")
    axes.set_xscale("log")
    axes.set_xlim(lrs.low, lrs.high)
    axes.set_ylim(values.low, values.high)
    if values.holds(analysis.levels.untrained):
        axes.axhline(analysis.levels.untrained, color=_MUTED, linewidth=1, linestyle=":")
        text = f"untrained: {value(analysis.levels.untrained)}"
        axes.text(lrs.low, analysis.levels.untrained, text, color=_MUTED, fontsize=9, va="bottom")
    ticks = decade_ticks(lrs)
    axes.set_xticks([lr for lr, _ in ticks], [text for _, text in ticks], minor=False)
    axes.set_xticks([], minor=True)
    style(axes, "learning rate", f"validation {run.objective} after training")


def draw_curves(axes: "Axes", record: CompareRecord, which: str, metric: str) -> None:
    """Draw the way to a metric, each contender at its own best rate.

    Args:
        axes: Where to draw.
        record: What to draw.
        which: "valid" or "seen".
        metric: Its name.
    """
    for best in record.analysis.best:
        trials = trials_at(record, best.contender, best.lr)
        colour, line = _look(record, best.contender)
        rows = np.array([getattr(trial.curves, which)[metric] for trial in trials])
        steps = trials[0].curves.judged_steps
        name = f"{contender_text(record.settings, best.contender)} at {rate(best.lr)}"
        axes.plot(steps, rows.mean(axis=0), color=colour, linestyle=line, linewidth=1.8, label=_plain(name))
        axes.fill_between(steps, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.13, linewidth=0)
    axes.set_xlim(left=0)
    style(axes, "step", f"{'validation' if which == 'valid' else 'training'} {metric}")


def _look(record: CompareRecord, contender: Contender) -> tuple[str, object]:
    """Return colour and line of a contender, as `rightrate.report.compare_view.looks` chooses them."""
    settings = record.settings
    optimizer = settings.optimizers.index(contender.optimizer)
    schedule = settings.schedules.index(contender.schedule)
    if len(settings.optimizers) == 1:
        return COLOURS[schedule % len(COLOURS)], "-"
    return COLOURS[optimizer % len(COLOURS)], _LINES[schedule % len(_LINES)]


def style(axes: "Axes", across: str, up: str) -> None:
    """Give axes their labels and the look of all pictures."""
    axes.set_xlabel(across, color=_INK, fontsize=10.5)
    axes.set_ylabel(_plain(up), color=_INK, fontsize=10.5)
    axes.tick_params(which="major", labelsize=10, colors=_INK, color=_GRID)
    axes.grid(visible=True, which="major", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_EDGE)


def _plain(text: str) -> str:
    """Return text that matplotlib draws as it is: no mathematics, no letters that its font lacks."""
    return "".join(letter if 32 <= ord(letter) < 127 else "?" for letter in text[:80]).replace("$", r"\$")
