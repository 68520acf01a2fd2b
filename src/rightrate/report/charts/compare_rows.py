"""Charts with one row for each contender: sensitivity, time, training against validation, differences."""

import math
from collections.abc import Sequence

from rightrate.report.charts.marks import Chart
from rightrate.report.compare_text import chance_text, contender_text
from rightrate.report.compare_view import Look, looks, trials_at
from rightrate.report.text import chart_text, count, duration, rate, value
from rightrate.search.compare_record import CompareRecord, Difference

__all__ = ["differences_chart", "fitting_chart", "reached_chart", "sensitivity_chart"]


def sensitivity_chart(record: CompareRecord) -> Chart | None:
    """Return the mean excess of every contender over its rates, the least sensitive first."""
    by_contender = {look.contender: look for look in looks(record)}
    rows = [(by_contender[item.contender], item) for item in record.analysis.sensitivities]
    if len(rows) < 2:
        return None
    data = [
        {
            **_bar(look, place, item.mean),
            "hovertemplate": f"<b>{look.name}</b><br>mean excess {value(item.mean)} from "
            f"{rate(item.lrs[0])} to {rate(item.lrs[-1])}<extra></extra>",
        }
        for place, (look, item) in enumerate(rows)
    ]
    title = chart_text(f"mean excess {record.settings.run.objective}")
    return _rows(data, [look.name for look, _ in rows], title)


def reached_chart(record: CompareRecord) -> Chart | None:
    """Return the steps that every contender took to the target."""
    by_contender = {look.contender: look for look in looks(record)}
    rows = [
        (by_contender[item.contender], item.steps, item.seconds)
        for item in record.analysis.reached
        if item.steps is not None
    ]
    rows.sort(key=lambda row: row[1])
    if not rows:
        return None
    data = [
        {
            **_bar(look, place, steps),
            "text": [f"{count(round(steps))}" + (f", {duration(seconds)}" if seconds is not None else "")],
            "textposition": "auto",
            "hovertemplate": f"<b>{look.name}</b><br>{count(round(steps))} steps<extra></extra>",
        }
        for place, (look, steps, seconds) in enumerate(rows)
    ]
    return _rows(data, [look.name for look, _, _ in rows], "steps")


def fitting_chart(record: CompareRecord) -> Chart | None:
    """Return training and validation loss at the end, each contender at its own best rate."""
    shown = [
        (look, best)
        for look in looks(record)
        for best in record.analysis.best
        if best.contender == look.contender
    ]
    data: list[Chart] = []
    notes: list[Chart] = []
    for place, (look, best) in enumerate(shown):
        trials = trials_at(record, look.contender, best.lr)
        ends = [_mean([getattr(trial, which)["loss"] for trial in trials]) for which in ("seen", "valid")]
        reading = record.analysis.reading(best.contender, best.lr)
        if reading is None or not all(map(math.isfinite, ends)):
            continue
        data += _dumbbell(look, place, ends)
        turned = reading.fitting.turned_step
        text = reading.fitting.kind if turned is None else f"{reading.fitting.kind} from step {count(turned)}"
        notes.append(
            {
                "x": max(ends),
                "y": place,
                "xanchor": "left",
                "yanchor": "middle",
                "xshift": 12,
                "text": text,
                "showarrow": False,
                "font": {"color": "@muted", "size": 12},
            }
        )
    if not data:
        return None
    chart = _rows(data, [look.name for look, _ in shown], "loss at the end")
    chart["layout"]["annotations"] = notes
    levels = [number for line in data for number in line["x"]]
    room = max(levels) - min(levels) or abs(max(levels)) or 1.0
    chart["layout"]["xaxis"]["range"] = [min(levels) - 0.06 * room, max(levels) + 0.5 * room]
    return chart


def differences_chart(record: CompareRecord) -> Chart | None:
    """Return how far every other contender is behind the best one, with its interval."""
    best = record.analysis.best
    shown = [item for item in record.analysis.differences if item.better == best[0].contender] if best else []
    if not shown:
        return None
    by_contender = {look.contender: look for look in looks(record)}
    data = [_interval(record, by_contender[item.worse], place, item) for place, item in enumerate(shown)]
    first = chart_text(contender_text(record.settings, best[0].contender))
    title = f"behind {first}, in {chart_text(record.settings.run.objective)}"
    chart = _rows(data, [by_contender[item.worse].name for item in shown], title)
    chart["layout"]["shapes"] = [
        {"type": "line", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1}
        | {"line": {"color": "@muted", "width": 1.2, "dash": "dot"}}
    ]
    return chart


def _rows(data: Sequence[Chart], names: Sequence[str], title: str) -> Chart:
    return {
        "data": list(data),
        "layout": {
            "xaxis": {"title": {"text": title}},
            "yaxis": {
                "tickmode": "array",
                "tickvals": list(range(len(names))),
                "ticktext": list(names),
                "range": [len(names) - 0.4, -0.6],
                "showgrid": False,
                "fixedrange": True,
            },
            "showlegend": False,
            "barmode": "overlay",
            "margin": {"t": 12},
        },
        "height": 120 + 30 * len(names),
    }


def _bar(look: Look, place: int, number: float) -> Chart:
    return {
        "type": "bar",
        "orientation": "h",
        "x": [number],
        "y": [place],
        "width": 0.62,
        "marker": {"color": look.colour},
        "legendgroup": look.group,
        "showlegend": False,
    }


def _dumbbell(look: Look, place: int, ends: Sequence[float]) -> list[Chart]:
    seen, valid = ends
    line: Chart = {
        "x": [seen, valid],
        "y": [place, place],
        "mode": "lines",
        "line": {"color": look.colour, "width": 3},
        "opacity": 0.5,
        "legendgroup": look.group,
        "showlegend": False,
        "hoverinfo": "skip",
    }
    dots: list[Chart] = [
        {
            "x": [number],
            "y": [place],
            "mode": "markers",
            "name": name,
            "legendgroup": look.group,
            "showlegend": False,
            "marker": {
                "color": look.colour,
                "size": 11,
                "symbol": symbol,
                "line": {"width": 2, "color": look.colour},
            },
            "hovertemplate": f"<b>{look.name}</b><br>{name} loss {value(number)}<extra></extra>",
        }
        for name, number, symbol in (("training", seen, "circle-open"), ("validation", valid, "circle"))
    ]
    return [line, *dots]


def _interval(record: CompareRecord, look: Look, place: int, item: Difference) -> Chart:
    said = chart_text(chance_text(item, len(record.settings.seeds)))
    return {
        "x": [item.mean],
        "y": [place],
        "mode": "markers",
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [item.high - item.mean],
            "arrayminus": [item.mean - item.low],
            "color": look.colour,
            "thickness": 2.2,
            "width": 5,
        },
        "marker": {"color": look.colour, "size": 10, "symbol": "circle" if item.apart else "circle-open"},
        "legendgroup": look.group,
        "showlegend": False,
        "hovertemplate": f"<b>{look.name}</b> is behind by {value(item.mean)}<br>"
        f"{value(item.low)} to {value(item.high)}<br>{said}<extra></extra>",
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
