"""The rounds: which rates were trained for how long."""

import math
from collections.abc import Sequence

from rightrate.report.charts.marks import Chart, lr_axis, note, upright
from rightrate.report.text import chart_text, rate, value
from rightrate.report.view import Window, lr_window, objective_label, reached, rounds, value_window
from rightrate.search.record import Record

__all__ = ["rounds_chart"]


def rounds_chart(record: Record) -> Chart | None:
    """Return which rates were trained for how long, shaded by what they reached; None without trials."""
    stages = rounds(record)
    if not stages:
        return None
    data: list[Chart] = []
    values = value_window(record)
    label = chart_text(objective_label(record))
    for row, stage in enumerate(stages):
        seeds = sorted({trial.seed for trial in stage.trials})
        shift = {seed: 0.16 * (place - (len(seeds) - 1) / 2) for place, seed in enumerate(seeds)}
        rows = [(trial, reached(record, trial)) for trial in stage.trials]
        shades = _shades([number for _, number in rows], record, values)
        data.append(
            {
                "x": [trial.lr for trial, _ in rows],
                "y": [row + shift[trial.seed] for trial, _ in rows],
                "mode": "markers",
                "marker": {
                    "opacity": 1,
                    "symbol": ["x-thin" if shade is None else "circle" for shade in shades],
                    "size": [8 if shade is None else 11 for shade in shades],
                    "color": ["@fail" if shade is None else f"@merit:{shade:.3f}" for shade in shades],
                    "line": {
                        "color": ["@fail" if shade is None else "@edge" for shade in shades],
                        "width": 1.2,
                    },
                },
                "customdata": [[rate(trial.lr), value(number), trial.seed] for trial, number in rows],
                "hovertemplate": f"lr %{{customdata[0]}}<br>{label} %{{customdata[1]}}<br>{stage.name}, "
                f"{stage.steps:,} steps, seed %{{customdata[2]}}<extra></extra>",
                "showlegend": False,
            }
        )
    lrs = lr_window(record)
    lr = record.answer.lr
    axis = {
        "range": [len(stages) - 0.5, -0.5],
        "tickvals": list(range(len(stages))),
        "ticktext": [f"{stage.name}<br>{stage.steps:,} steps" for stage in stages],
        "showgrid": False,
        "fixedrange": True,
    }
    layout = {
        "xaxis": lr_axis(lrs),
        "yaxis": axis,
        "shapes": [] if lr is None else [upright(lr, "@good", width=2, dash="solid") | {"layer": "below"}],
        "annotations": [] if lr is None else [note(rate(lr), lr, lrs, colour="@good", y=1.0)],
        "margin": {"t": 30},
    }
    return {"data": data, "layout": layout, "height": 130 + 62 * len(stages)}


def _shades(numbers: Sequence[float], record: Record, values: Window) -> list[float | None]:
    """Return 1 for the best of a round down to 0 for the worst that is shown; None for a failed one."""
    sign = 1.0 if record.settings.direction == "min" else -1.0
    inside = [sign * number for number in numbers if values.holds(number)]
    best = min(inside, default=0.0)
    level = sign * record.levels.untrained
    worst = level if math.isfinite(level) and level > best else max(inside, default=1.0)
    span = max(worst - best, 1e-12)
    return [
        min(max(1 - (sign * number - best) / span, 0.0), 1.0) if values.holds(number) else None
        for number in numbers
    ]
