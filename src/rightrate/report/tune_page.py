"""The report page of a tuning: one HTML file that needs no network."""

import os
from pathlib import Path
from typing import Any

from markupsafe import Markup

from rightrate.report.charts.curves import curves_chart
from rightrate.report.charts.marks import Chart
from rightrate.report.charts.narrowing import rounds_chart
from rightrate.report.charts.objective import objective_chart
from rightrate.report.charts.population import lineage_chart, progress_chart, rates_chart
from rightrate.report.charts.schedule import replay_chart, schedule_chart
from rightrate.report.html import MEANINGS
from rightrate.report.picture import figure, svg
from rightrate.report.place import write_page
from rightrate.report.self_contained import data_url, environment, plotly_js, policy, resource, script_json
from rightrate.report.text import duration, rate, value
from rightrate.report.tune_view import as_record, segments, slow_members
from rightrate.schedules import from_dict
from rightrate.search.tune_record import TuneRecord, rates_change

__all__ = ["save_tune", "tune_charts", "tune_page", "tune_snippet"]

METHODS = {
    "grid": "grid search",
    "halving": "successive halving",
    "pbt": "population-based training",
    "bayes": "Bayesian optimisation",
}


def tune_charts(record: TuneRecord) -> dict[str, Chart]:
    """Return the charts by name; one that would show nothing is left out."""
    if not record.rounds:
        return {}
    plain = as_record(record)
    made: dict[str, Chart | None] = {"objective": objective_chart(plain)}
    if rates_change(record.rounds):
        made["progress"] = progress_chart(record)
        made["rates"] = rates_chart(record)
        made["lineage"] = lineage_chart(record)
        made["replay"] = replay_chart(record)
    else:
        made["curves"] = curves_chart(plain)
        made["rounds"] = rounds_chart(plain) if len({trial.rung for trial in plain.trials}) > 1 else None
        made["schedule"] = schedule_chart(record)
    return {name: chart for name, chart in made.items() if chart is not None}


def tune_page(record: TuneRecord) -> str:
    """Return the report as one HTML page; the same record gives the same page."""
    scripts = [plotly_js(), resource("page.js"), resource("tune.js")]
    made = tune_charts(record)
    run, answer = record.settings.run, record.answer
    template = environment().from_string(resource("tune.html.jinja"))
    return template.render(
        run=run,
        method=METHODS.get(record.settings.method, record.settings.method),
        options=_options(record),
        answer=answer,
        meaning=MEANINGS[answer.status],
        headline=value(answer.score) if answer.score is not None else answer.status,
        label=f"validation {run.objective}",
        rates=_rates(record),
        moving=rates_change(record.rounds),
        slow=sorted(slow_members(record)),
        annealed=any(done.anneal_steps for done in record.rounds),
        replays=record.replays,
        levels=record.levels,
        cost=record.cost,
        provenance=record.provenance,
        table=_table(record),
        code=_code(record),
        names=list(made),
        charts=Markup(script_json(made)),
        scripts=[Markup(script) for script in scripts],
        css=Markup(resource("page.css")),
        still=data_url(svg(figure(as_record(record)))) if record.rounds else "",
        policy=policy(scripts),
    )


def save_tune(record: TuneRecord, path: str | os.PathLike[str]) -> Path:
    """Write the report page to a file, whole or not at all, and return its path.

    Args:
        record: What to report.
        path: The file to write, in a folder that exists; one that is there already is replaced.

    Raises:
        ConfigError: If the folder does not exist, the path is a folder, or it cannot be written.
    """
    return write_page("save_report(path=...)", path, lambda: tune_page(record))


def tune_snippet(record: TuneRecord) -> str:
    """Return a compact table with the main picture, for `_repr_html_`; all text is escaped."""
    run, cost = record.settings.run, record.cost
    rows = [
        ("for", f"{run.task}, {run.optimizer}, {run.schedule}, {run.steps:,} steps"),
        ("method", METHODS.get(record.settings.method, record.settings.method)),
        ("learning rate", _rates(record)),
        ("cost", f"{cost.run_equivalents:.2f} runs, {duration(cost.seconds.get('total'))}"),
        *[("" if number else "why", reason) for number, reason in enumerate(record.answer.reasons)],
    ]
    image = data_url(svg(figure(as_record(record)))) if record.rounds else ""
    return (
        environment()
        .from_string(_SNIPPET)
        .render(
            headline=value(record.answer.score) if record.answer.score is not None else "no winner",
            answer=record.answer,
            rows=rows,
            image=image,
            label=f"{run.objective} against learning rate",
        )
    )


_SNIPPET = (
    '<div><p style="margin:0 0 6px"><strong style="font-size:1.5em">{{ headline }}</strong> '
    "&nbsp;{{ answer.status }}: {{ answer.message }}</p>"
    '<table style="margin:0 0 8px">{% for name, text in rows %}<tr>'
    '<th style="text-align:left;padding:2px 18px 2px 0;font-weight:500">{{ name }}</th>'
    '<td style="text-align:left">{{ text }}</td></tr>{% endfor %}</table>'
    '{% if image %}<img alt="{{ label }}" style="max-width:100%;width:760px;border-radius:6px" '
    'src="{{ image }}">{% endif %}</div>'
)


def _rates(record: TuneRecord) -> str:
    """Return the winner's rate, or where its rates lay."""
    lrs = [segment.lr for segment in segments(record) if segment.winner]
    if not lrs:
        return "none"
    low, high = min(lrs), max(lrs)
    return rate(low) if low == high else f"{rate(low)} – {rate(high)}"


def _options(record: TuneRecord) -> str:
    """Return the method's own settings that are set, as people read them."""
    shown = []
    for name, setting in record.settings.options.items():
        if setting is None or setting == () or setting == []:
            continue
        text = ", ".join(f"{item:g}" for item in setting) if isinstance(setting, (list, tuple)) else setting
        shown.append(f"{name.replace('_', ' ')} {text}")
    return "; ".join(shown)


def _table(record: TuneRecord) -> dict[str, Any]:
    """Return the rows of all members, with the columns in which they differ alone."""
    members = [
        (number, place, done, item)
        for number, done in enumerate(record.rounds)
        for place, item in enumerate(done.members)
    ]
    metrics = list(dict.fromkeys(name for _, _, _, item in members for name in item.metrics))
    decays = len({item.weight_decay for _, _, _, item in members}) > 1
    annealed = any(item.annealed is not None for _, _, _, item in members)
    taken = any(done.take is not None for done in record.rounds)
    winners = set(record.answer.path)
    rows = [
        {
            "winner": (number, place) in winners,
            "round": number + 1,
            "member": place + 1,
            "parent": "" if done.take is None else done.take[place] + 1,
            "steps": done.end,
            "lr": item.lr,
            "weight_decay": item.weight_decay,
            "annealed": item.annealed,
            "metrics": [item.metrics.get(name) for name in metrics],
        }
        for number, place, done, item in members
    ]
    several = len(record.rounds) > 1
    return {
        "rows": rows,
        "metrics": metrics,
        "decays": decays,
        "annealed": annealed,
        "taken": taken,
        "several": several,
    }


def _code(record: TuneRecord) -> str:
    """Return Python lines that train with the schedule that was found."""
    if record.answer.schedule is None:
        return "# There is no learning rate to use."
    text = from_dict(record.answer.schedule).text()
    return "\n".join(
        [
            "from rightrate.schedules import parse",
            "",
            f'schedule = parse("{text}")',
            "scheduler = schedule.torch(optimizer)",
            "",
            "# after every optimizer.step():",
            "# scheduler.step()",
        ]
    )
