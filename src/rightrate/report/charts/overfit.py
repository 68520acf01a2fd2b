"""Training against validation."""

import math
from collections.abc import Sequence

from rightrate.report.charts.marks import Chart, lr_axis, note, upright
from rightrate.report.text import rate
from rightrate.report.view import Window, mean_by_rate, rounds
from rightrate.search.record import Record

__all__ = ["overfit_chart"]


def overfit_chart(record: Record) -> Chart | None:
    """Return training against validation loss after the longest round; None where one was not recorded."""
    stages = [stage for stage in rounds(record) if not stage.part]
    trials = stages[-1].trials if stages else ()
    train = mean_by_rate((trial.lr, _last_level(trial.curve.train)) for trial in trials)
    valid = mean_by_rate((trial.lr, trial.metrics.get("loss", math.nan)) for trial in trials)
    numbers = [number for _, number in (*train, *valid) if math.isfinite(number)]
    if not any(math.isfinite(number) for _, number in train) or len(valid) < 2:
        return None
    cap = _sane_cap(numbers)
    lines = []
    looks = (("training", train, "@second", "dash"), ("validation", valid, "@data", "solid"))
    for name, points, colour, dash in looks:
        shown = [(lr, number) for lr, number in points if math.isfinite(number) and number <= cap]
        lines.append(
            {
                "x": [lr for lr, _ in shown],
                "y": [number for _, number in shown],
                "mode": "lines+markers",
                "name": f"{name} loss",
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {"color": colour, "size": 7},
                "customdata": [rate(lr) for lr, _ in shown],
                "hovertemplate": f"lr %{{customdata}}<br>{name} loss %{{y:.4g}}<extra></extra>",
            }
        )
    lrs = Window(low=trials[0].lr / 1.3, high=trials[-1].lr * 1.3)
    layout: Chart = {"xaxis": lr_axis(lrs), "yaxis": {"title": {"text": "loss"}}, "margin": {"t": 30}}
    lr = record.answer.lr
    if lr is not None and lrs.holds(lr):
        layout["shapes"] = [upright(lr, "@good", width=2, dash="solid") | {"layer": "below"}]
        layout["annotations"] = [note(rate(lr), lr, lrs, colour="@good", y=1.0)]
    return {"data": lines, "layout": layout, "height": 470}


def _last_level(train: Sequence[float]) -> float:
    """Return the mean of the last tenth of a loss curve; NaN where that is not finite or empty."""
    tail = train[-max(1, len(train) // 10) :]
    return sum(tail) / len(tail) if tail and all(map(math.isfinite, tail)) else math.nan


def _sane_cap(numbers: Sequence[float]) -> float:
    middle, lowest = sorted(numbers)[len(numbers) // 2], min(numbers)
    return max(middle + 8 * (middle - lowest), middle + abs(middle))
