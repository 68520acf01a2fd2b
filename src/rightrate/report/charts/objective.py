"""The main picture: the objective after training against the learning rate."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rightrate.report.charts.marks import Chart, answer_marks, lr_axis
from rightrate.report.text import chart_text, rate, value
from rightrate.report.view import (
    Round,
    Window,
    lr_window,
    mean_by_rate,
    objective_label,
    reached,
    rounds,
    value_window,
)
from rightrate.search.record import Record

__all__ = ["objective_chart"]


def objective_chart(record: Record) -> Chart:
    """Return the objective after training against the learning rate."""
    lrs, values = lr_window(record), value_window(record)
    shapes, notes = answer_marks(record, lrs)
    stages = rounds(record)
    data = [*_band(record, values), *_untrained(record, lrs, values)]
    for number, stage in enumerate(stages):
        data += _stage(
            record, stage, place=(number + 1) / len(stages), connected=_connected(record, stages, stage)
        )
    data += _failed(record, stages, values)
    label = chart_text(objective_label(record))
    return {
        "data": data,
        "layout": {
            "xaxis": lr_axis(lrs),
            "yaxis": {"title": {"text": f"{label} after training"}, "range": [values.low, values.high]},
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
            "shapes": shapes,
            "annotations": notes,
            "margin": {"t": 64},
        },
        "height": 460,
        "scales": _scales(record, values),
    }


def _scales(record: Record, values: Window) -> Mapping[str, Any] | None:
    """Return the value axis as `linear` and `log`, or None where a logarithm makes no sense."""
    numbers = [reached(record, trial) for stage in rounds(record) for trial in stage.trials]
    inside = [number for number in numbers if values.holds(number)]
    if not inside or min(inside) <= 0 or record.settings.direction == "max":
        return None
    low = math.log10(min(inside))
    high = math.log10(values.high)
    return {
        "linear": {"yaxis.type": "linear", "yaxis.range": [values.low, values.high]},
        "log": {"yaxis.type": "log", "yaxis.range": [low - 0.07 * (high - low), high]},
    }


def _connected(record: Record, stages: Sequence[Round], stage: Round) -> bool:
    return stage is not stages[-1] or not record.fit.lr


def _band(record: Record, values: Window) -> list[Chart]:
    """Return the smoothed curve with its noise band."""
    fit = record.fit
    if not fit.lr:
        return []
    far = values.high - values.low
    outer = Window(low=values.low - far, high=values.high + far)
    edges: list[Chart] = [
        {
            "x": list(fit.lr),
            "y": [outer.clip(number) if math.isfinite(number) else None for number in side],
            "mode": "lines",
            "line": {"width": 0, "shape": "linear"},
            "hoverinfo": "skip",
            "legendgroup": "fit",
            "showlegend": False,
        }
        for side in (fit.low, fit.high)
    ]
    edges[1] |= {"fill": "tonexty", "fillcolor": "@data-soft"}
    line: Chart = {
        "x": list(fit.lr),
        "y": [number if math.isfinite(number) else None for number in fit.value],
        "mode": "lines",
        "name": "expected of the whole run",
        "legendgroup": "fit",
        "line": {"color": "@data", "width": 2.5},
        "hovertemplate": "expected %{y:.4g}<extra></extra>",
    }
    return [*edges, line]


def _untrained(record: Record, lrs: Window, values: Window) -> list[Chart]:
    """Return the level of having learned nothing, or where it lies when it is outside."""
    level = record.levels.untrained
    if not math.isfinite(level):
        return []
    text, smaller = f"untrained: {value(level)}", record.settings.direction == "min"
    if values.holds(level):
        line: Chart = {"x": [lrs.low, lrs.high], "y": [level, level], "mode": "lines", "hoverinfo": "skip"}
        line |= {"line": {"color": "@muted", "width": 1.2, "dash": "dot"}, "showlegend": False}
        place: Chart = {"y": [level], "textposition": "top right" if smaller else "bottom right"}
    else:
        line = {}
        text += " (above)" if smaller else " (below)"
        place = {"y": [1.0 if smaller else 0.0], "yaxis": "y2"}
        place["textposition"] = "bottom right" if smaller else "top right"
    label: Chart = {
        "x": [lrs.low],
        "mode": "text",
        "text": [text],
        "textfont": {"color": "@muted", "size": 12},
    }
    label |= {"hoverinfo": "skip", "showlegend": False, **place}
    return [item for item in (line, label) if item]


def _stage(record: Record, stage: Round, *, place: float, connected: bool) -> list[Chart]:
    """Return the results of one round; the lines join the means over seeds."""
    good = [(trial, reached(record, trial)) for trial in stage.trials]
    good = [(trial, number) for trial, number in good if math.isfinite(number)]
    name, colour = f"{stage.name}: {stage.steps:,} steps", f"@stages:{place:.3f}"
    confirm = stage.name == "Confirmation"
    label = chart_text(objective_label(record))
    points = {
        "x": [trial.lr for trial, _ in good],
        "y": [number for _, number in good],
        "mode": "markers",
        "name": name,
        "legendgroup": name,
        "marker": {
            "color": colour,
            "size": 9 if place == 1 else 7,
            "symbol": "diamond" if confirm else "circle",
            "line": {"color": "@paper", "width": 1},
        },
        "customdata": [[rate(trial.lr), trial.seed] for trial, _ in good],
        "hovertemplate": f"lr %{{customdata[0]}}<br>{label} %{{y:.4g}}<br>{name}, seed %{{customdata[1]}}"
        "<extra></extra>",
    }
    if not connected:
        return [points]
    means = mean_by_rate((trial.lr, reached(record, trial)) for trial in stage.trials)
    line = {
        "x": [lr for lr, _ in means],
        "y": [number if math.isfinite(number) else None for _, number in means],
        "mode": "lines",
        "line": {"color": colour, "width": 1.2},
        "legendgroup": name,
        "showlegend": False,
        "hoverinfo": "skip",
    }
    return [line, points]


def _failed(record: Record, stages: Sequence[Round], values: Window) -> list[Chart]:
    """Return marks at the far end for results that are not finite or outside the window."""
    smaller = record.settings.direction == "min"
    rows = [(stage, trial, reached(record, trial)) for stage in stages for trial in stage.trials]
    rows = [row for row in rows if not values.holds(row[2])]
    if not rows:
        return []
    marks = {
        "x": [trial.lr for _, trial, _ in rows],
        "y": [0.965 if smaller else 0.035] * len(rows),
        "yaxis": "y2",
        "mode": "markers",
        "name": "failed, or far off",
        "marker": {"symbol": "x-thin", "size": 8, "color": "@fail", "line": {"color": "@fail", "width": 1.8}},
        "customdata": [
            [rate(trial.lr), value(number), f"{stage.name}: {stage.steps:,} steps", trial.seed]
            for stage, trial, number in rows
        ],
        "hovertemplate": "lr %{customdata[0]}<br>%{customdata[1]}<br>%{customdata[2]}, seed %{customdata[3]}"
        "<extra></extra>",
    }
    return [marks]
