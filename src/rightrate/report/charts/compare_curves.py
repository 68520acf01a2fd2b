"""Curves of a comparison: every contender at its own best rate, and one contender at all its rates."""

from collections.abc import Sequence

import numpy as np

from rightrate.report.charts.marks import Chart
from rightrate.report.compare_view import Look, looks, trials_at
from rightrate.report.text import chart_text, rate
from rightrate.schedules import FloatArray
from rightrate.search.compare_record import CompareRecord, CompareTrial, RateReading

__all__ = ["best_curves_chart", "kinds_chart"]

_KINDS = {"too low": "@data", "good": "@good", "too high": "@fail"}
_DATA = {"valid": "validation", "seen": "training"}


def best_curves_chart(record: CompareRecord) -> Chart | None:
    """Return the way to every metric, means and the span over seeds, each contender at its own best rate."""
    names = _metrics(record)
    stages = [(which, name) for name in reversed(names) for which in ("seen", "valid")]
    data: list[Chart] = []
    for number, (which, name) in enumerate(stages):
        for look, trials in _at_best(record):
            lines = _band(trials, which, name, look)
            data += [line | {"meta": number, "visible": number == len(stages) - 1} for line in lines]
    if not data:
        return None
    return {
        "data": data,
        "layout": {
            "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
            "yaxis": {},
            "hovermode": "closest",
            "margin": {"t": 20},
        },
        "height": 440,
        "stages": [f"{_DATA[which]} {name}" for which, name in stages],
    }


def kinds_chart(record: CompareRecord) -> Chart | None:
    """Return training and validation loss of one contender at all its rates, coloured by what they are."""
    shown = [
        (look, [item for item in record.analysis.readings if item.contender == look.contender])
        for look in looks(record)
    ]
    shown = [(look, found) for look, found in shown if found]
    if not shown:
        return None
    order = list(reversed(shown))  # the page shows the last one first
    data: list[Chart] = []
    for number, (_, found) in enumerate(order):
        for reading in found:
            lines = _kind_lines(record, reading)
            data += [line | {"meta": number, "visible": number == len(order) - 1} for line in lines]
    levels = [number for line in data for number in line["y"] if number is not None]
    return {
        "data": data,
        "layout": {
            "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": "loss"}, "range": _loss_range(record, levels)},
            "legend": {"title": {"text": "learning rate"}, "traceorder": "normal"},
            "hovermode": "closest",
            "margin": {"t": 20},
        },
        "height": 460,
        "stages": [look.name for look, _ in order],
        "tall_legend": True,
    }


def _metrics(record: CompareRecord) -> list[str]:
    """Return the metrics, the objective first."""
    names = list(dict.fromkeys(name for trial in record.trials for name in trial.curves.valid))
    return sorted(names, key=lambda name: name != record.settings.run.objective)


def _at_best(record: CompareRecord) -> list[tuple[Look, tuple[CompareTrial, ...]]]:
    best = {item.contender: item.lr for item in record.analysis.best}
    return [(look, trials_at(record, look.contender, best[look.contender])) for look in looks(record)]


def _over_seeds(trials: Sequence[CompareTrial], which: str, name: str) -> FloatArray:
    """Return the curves of the seeds, shape (seeds, judgements)."""
    return np.array([getattr(trial.curves, which)[name] for trial in trials], dtype=np.float64)


def _band(trials: Sequence[CompareTrial], which: str, name: str, look: Look) -> list[Chart]:
    """Return the mean over seeds, and the area between the lowest and the highest."""
    steps, rows = list(trials[0].curves.judged_steps), _over_seeds(trials, which, name)
    label = f"{_DATA[which]} {chart_text(name)}"
    line: Chart = {
        "x": steps,
        "y": _finite(rows.mean(axis=0)),
        "mode": "lines",
        "name": f"{look.name} at {rate(trials[0].lr)}",
        "legendgroup": look.group,
        "line": {"color": look.colour, "width": 2.5, "dash": look.dash},
        "hovertemplate": f"<b>{look.name}</b> at {rate(trials[0].lr)}<br>step %{{x}}: {label} %{{y:.4g}}"
        "<extra></extra>",
    }
    edges: list[Chart] = [
        {
            "x": steps,
            "y": _finite(end),
            "mode": "lines",
            "line": {"width": 0},
            "hoverinfo": "skip",
            "legendgroup": look.group,
            "showlegend": False,
        }
        for end in (rows.min(axis=0), rows.max(axis=0))
    ]
    edges[1] |= {"fill": "tonexty", "fillcolor": look.soft}
    return [line, *edges]


def _kind_lines(record: CompareRecord, reading: RateReading) -> list[Chart]:
    """Return validation (solid) and training (dotted) loss at one rate, and where validation turned."""
    trials = trials_at(record, reading.contender, reading.lr)
    steps, colour, lr = list(trials[0].curves.judged_steps), _KINDS[reading.kind], rate(reading.lr)
    lines: list[Chart] = []
    valid = _over_seeds(trials, "valid", "loss").mean(axis=0)
    seen = _over_seeds(trials, "seen", "loss").mean(axis=0)
    for name, values, dash in (("validation", valid, "solid"), ("training", seen, "dot")):
        lines.append(
            {
                "x": steps,
                "y": _finite(values),
                "mode": "lines",
                "name": f"{lr}: {reading.kind}",
                "legendgroup": f"lr {lr}",
                "line": {"color": colour, "width": 2.2 if dash == "solid" else 1.6, "dash": dash},
                "hovertemplate": f"lr {lr}, {reading.kind}, {reading.fitting.kind}<br>"
                f"step %{{x}}: {name} loss %{{y:.4g}}<extra></extra>",
            }
        )
    turned = reading.fitting.turned_step
    if turned is not None:
        lines.append(
            {
                "x": [turned],
                "y": [float(valid[steps.index(turned)])],
                "mode": "markers",
                "legendgroup": f"lr {lr}",
                "marker": {"symbol": "triangle-down", "size": 11, "color": colour},
                "hovertemplate": f"lr {lr}: validation turned at step {turned}<extra></extra>",
            }
        )
    return lines


def _loss_range(record: CompareRecord, levels: Sequence[float]) -> list[float]:
    """Return the losses to show: from the lowest to somewhat above the first judgements' middle."""
    low = min(levels)
    firsts = sorted(trial.curves.valid["loss"][0] for trial in record.trials)
    finite = [number for number in firsts if np.isfinite(number)]
    middle = finite[len(finite) // 2] if finite else max(levels)
    high = max(middle, low + 1e-12)
    return [low - 0.05 * (high - low), high + 0.15 * (high - low)]


def _finite(values: FloatArray) -> list[float | None]:
    return [float(number) if np.isfinite(number) else None for number in values]
