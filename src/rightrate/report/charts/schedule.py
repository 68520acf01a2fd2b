"""The schedule that was found, and what it reaches when it is trained from scratch."""

import numpy as np

from rightrate.report.charts.marks import Chart, lr_axis
from rightrate.report.curves import sampled
from rightrate.report.text import value
from rightrate.report.tune_view import as_record
from rightrate.report.view import Window, smoothed, thinned
from rightrate.schedules import from_dict
from rightrate.search.tune_record import TuneRecord

__all__ = ["replay_chart", "schedule_chart"]

_COLOURS = ("@data", "@second", "@fail")
_POINTS = 120


def schedule_chart(record: TuneRecord) -> Chart | None:
    """Return the winner's rate at each step; None where there is no winner or one rate all along."""
    if record.answer.schedule is None:
        return None
    found = from_dict(record.answer.schedule)
    steps = sampled(found)
    rates = found(steps)
    if not np.ptp(rates):
        return None
    positive = rates[rates > 0]
    window = Window(low=max(float(positive.min()), found.peak / 1e4) / 1.5, high=1.5 * found.peak)
    line = {
        "x": steps.tolist(),
        "y": rates.tolist(),
        "mode": "lines",
        "line": {"color": "@good", "width": 2.5},
        "hovertemplate": "step %{x:,}: lr %{y:.3g}<extra></extra>",
        "showlegend": False,
    }
    axis = lr_axis(window)
    return {
        "data": [line],
        "layout": {"xaxis": {"title": {"text": "step"}}, "yaxis": axis, "margin": {"t": 12}},
        "height": 300,
        "scales": {
            "log": {"yaxis.type": "log", "yaxis.range": axis["range"]},
            "linear": {"yaxis.type": "linear", "yaxis.range": [0.0, 1.05 * found.peak]},
        },
        "scale": "log",
    }


def replay_chart(record: TuneRecord) -> Chart | None:
    """Return the winner's training loss beside that of its schedule from scratch; None without replays."""
    if not record.replays:
        return None
    number, member = record.answer.path[-1]
    trials = [trial for trial in as_record(record).trials if trial.rung == number]
    curves = [("in the population", "@good", trials[member].curve)]
    for place, replay in enumerate(record.replays):
        seed = "the same seed" if not place else f"seed {replay.seed}"
        reached = value(replay.metrics[record.settings.run.objective])
        curves.append((f"from scratch, {seed}: {reached}", _COLOURS[place % 3], replay.curve))
    lines = []
    for place, (name, colour, curve) in enumerate(curves):
        steps, losses = thinned(curve.steps, smoothed(curve.train), _POINTS)
        dash = "dash" if place == 1 else "solid"
        lines.append(
            {
                "x": steps,
                "y": losses,
                "mode": "lines",
                "name": name,
                "line": {"color": colour, "width": 4 if not place else 2, "dash": dash},
                "hovertemplate": f"{name}<br>step %{{x:,}}: %{{y:.4g}}<extra></extra>",
            }
        )
    low = min((loss for line in lines for loss in line["y"] if loss), default=0.0)  # type: ignore[attr-defined]
    chart: Chart = {
        "data": lines,
        "layout": {
            "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": "training loss, smoothed"}},
            "margin": {"t": 12},
        },
        "height": 360,
    }
    if low > 0:
        chart["scales"] = {"linear": {"yaxis.type": "linear"}, "log": {"yaxis.type": "log"}}
    return chart
