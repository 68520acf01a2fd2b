"""The report page: one HTML file that needs no network."""

import os
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rightrate.report.charts import charts
from rightrate.report.picture import figure, svg
from rightrate.report.place import write_page
from rightrate.report.self_contained import data_url, environment, plotly_js, policy, resource, script_json
from rightrate.report.snippet import code
from rightrate.report.text import rate
from rightrate.report.view import objective_label
from rightrate.search.record import Record

__all__ = ["MEANINGS", "page", "save"]

MEANINGS = {
    "found": "The best rates lie well inside the searched range.",
    "edge": "The best rate lies at the end of the searched range; a better one may lie beyond it.",
    "flat": "Within the noise the learning rate does not matter here; any of the good range will do.",
    "diverged": "No learning rate trained this model.",
    "inconclusive": "The evidence is too thin for a firm answer; a larger budget would give more.",
    "interrupted": "The search was stopped before its end; this is what was known by then.",
}
_KINDS = {"range": "range test", "probe": "probe", "confirm": "confirmation"}


def page(record: Record) -> str:
    """Return the report as one HTML page.

    It loads nothing from anywhere: styles, scripts (plotly.js among them, about 4.8 MB) and data are inside,
    and its content security policy forbids all requests and all scripts but its own. The same record gives
    the same page.
    """
    scripts = [plotly_js(), resource("page.js")]
    made = charts(record)
    template = environment().from_string(resource("page.html.jinja"))
    return template.render(
        settings=record.settings,
        answer=record.answer,
        cost=record.cost,
        levels=record.levels,
        provenance=record.provenance,
        trials=sorted(record.trials, key=lambda trial: (trial.rung, trial.lr, trial.seed)),
        metrics=list(dict.fromkeys(name for trial in record.trials for name in trial.metrics)),
        headline=rate(record.answer.lr) if record.answer.lr is not None else record.answer.status,
        label=objective_label(record),
        meaning=MEANINGS[record.answer.status],
        tolerance=f"{100 * record.answer.good.tolerance:g} %",
        code=code(record),
        spent=_spent(record),
        names=list(made),
        charts=Markup(script_json(made)),
        scripts=[Markup(script) for script in scripts],
        css=Markup(resource("page.css")),
        still=data_url(svg(figure(record))),
        policy=policy(scripts),
    )


def save(record: Record, path: str | os.PathLike[str]) -> Path:
    """Write the report page to a file and return its path.

    The file appears whole or not at all: it is written beside its place and then renamed.

    Args:
        record: What to report.
        path: The file to write, in a folder that exists; one that is there already is replaced.

    Raises:
        ConfigError: If the folder does not exist, the path is a folder, or it cannot be written.
    """
    return write_page("save(path=...)", path, lambda: page(record))


def _spent(record: Record) -> dict[str, Any]:
    """Return the bar of what was spent: parts and the budget's mark, in percent of its width."""
    cost, settings = record.cost, record.settings
    length = max(settings.steps, 1)
    whole = max(settings.budget, sum(cost.steps.values()) / length, 1e-9) * 1.02
    parts, used = [], 0.0
    for kind, steps in cost.steps.items():
        width = 100 * steps / length / whole
        css_class = kind if kind in _KINDS else "probe"
        parts.append(
            {
                "kind": css_class,
                "name": _KINDS.get(kind, kind),
                "steps": steps,
                "runs": steps / length,
                "x": round(used, 3),
                "width": round(width, 3),
            }
        )
        used += width
    return {"parts": parts, "budget": round(100 * settings.budget / whole, 3)}
