"""The report page of a comparison: one HTML file that needs no network."""

import os
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rightrate.report.charts.compare_curves import best_curves_chart, kinds_chart
from rightrate.report.charts.compare_objective import compare_objective_chart
from rightrate.report.charts.compare_rows import (
    differences_chart,
    fitting_chart,
    reached_chart,
    sensitivity_chart,
)
from rightrate.report.charts.marks import Chart
from rightrate.report.compare_picture import compare_figure
from rightrate.report.compare_tables import best_table, same_table
from rightrate.report.compare_text import chance_text, contender_text
from rightrate.report.html import MEANINGS
from rightrate.report.picture import svg
from rightrate.report.place import write_page
from rightrate.report.self_contained import data_url, environment, plotly_js, policy, resource, script_json
from rightrate.report.text import count, duration, rate, value
from rightrate.search.compare_record import CompareRecord

__all__ = ["compare_charts", "compare_page", "compare_snippet", "save_comparison"]


def compare_charts(record: CompareRecord) -> dict[str, Chart]:
    """Return the charts by name; one that would show nothing is left out."""
    if not record.trials:
        return {}
    made: dict[str, Chart | None] = {
        "objective": compare_objective_chart(record),
        "curves": best_curves_chart(record),
        "differences": differences_chart(record),
        "kinds": kinds_chart(record),
        "fitting": fitting_chart(record),
        "sensitivity": sensitivity_chart(record),
        "reached": reached_chart(record),
    }
    return {name: chart for name, chart in made.items() if chart is not None}


def compare_page(record: CompareRecord) -> str:
    """Return the report as one HTML page; the same record gives the same page."""
    scripts = [plotly_js(), resource("page.js"), resource("compare.js")]
    made = compare_charts(record)
    settings, run, analysis = record.settings, record.settings.run, record.analysis
    best = analysis.best[0] if analysis.best and record.answer.status != "diverged" else None
    template = environment().from_string(resource("compare.html.jinja"))
    return template.render(
        run=run,
        settings=settings,
        answer=record.answer,
        meaning=_meaning(record),
        headline=contender_text(settings, best.contender) if best else record.answer.status,
        best=best,
        seeds=", ".join(str(seed) for seed in settings.seeds),
        varied=_varied(record),
        levels=analysis.levels,
        label=f"validation {run.objective}",
        tolerance=f"{100 * settings.tolerance:g} %",
        tables=[
            (heading, text, table)
            for heading, text, table in (
                ("Each at its own best rate", _BEST, best_table(record)),
                ("All at the same rate", _SAME, same_table(record)),
            )
            if table is not None
        ],
        pairs=_pairs(record),
        facts=record.facts,
        trials=sorted(record.trials, key=lambda trial: (trial.contender, trial.lr, trial.seed)),
        metrics=list(dict.fromkeys(name for trial in record.trials for name in trial.valid)),
        several=(len(settings.optimizers) > 1, len(settings.schedules) > 1),
        cost=record.cost,
        provenance=record.provenance,
        names=list(made),
        charts=Markup(script_json(made)),
        scripts=[Markup(script) for script in scripts],
        css=Markup(resource("page.css") + resource("compare.css")),
        still=data_url(svg(compare_figure(record))) if made else "",
        policy=policy(scripts),
    )


def save_comparison(record: CompareRecord, path: str | os.PathLike[str]) -> Path:
    """Write the report page to a file, whole or not at all, and return its path.

    Args:
        record: What to report.
        path: The file to write, in a folder that exists; one that is there already is replaced.

    Raises:
        ConfigError: If the folder does not exist, the path is a folder, or it cannot be written.
    """
    return write_page("save_report(path=...)", path, lambda: compare_page(record))


def compare_snippet(record: CompareRecord) -> str:
    """Return a compact table with the main picture, for `_repr_html_`; all text is escaped."""
    run, cost = record.settings.run, record.cost
    seeds = ", ".join(str(seed) for seed in record.settings.seeds)
    rows = [
        ("for", f"{run.task}, {count(run.steps)} steps, seeds {seeds}"),
        *[
            (contender_text(record.settings, best.contender), f"{value(best.mean)} at {rate(best.lr)}")
            for best in record.analysis.best
        ],
        ("cost", f"{cost.run_equivalents:.2f} runs, {duration(cost.seconds.get('total'))}"),
        *[("" if number else "why", reason) for number, reason in enumerate(record.answer.reasons)],
    ]
    return (
        environment()
        .from_string(_SNIPPET)
        .render(
            answer=record.answer,
            rows=rows,
            image=data_url(svg(compare_figure(record))) if record.trials else "",
            label=f"{run.objective} against learning rate",
        )
    )


_MEANINGS = {
    "diverged": "Nothing trained.",
    "edge": "A better rate may lie beyond those that were tried.",
    "found": "The best rate lies inside those that were tried.",
}
_BEST = "What each can do: the rate with the best mean over the seeds. Click a column to sort."
_SAME = "What happens to those whose rate was tuned for another. The best at each rate stands out."
_SNIPPET = (
    '<div><p style="margin:0 0 6px"><strong>{{ answer.status }}</strong>: {{ answer.message }}</p>'
    '<table style="margin:0 0 8px">{% for name, text in rows %}<tr>'
    '<th style="text-align:left;padding:2px 18px 2px 0;font-weight:500">{{ name }}</th>'
    '<td style="text-align:left">{{ text }}</td></tr>{% endfor %}</table>'
    '{% if image %}<img alt="{{ label }}" style="max-width:100%;width:760px;border-radius:6px" '
    'src="{{ image }}">{% endif %}</div>'
)


def _meaning(record: CompareRecord) -> str:
    """Return what the status means, in one sentence."""
    status, best = record.answer.status, record.analysis.best
    if status == "found":
        tried = [item.lr for item in record.analysis.readings if item.contender == best[0].contender]
        if not min(tried) < best[0].lr < max(tried):
            return "Too few rates were tried to say whether a better one lies beyond them."
    return _MEANINGS.get(status, MEANINGS[status])


def _varied(record: CompareRecord) -> list[str]:
    """Return what was varied, and the one value of what was not."""
    settings = record.settings
    optimizers, schedules, lrs = settings.optimizers, settings.schedules, settings.lrs
    said = [f"{len(optimizers)} optimizers" if len(optimizers) > 1 else optimizers[0]]
    said.append(f"{len(schedules)} schedules" if len(schedules) > 1 else f"{schedules[0]} schedule")
    return [*said, f"{len(lrs)} rates" if len(lrs) > 1 else f"rate {lrs[0]}"]


def _pairs(record: CompareRecord) -> list[dict[str, Any]]:
    """Return every pair of contenders, and what the seeds say about it."""
    seeds = len(record.settings.seeds)
    return [
        {
            "better": contender_text(record.settings, item.better),
            "worse": contender_text(record.settings, item.worse),
            "mean": item.mean,
            "low": item.low,
            "high": item.high,
            "chance": item.chance,
            "said": chance_text(item, seeds),
        }
        for item in record.analysis.differences
    ]
