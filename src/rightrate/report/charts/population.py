"""A population over time: what its members reach, their rates, and who went on from whom."""

import math
from collections.abc import Sequence

from rightrate.report.charts.marks import Chart, lr_axis
from rightrate.report.text import chart_text, rate, value
from rightrate.report.tune_view import Segment, segments, slow_members
from rightrate.report.view import Window
from rightrate.search.tune_record import TuneRecord

__all__ = ["lineage_chart", "progress_chart", "rates_chart"]

_FAINT = 0.45


def progress_chart(record: TuneRecord) -> Chart:
    """Return the objective of every member at the end of every round; the winner's ancestors are bold."""
    every = segments(record)
    label = chart_text(f"validation {record.settings.run.objective}")
    lines = []
    for member, own in _by_member(every).items():
        line = _faint(record, member) | {
            "x": [segment.end for segment in own],
            "y": [_number(segment.value) for segment in own],
            "customdata": [[rate(segment.lr), value(segment.value)] for segment in own],
            "hovertemplate": f"member {member + 1}, step %{{x:,}}<br>lr %{{customdata[0]}}<br>"
            f"{label} %{{customdata[1]}}<extra></extra>",
        }
        lines.append(line)
    path = [segment for segment in every if segment.winner]
    bold = _bold() | {
        "x": [segment.end for segment in path],
        "y": [_number(segment.value) for segment in path],
        "customdata": [[segment.member + 1, rate(segment.lr), value(segment.value)] for segment in path],
        "hovertemplate": "the winner, as member %{customdata[0]}, step %{x:,}<br>lr %{customdata[1]}<br>"
        f"{label} %{{customdata[2]}}<extra></extra>",
    }
    low, high = _window(every, record.levels.untrained)
    layout = {
        "xaxis": {"title": {"text": "step"}, "range": [0, _length(record)]},
        "yaxis": {"title": {"text": label}, "range": [low, high]},
        "margin": {"t": 12},
    }
    chart: Chart = {"data": [*_legend(record), *lines, bold], "layout": layout, "height": 400}
    lowest = min((segment.value for segment in every if segment.value > 0), default=0.0)
    if lowest > 0 and low >= 0 and high > lowest and record.settings.run.direction == "min":
        chart["scales"] = {
            "linear": {"yaxis.type": "linear", "yaxis.range": [low, high]},
            "log": {"yaxis.type": "log", "yaxis.range": [math.log10(lowest) - 0.05, math.log10(high)]},
        }
        chart["scale"] = "log"
    return chart


def rates_chart(record: TuneRecord) -> Chart:
    """Return the rate of every member over time, on a logarithmic axis; the winner's schedule is bold."""
    every = segments(record)
    lines = []
    for member, own in _by_member(every).items():
        line = _faint(record, member) | {
            "x": [step for segment in own for step in (segment.start, segment.end)],
            "y": [segment.lr for segment in own for _ in range(2)],
            "hovertemplate": f"member {member + 1}, step %{{x:,}}<br>lr %{{y:.3g}}<extra></extra>",
        }
        lines.append(line)
    path = [segment for segment in every if segment.winner]
    bold = _bold() | {
        "x": [step for segment in path for step in (segment.start, segment.end)],
        "y": [segment.lr for segment in path for _ in range(2)],
        "hovertemplate": "the winner, step %{x:,}<br>lr %{y:.3g}<extra></extra>",
    }
    return {
        "data": [*_legend(record), *lines, bold],
        "layout": {
            "xaxis": {"title": {"text": "step"}, "range": [0, _length(record)]},
            "yaxis": _log_axis([segment.lr for segment in every]),
            "margin": {"t": 12},
        },
        "height": 400,
    }


