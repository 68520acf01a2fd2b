"""What a notebook shows for an answer."""

import base64

from markupsafe import Markup

from rightrate.report.picture import figure, svg
from rightrate.report.text import duration, rate
from rightrate.search.record import Record

__all__ = ["html_snippet"]

_ROW = Markup(
    '<tr><th style="text-align:left;padding:2px 18px 2px 0;font-weight:500">{}</th>'
    '<td style="text-align:left">{}</td></tr>'
)
_FRAME = Markup(
    '<div><p style="margin:0 0 6px"><strong style="font-size:1.5em">{lr}</strong> '
    "&nbsp;{status}: {message}</p>"
    '<table style="margin:0 0 8px">{rows}</table>'
    '<img alt="{label}" style="max-width:100%;width:760px;border-radius:6px" src="{image}"></div>'
)


def html_snippet(record: Record) -> str:
    """Return a compact table with the main picture, for `_repr_html_`; all text is escaped."""
    answer, cost, good = record.answer, record.cost, record.answer.good
    known = good.low is not None and good.high is not None
    cliff = rate(answer.cliff.max_stable)
    if answer.cliff.lowest_failed is not None:
        cliff += f" (fails at {rate(answer.cliff.lowest_failed)})"
    settings = record.settings
    rows = [
        ("for", f"{settings.task}, {settings.optimizer}, {settings.schedule}, {settings.steps:,} steps"),
        ("good range", f"{rate(good.low)} – {rate(good.high)}" if known else "not known"),
        ("largest that trains", cliff if answer.cliff.max_stable is not None else "not measured"),
        ("cost", f"{cost.run_equivalents:.2f} runs, {duration(cost.seconds.get('total'))}"),
        *[("" if number else "why", reason) for number, reason in enumerate(answer.reasons)],
    ]
    image = base64.b64encode(svg(figure(record)).encode()).decode()
    return str(
        _FRAME.format(
            lr=rate(answer.lr) if answer.lr is not None else "no learning rate",
            status=answer.status,
            message=answer.message,
            rows=Markup("").join(_ROW.format(name, text) for name, text in rows),
            label=f"{settings.objective} after training against learning rate",
            image=f"data:image/svg+xml;base64,{image}",
        )
    )
