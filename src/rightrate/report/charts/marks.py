"""What charts share: the axis of learning rates, and the answer drawn into it."""

import math
from typing import Any

from rightrate.report.text import rate
from rightrate.report.view import Window, decade_ticks
from rightrate.search.record import Record

__all__ = ["Chart", "answer_marks", "area", "lr_axis", "note", "upright"]

Chart = dict[str, Any]
"""Plotly's `data` and `layout`, a `height` in pixels, and what the page's script needs besides."""


def lr_axis(window: Window, **more: Any) -> Chart:
    """Return a logarithmic axis of learning rates."""
    ticks = decade_ticks(window)
    return {
        "type": "log",
        "range": [math.log10(window.low), math.log10(window.high)],
        "tickmode": "array",
        "tickvals": [lr for lr, _ in ticks],
        "ticktext": [label for _, label in ticks],
        "title": {"text": "learning rate"},
        **more,
    }


def answer_marks(record: Record, lrs: Window) -> tuple[list[Chart], list[Chart]]:
    """Return shapes and labels: the good range, the recommended rate, and where training fails."""
    answer = record.answer
    good, cliff = answer.good, answer.cliff
    shapes: list[Chart] = []
    notes: list[Chart] = []
    if cliff.lowest_failed is not None and lrs.holds(cliff.lowest_failed):
        shapes.append(area(cliff.lowest_failed, lrs.high, "@fail-soft"))
        height = 0.05 if record.settings.direction == "min" else 0.88
        notes.append(note("training fails", cliff.lowest_failed, lrs, colour="@fail", y=height, aside=True))
    if cliff.max_stable is not None and lrs.holds(cliff.max_stable):
        shapes.append(upright(cliff.max_stable, "@fail", width=1.5, dash="dash"))
        text = f"still trains at {rate(cliff.max_stable)}"
        notes.append(note(text, cliff.max_stable, lrs, colour="@fail", y=1.075))
    if good.low is not None and good.high is not None:
        shapes.append(area(lrs.clip(good.low), lrs.clip(good.high), "@good-soft"))
    if answer.lr is not None:
        shapes.append(upright(answer.lr, "@good", width=2.5, dash="solid"))
        text = f"<b>{rate(answer.lr)}</b> recommended"
        notes.append(note(text, answer.lr, lrs, colour="@good", y=1.0))
    return shapes, notes


def area(low: float, high: float, colour: str) -> Chart:
    """Return a shaded interval of learning rates."""
    across = {"type": "rect", "xref": "x", "yref": "paper", "x0": low, "x1": high, "y0": 0, "y1": 1}
    return {**across, "fillcolor": colour, "line": {"width": 0}, "layer": "below"}


def upright(lr: float, colour: str, *, width: float, dash: str) -> Chart:
    """Return a vertical line at a learning rate."""
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": lr, "x1": lr, "y0": 0, "y1": 1}
    return {**line, "line": {"color": colour, "width": width, "dash": dash}}


def note(text: str, lr: float, lrs: Window, *, colour: str, y: float, aside: bool = False) -> Chart:
    """Return a label at a learning rate; near an edge it leans inwards."""
    place = math.log(lr / lrs.low) / math.log(lrs.high / lrs.low)
    anchor = "right" if place > 0.8 else "left" if aside or place < 0.2 else "center"
    spot = {"x": math.log10(lr), "xref": "x", "y": y, "yref": "paper", "yanchor": "bottom", "xanchor": anchor}
    return {**spot, "text": text, "showarrow": False, "font": {"color": colour, "size": 14}}
