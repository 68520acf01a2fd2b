"""The charts of a watched run: loss, rate, norms and findings over the same steps."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rightrate.report.charts.marks import Chart
from rightrate.report.text import chart_text, rate
from rightrate.report.watch_view import Rows, WatchView

__all__ = ["watch_charts"]

_MARK = {"mode": "markers", "hovertemplate": "%{text}<extra></extra>"}
_SYMBOLS = {
    "skip": "x",
    "rollback": "triangle-left",
    "lower": "triangle-down",
    "stop": "square",
    "undo": "circle",
}


def watch_charts(view: WatchView) -> dict[str, Chart]:
    """Return the charts by name; one that would show nothing is left out."""
    last = max(
        [int(view.about.get("step") or 0), *(int(row["step"]) for row in view.findings), 1],
    )
    made = {
        "loss": _loss(view, last),
        "findings": _findings(view, last),
        "rate": _rate(view, last),
        "norms": _norms(view, last),
    }
    return {name: chart for name, chart in made.items() if chart is not None}


def _loss(view: WatchView, last: int) -> Chart | None:
    points, judged = view.curves.get("loss", ()), view.curves.get("validation", ())
    if not points:
        return None
    data = [*_band(points, "@data-soft"), _line(points, "training loss", "@data")]
    if judged:
        data.append(_line(judged, "validation loss", "@second") | {"mode": "lines+markers"})
    shapes = [_upright(int(row["since"]), "@fail") for row in view.findings if _serious(row)]
    shapes += [_upright(int(row["step"]), "@good") for row in view.acts if row["kind"] != "skip"]
    low, high = _window([*points, *judged])
    made: Chart = {
        "data": data,
        "layout": {**_layout(last, "loss"), "shapes": shapes},
        "height": 380,
    }
    made["layout"]["yaxis"]["range"] = [low, high]
    positive = [row["low"] for row in (*points, *judged) if row["low"] is not None]
    if positive and min(positive) > 0:
        highs = [row["high"] for row in (*points, *judged) if row["high"] is not None]
        ends = [math.log10(min(positive)) - 0.05, math.log10(max(highs)) + 0.05]
        made["scales"] = {
            "linear": {"yaxis.type": "linear", "yaxis.range": [low, high]},
            "log": {"yaxis.type": "log", "yaxis.range": ends},
        }
        made["scale"] = "log" if ends[1] - ends[0] > 2 else "linear"
    return made


def _rate(view: WatchView, last: int) -> Chart | None:
    points = [row for row in view.curves.get("lr", ()) if row["mean"] is not None and row["mean"] > 0]
    if not points:
        return None
    data = [_line(points, "applied rate", "@data") | {"line": {"color": "@data", "width": 2, "shape": "hv"}}]
    edits = [
        (int(row["step"]), f"{row['who']}: {rate(row['before'])} to {rate(row['after'])}")
        for row in view.edits
    ]
    data += _marks("changed by others", edits, points, "diamond", "@second")
    back = {row["step"] for row in view.acts if row["kind"] == "rollback"}
    acts = [row for row in view.acts if row["kind"] != "skip" or row["step"] not in back]
    for kind, symbol in _SYMBOLS.items():
        rows = [(int(row["step"]), row["text"]) for row in acts if row["kind"] == kind]
        data += _marks(f"watcher: {kind}", rows, points, symbol, "@fail" if kind == "stop" else "@good")
    lows = [row["low"] for row in points if row["low"] and row["low"] > 0]
    highs = [row["high"] for row in points]
    ends = [math.log10(min(lows or highs) / 1.5), math.log10(max(highs) * 1.5)]
    layout = _layout(last, "learning rate")
    layout["yaxis"] |= {"range": ends, **_log_axis(ends[1] - ends[0])}
    scales = {
        "log": {"yaxis.type": "log", "yaxis.range": ends},
        "linear": {"yaxis.type": "linear", "yaxis.range": [0.0, 1.05 * max(highs)]},
    }
    return {"data": data, "layout": layout, "height": 320, "scales": scales, "scale": "log"}


def _norms(view: WatchView, last: int) -> Chart | None:
    named = (("gradient_norm", "gradient", "@data"), ("update_norm", "update", "@second"))
    lines = [_line(view.curves[name], text, colour) for name, text, colour in named if view.curves.get(name)]
    if not lines:
        return None
    layout = _layout(last, "norm")
    values = [value for line in lines for value in line["y"] if value is not None and value > 0.0]
    layout["yaxis"] |= _log_axis(math.log10(max(values) / min(values)) if values else 1.0)
    return {"data": lines, "layout": layout, "height": 280}


def _findings(view: WatchView, last: int) -> Chart | None:
    """Return the findings on the axis of steps: from where each began to where it was seen."""
    if not view.findings:
        return None
    kinds = list(dict.fromkeys(str(row["verdict"]) for row in view.findings))
    data = []
    for row in view.findings:
        name = chart_text(str(row["verdict"]))
        colour = "@fail" if _serious(row) else "@second"
        text = chart_text(f"step {row['step']:,}: {row['text']}")
        data.append(
            {
                "x": [int(row["since"]), int(row["step"])],
                "y": [name, name],
                "mode": "lines+markers",
                "line": {"color": colour, "width": 6},
                "marker": {"color": colour, "size": [7, 11], "symbol": ["line-ns-open", "circle"]},
                "text": [text, text],
                "hovertemplate": "%{text}<extra></extra>",
                "showlegend": False,
            }
        )
    layout = _layout(last, "")
    layout["yaxis"] |= {"type": "category", "categoryorder": "array", "categoryarray": kinds[::-1]}
    return {"data": data, "layout": layout, "height": 110 + 34 * len(kinds)}


def _serious(row: Mapping[str, Any]) -> bool:
    return str(row["verdict"]) not in ("converged", "plateau", "too_low", "underfitting")


def _layout(last: int, title: str) -> Chart:
    return {
        "xaxis": {"title": {"text": "step"}, "range": [0, last], "separatethousands": True},
        "yaxis": {"title": {"text": title}},
        "margin": {"t": 16},
        "legend": {"y": -0.25},
    }


def _log_axis(decades: float) -> Chart:
    """Return a logarithmic axis: over a few decades 1, 2 and 5 of each are labelled, over more whole ones."""
    return {"type": "log", "exponentformat": "power", "dtick": "D2" if decades < 2.5 else 1}


def _line(points: Rows, name: str, colour: str) -> Chart:
    return {
        "x": [row["step"] for row in points],
        "y": [row["mean"] for row in points],
        "mode": "lines",
        "name": name,
        "line": {"color": colour, "width": 2},
        "hovertemplate": f"step %{{x:,}}: %{{y:.4g}}<extra>{name}</extra>",
    }


def _band(points: Rows, colour: str) -> list[Chart]:
    """Return the lowest and highest of the steps that a point stands for, where it stands for several."""
    if all(row["low"] == row["high"] for row in points):
        return []
    shared = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    steps = [row["step"] for row in points]
    low = {**shared, "x": steps, "y": [row["low"] for row in points]}
    high = {
        **shared,
        "x": steps,
        "y": [row["high"] for row in points],
        "fill": "tonexty",
        "fillcolor": colour,
    }
    return [low, high]


def _marks(name: str, rows: Sequence[tuple[int, str]], points: Rows, symbol: str, colour: str) -> list[Chart]:
    """Return marks on the curve at the steps of some events."""
    if not rows:
        return []
    return [
        {
            **_MARK,
            "x": [step for step, _ in rows],
            "y": [_at(points, step) for step, _ in rows],
            "text": [chart_text(text) for _, text in rows],
            "name": name,
            "marker": {"color": colour, "size": 11, "symbol": symbol},
        }
    ]


def _at(points: Rows, step: int) -> Any:
    before = [row["mean"] for row in points if row["step"] <= step]
    return before[-1] if before else points[0]["mean"]


def _upright(step: int, colour: str) -> Chart:
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": step, "x1": step, "y0": 0, "y1": 1}
    return {**line, "line": {"color": colour, "width": 1.5, "dash": "dot"}}


def _window(points: Rows) -> tuple[float, float]:
    """Return the losses to show: all but the worst hundredth, so that a spike does not squash the rest."""
    lows = sorted(row["low"] for row in points if row["low"] is not None)
    highs = sorted(row["high"] for row in points if row["high"] is not None)
    if not lows:
        return 0.0, 1.0
    low, high = lows[0], highs[min(len(highs) - 1, math.ceil(0.99 * len(highs)))]
    room = 0.05 * max(high - low, 1e-3 * abs(low), 1e-12)
    return low - room, high + room
