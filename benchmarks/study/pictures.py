"""The pictures of the study's page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rightrate.comparison import Comparison
from rightrate.report.compare_picture import COLOURS, draw_curves, draw_objective, style
from rightrate.report.compare_view import trials_at
from rightrate.report.text import rate

__all__ = ["draw"]


def draw(results: Mapping[str, Comparison], folder: Path) -> None:
    """Write one picture for each part into a folder.

    Args:
        results: By the name of the part.
        folder: Where `study-NAME.png` go.
    """
    drawn = {"adam": _adam, "optimizers": _optimizers, "schedules": _schedules, "closer": _closer}
    for name, panels in drawn.items():
        figure = Figure(figsize=(11.5, 4.6), dpi=110, facecolor="white", layout="constrained")
        left, right = figure.subplots(1, 2)
        panels(left, right, results[name])
        figure.savefig(folder / f"study-{name}.png", metadata={"Software": None})


def _adam(left: Axes, right: Axes, result: Comparison) -> None:
    """Draw the loss against the rate, and training and validation loss over the run at each rate."""
    draw_objective(left, result.record)
    contender = result.analysis.best[0].contender
    for number, reading in enumerate(result.analysis.readings):
        trials = trials_at(result.record, contender, reading.lr)
        steps, colour = trials[0].curves.judged_steps, COLOURS[number]
        valid = np.mean([trial.curves.valid["loss"] for trial in trials], axis=0)
        train = np.mean([trial.curves.seen["loss"] for trial in trials], axis=0)
        label = f"{rate(reading.lr)}: {reading.kind}, {reading.fitting.kind}"
        right.plot(steps, valid, color=colour, linewidth=1.9, label=label)
        right.plot(steps, train, color=colour, linewidth=1.3, linestyle=":")
    right.set_ylim(0, 1.15 * result.analysis.levels.untrained)
    style(right, "step", "loss: validation solid, training dotted")
    right.legend(frameon=False, fontsize=8.5)


def _optimizers(left: Axes, right: Axes, result: Comparison) -> None:
    """Draw what the found rate is worth to each optimizer, and validation accuracy over the run."""
    record, analysis = result.record, result.analysis
    found = {item.contender: item.lr for item in record.settings.found}
    rows = [item for item in analysis.best if found.get(item.contender) is not None]
    for place, item in enumerate(rows):
        colour = COLOURS[record.settings.optimizers.index(item.contender.optimizer)]
        ends = [analysis.reading(item.contender, lr) for lr in (0.001, found[item.contender] or 0.0)]
        means = [end.mean for end in ends if end is not None]
        left.plot(means, [place] * len(means), color=colour, linewidth=3, alpha=0.45)
        left.plot(means[:1], [place], "o", color=colour, markerfacecolor="white", markersize=9)
        left.plot(means[-1:], [place], "o", color=colour, markersize=9)
    left.axvline(analysis.levels.untrained, color="#667085", linewidth=1, linestyle=":")
    labels = [f"{item.contender.optimizer}\n{rate(found[item.contender])}" for item in rows]
    left.set_yticks(range(len(rows)), labels)
    left.invert_yaxis()
    style(left, "validation loss: hollow at 0.001, filled at the found rate, dotted untrained", "")
    draw_curves(right, record, "valid", "accuracy")
    right.legend(frameon=False, fontsize=8.5)


def _schedules(left: Axes, right: Axes, result: Comparison) -> None:
    """Draw what each schedule reaches with each optimizer, seed by seed, and the way there."""
    record = result.record
    optimizers, schedules = record.settings.optimizers, record.settings.schedules
    for number, optimizer in enumerate(optimizers):
        rows: list[Any] = [
            next(item for item in result.analysis.best if _is(item.contender, optimizer, schedule))
            for schedule in schedules
        ]
        places = np.arange(len(schedules)) + 0.16 * (number - (len(optimizers) - 1) / 2)
        colour = COLOURS[number]
        for place, item in zip(places, rows, strict=True):
            reading = result.analysis.reading(item.contender, item.lr)
            values = () if reading is None else reading.values
            left.plot([place] * len(values), values, "o", color=colour, markersize=4, alpha=0.6)
        left.plot(
            places, [item.mean for item in rows], color=colour, marker="_", markersize=15, label=optimizer
        )
    left.set_xticks(range(len(schedules)), schedules)
    style(left, "schedule, each at its own best rate", "validation loss")
    left.legend(frameon=False, fontsize=9)
    draw_curves(right, record, "valid", "loss")
    right.legend(frameon=False, fontsize=7, ncols=2)


def _closer(left: Axes, right: Axes, result: Comparison) -> None:
    """Draw the loss against the rate, and over the run at each schedule's own best rate."""
    draw_objective(left, result.record)
    left.legend(frameon=False, fontsize=9)
    draw_curves(right, result.record, "valid", "loss")
    right.legend(frameon=False, fontsize=8.5)


def _is(contender: Any, optimizer: str, schedule: str) -> bool:
    return (contender.optimizer, contender.schedule) == (optimizer, schedule)
