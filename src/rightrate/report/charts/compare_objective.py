"""The main picture of a comparison: the objective against the learning rate, all contenders in one."""

import math

from rightrate.report.charts.marks import Chart, lr_axis
from rightrate.report.compare_view import Look, looks, lr_window, value_window
from rightrate.report.text import chart_text, rate, value
from rightrate.report.view import Window
from rightrate.search.compare_record import CompareRecord, RateReading

__all__ = ["compare_objective_chart"]


def compare_objective_chart(record: CompareRecord) -> Chart:
    """Return the objective after training against the rate: means, the span over seeds, every run."""
    lrs, values = lr_window(record), value_window(record)
    data: list[Chart] = []
    for look in looks(record):
        data += _contender(record, look, values)
    data += _failed(record, values)
    run = record.settings.run
    label = chart_text(f"validation {run.objective}")
    return {
        "data": data,
        "layout": {
            "xaxis": lr_axis(lrs),
            "yaxis": {"title": {"text": f"{label} after training"}, "range": [values.low, values.high]},
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
            "shapes": _untrained(record, values),
            "annotations": _untrained_note(record, values),
            "margin": {"t": 24},
        },
        "height": 480,
        **_scale(record, values),
    }


def _contender(record: CompareRecord, look: Look, values: Window) -> list[Chart]:
    """Return one contender's line, the span of its seeds, and a dot for each run; its best rate is larger."""
    found = [item for item in record.analysis.readings if item.contender == look.contender]
    best = next(item.lr for item in record.analysis.best if item.contender == look.contender)
    shown = [item for item in found if any(map(math.isfinite, item.values))]
    label = chart_text(f"validation {record.settings.run.objective}")
    line: Chart = {
        "x": [item.lr for item in shown],
        "y": [item.mean if math.isfinite(item.mean) else None for item in shown],
        "mode": "lines+markers",
        "name": look.name,
        "legendgroup": look.group,
        "line": {"color": look.colour, "width": 2.5, "dash": look.dash},
        "marker": {
            "color": look.colour,
            "size": [13 if item.lr == best else 7 for item in shown],
            "symbol": ["star" if item.lr == best else "circle" for item in shown],
            "line": {"color": "@paper", "width": 1},
        },
        "customdata": [[rate(item.lr), _regret(item), item.kind, item.fitting.kind] for item in shown],
        "hovertemplate": f"<b>{look.name}</b> at %{{customdata[0]}}<br>{label} %{{y:.4g}}, mean over seeds"
        "<br>%{customdata[2]}: regret %{customdata[1]}<br>%{customdata[3]}<extra></extra>",
    }
    return [line, *_span(shown, look, values), _runs(record, shown, look, label)]


def _span(shown: list[RateReading], look: Look, values: Window) -> list[Chart]:
    """Return the area between the lowest and the highest seed."""
    whole = [item for item in shown if math.isfinite(item.mean)]
    far = values.high - values.low
    outer = Window(low=values.low - far, high=values.high + far)
    edges: list[Chart] = [
        {
            "x": [item.lr for item in whole],
            "y": [outer.clip(end(item.values)) for item in whole],
            "mode": "lines",
            "line": {"width": 0},
            "hoverinfo": "skip",
            "legendgroup": look.group,
            "showlegend": False,
        }
        for end in (min, max)
    ]
    edges[1] |= {"fill": "tonexty", "fillcolor": look.soft}
    return edges


def _runs(record: CompareRecord, shown: list[RateReading], look: Look, label: str) -> Chart:
    points = [
        (item.lr, number, seed)
        for item in shown
        for number, seed in zip(item.values, record.settings.seeds, strict=False)
        if math.isfinite(number)
    ]
    return {
        "x": [lr for lr, _, _ in points],
        "y": [number for _, number, _ in points],
        "mode": "markers",
        "marker": {"color": look.colour, "size": 4, "opacity": 0.55},
        "legendgroup": look.group,
        "showlegend": False,
        "customdata": [[rate(lr), seed] for lr, _, seed in points],
        "hovertemplate": f"{look.name} at %{{customdata[0]}}<br>{label} %{{y:.4g}}, seed %{{customdata[1]}}"
        "<extra></extra>",
    }


def _failed(record: CompareRecord, values: Window) -> list[Chart]:
    """Return marks at the far end for runs that failed or ended outside the window."""
    smaller = record.settings.run.direction == "min"
    data: list[Chart] = []
    for look in looks(record):
        rows = [
            (item.lr, number, seed)
            for item in record.analysis.readings
            if item.contender == look.contender
            for number, seed in zip(item.values, record.settings.seeds, strict=False)
            if not values.holds(number)
        ]
        if not rows:
            continue
        data.append(
            {
                "x": [lr for lr, _, _ in rows],
                "y": [0.975 if smaller else 0.025] * len(rows),
                "yaxis": "y2",
                "mode": "markers",
                "marker": {
                    "symbol": "x-thin",
                    "size": 8,
                    "color": look.colour,
                    "line": {"color": look.colour, "width": 1.8},
                },
                "legendgroup": look.group,
                "showlegend": False,
                "customdata": [[rate(lr), value(number), seed] for lr, number, seed in rows],
                "hovertemplate": f"{look.name} at %{{customdata[0]}}<br>%{{customdata[1]}}, "
                "seed %{customdata[2]}<extra></extra>",
            }
        )
    return data


def _untrained(record: CompareRecord, values: Window) -> list[Chart]:
    level = record.analysis.levels.untrained
    if not values.holds(level):
        return []
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": level, "y1": level}
    return [{**across, "line": {"color": "@muted", "width": 1.2, "dash": "dot"}}]


def _untrained_note(record: CompareRecord, values: Window) -> list[Chart]:
    level = record.analysis.levels.untrained
    if not math.isfinite(level):
        return []
    text, smaller = f"untrained: {value(level)}", record.settings.run.direction == "min"
    inside = values.holds(level)
    place: Chart = {"y": level, "yref": "y"} if inside else {"y": 1 if smaller else 0, "yref": "paper"}
    if not inside:
        text += " (above)" if smaller else " (below)"
    anchor = "bottom" if inside == smaller else "top"
    return [
        {
            **place,
            "x": 0.005,
            "xref": "paper",
            "xanchor": "left",
            "yanchor": anchor,
            "text": text,
            "showarrow": False,
            "font": {"color": "@muted", "size": 12},
        }
    ]


def _scale(record: CompareRecord, values: Window) -> Chart:
    """Return the value axis as `linear` and `log`, and which comes first; nothing where no logarithm fits."""
    numbers = [number for item in record.analysis.readings for number in item.values if values.holds(number)]
    if not numbers or min(numbers) <= 0 or record.settings.run.direction == "max":
        return {}
    low, high = math.log10(min(numbers)), math.log10(values.high)
    return {
        "scale": "log" if high - low > 1 else "linear",
        "scales": {
            "linear": {"yaxis.type": "linear", "yaxis.range": [values.low, values.high]},
            "log": {"yaxis.type": "log", "yaxis.range": [low - 0.07 * (high - low), high]},
        },
    }


def _regret(reading: RateReading) -> str:
    return f"{100 * reading.regret:.2g} %".replace("%", "&#37;")