def lineage_chart(record: TuneRecord) -> Chart:
    """Return the tree of descent: a row for each place, a line from every member to whom it went on from.

    Dots are shaded by how good a member was in its round; those that nobody went on from end there.
    """
    every = segments(record)
    places = {(segment.round, segment.member): segment for segment in every}
    links: dict[bool, tuple[list[float | None], list[float | None]]] = {False: ([], []), True: ([], [])}
    for segment in every:
        take = record.rounds[segment.round].take
        x, y = links[segment.winner]
        if take is None:
            x += [segment.start, segment.end, None]
            y += [segment.member + 1, segment.member + 1, None]
            continue
        parent = places[segment.round - 1, take[segment.member]]
        x += [parent.end, segment.end, None]
        y += [parent.member + 1, segment.member + 1, None]
    data: list[Chart] = [
        {
            "x": x,
            "y": y,
            "mode": "lines",
            "line": {"color": "@good" if winner else "@edge", "width": 3.5 if winner else 1.5},
            "hoverinfo": "skip",
            "name": "the winner's descent",
            "showlegend": winner,
        }
        for winner, (x, y) in links.items()
    ]
    return {
        "data": [*data, *_dots(record, every)],
        "layout": {
            "xaxis": {"title": {"text": "step"}, "range": [0, 1.015 * _length(record)]},
            "yaxis": {
                "title": {"text": "member"},
                "range": [max(segment.member for segment in every) + 1.6, 0.4],
                "dtick": 1,
                "showgrid": False,
                "fixedrange": True,
            },
            "margin": {"t": 12},
        },
        "height": 150 + 30 * len(_by_member(every)),
    }


def _dots(record: TuneRecord, every: Sequence[Segment]) -> list[Chart]:
    label = chart_text(f"validation {record.settings.run.objective}")
    sign = 1.0 if record.settings.run.direction == "min" else -1.0
    shades: dict[tuple[int, int], float | None] = {}
    for number in range(len(record.rounds)):
        own = [segment for segment in every if segment.round == number]
        ranked = sorted((s for s in own if math.isfinite(s.value)), key=lambda s: sign * s.value)
        for place, segment in enumerate(ranked):
            shades[number, segment.member] = 1 - place / max(1, len(ranked) - 1)
    marks = [shades.get((segment.round, segment.member)) for segment in every]
    return [
        {
            "x": [segment.end for segment in every],
            "y": [segment.member + 1 for segment in every],
            "mode": "markers",
            "marker": {
                "opacity": 1,
                "size": [8 if mark is None else 10 for mark in marks],
                "symbol": ["x-thin" if mark is None else "circle" for mark in marks],
                "color": ["@fail" if mark is None else f"@merit:{mark:.3f}" for mark in marks],
                "line": {"color": ["@fail" if mark is None else "@edge" for mark in marks], "width": 1.2},
            },
            "customdata": [[segment.member + 1, rate(segment.lr), value(segment.value)] for segment in every],
            "hovertemplate": "member %{customdata[0]}, step %{x:,}<br>lr %{customdata[1]}<br>"
            f"{label} %{{customdata[2]}}<extra></extra>",
            "showlegend": False,
        }
    ]


def _by_member(every: Sequence[Segment]) -> dict[int, list[Segment]]:
    found: dict[int, list[Segment]] = {}
    for segment in every:
        found.setdefault(segment.member, []).append(segment)
    return found


def _faint(record: TuneRecord, member: int) -> Chart:
    slow = member in slow_members(record)
    return {
        "mode": "lines",
        "line": {"color": "@second" if slow else "@data", "width": 1.3},
        "opacity": _FAINT,
        "legendgroup": f"member {member}",
        "showlegend": False,
    }


def _bold() -> Chart:
    return {
        "mode": "lines",
        "line": {"color": "@good", "width": 3},
        "name": "the winner and all it descends from",
        "legendgroup": "winner",
    }


def _legend(record: TuneRecord) -> list[Chart]:
    """Return the legend of the faint lines, as no line that is drawn."""
    kinds = [("members", "@data")]
    if slow_members(record):
        kinds = [("greedy members", "@data"), ("slow members", "@second")]
    return [
        {"x": [None], "y": [None], "mode": "lines", "name": name, "line": {"color": colour, "width": 1.5}}
        for name, colour in kinds
    ]


def _length(record: TuneRecord) -> int:
    return max(done.end for done in record.rounds)


def _number(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _window(every: Sequence[Segment], untrained: float) -> tuple[float, float]:
    """Return the values to show: all that learned something, and the untrained level where it is near."""
    finite = sorted(segment.value for segment in every if math.isfinite(segment.value))
    if not finite:
        return 0.0, 1.0
    low, high = finite[0], finite[-1]
    if math.isfinite(untrained):
        low, high = max(low, min(untrained, finite[0])), min(high, max(untrained, finite[len(finite) // 2]))
    span = max(high - low, 1e-9 * max(1.0, abs(high)))
    return max(low - 0.06 * span, 0.0 if low >= 0 else -math.inf), high + 0.06 * span


def _log_axis(lrs: Sequence[float]) -> Chart:
    return lr_axis(Window(low=min(lrs) / 1.5, high=max(lrs) * 1.5))
