"""The classic range test beside the probe."""

import math

from rightrate.report.charts.marks import Chart, area, lr_axis, note, upright
from rightrate.report.text import chart_text, rate
from rightrate.report.view import (
    Window,
    classic_reading,
    mean_by_rate,
    objective_label,
    reached,
    rounds,
    smoothed,
    value_window,
)
from rightrate.search.record import Record, Trial

__all__ = ["range_chart"]


def range_chart(record: Record) -> Chart | None:
    """Return the range test above the last round on one axis; None where no range test was recorded."""
    trial = next((trial for trial in record.trials if trial.kind == "range" and trial.curve.lr), None)
    if trial is None:
        return None
    stages = rounds(record)
    rates = [lr for lr in trial.curve.lr if lr > 0] + [t.lr for stage in stages for t in stage.trials]
    if not rates:
        return None
    lrs = Window(low=min(rates) / 1.4, high=max(rates) * 1.4)
    label = chart_text(objective_label(record))
    data, window = _test(trial)
    below = value_window(record)
    layout: Chart = {
        "xaxis": lr_axis(lrs, anchor="y2"),
        "yaxis": {"title": {"text": "training loss<br>while lr grows"}, "domain": [0.55, 1]},
        "yaxis2": {"title": {"text": f"{label}<br>after a run"}, "domain": [0, 0.45]},
        "shapes": [],
        "annotations": [],
        "margin": {"t": 34},
    }
    layout["yaxis"]["range"], layout["yaxis2"]["range"] = [window.low, window.high], [below.low, below.high]
    classic = classic_reading(trial.curve)
    if classic is not None:
        layout["shapes"].append(upright(classic, "@second", width=2, dash="dash") | {"y0": 0.55})
        layout["annotations"].append(
            note(f"range test says {rate(classic)}", classic, lrs, colour="@second", y=1.0)
        )
    if record.answer.lr is not None:
        layout["shapes"].append(upright(record.answer.lr, "@good", width=2.5, dash="solid") | {"y1": 0.45})
        text = f"runs say {rate(record.answer.lr)}"
        layout["annotations"].append(note(text, record.answer.lr, lrs, colour="@good", y=0.45))
    good = record.answer.good
    if good.low is not None and good.high is not None:
        layout["shapes"].append(area(lrs.clip(good.low), lrs.clip(good.high), "@good-soft") | {"y1": 0.45})
    return {"data": [*data, *_after(record, label)], "layout": layout, "height": 470}


def _test(trial: Trial) -> tuple[list[Chart], Window]:
    """Return the raw and the smoothed loss of the range test, and the losses to show."""
    pairs = [(lr, loss) for lr, loss in zip(trial.curve.lr, trial.curve.train, strict=False) if lr > 0]
    lrs = [lr for lr, _ in pairs]
    raw = [loss if math.isfinite(loss) else None for _, loss in pairs]
    smooth = [loss if math.isfinite(loss) else None for loss in smoothed([loss for _, loss in pairs])]
    shown = [loss for loss in smooth if loss is not None] or [0.0, 1.0]
    span = max(shown[0] - min(shown), 0.05 * abs(shown[0]), 1e-9)
    window = Window(low=min(shown) - 0.15 * span, high=max(shown[0], min(shown)) + 0.35 * span)
    faint = {"x": lrs, "y": raw, "mode": "lines", "line": {"color": "@second-soft", "width": 1}}
    line = {"x": lrs, "y": smooth, "mode": "lines", "line": {"color": "@second", "width": 2}}
    line |= {"name": "range test", "showlegend": False}
    line["hovertemplate"] = "at lr %{x:.3g}: %{y:.4g}<extra></extra>"
    return [faint | {"hoverinfo": "skip", "showlegend": False}, line], window


def _after(record: Record, label: str) -> list[Chart]:
    stages = rounds(record)
    lines = []
    for number, stage in enumerate(stages, start=1):
        means = mean_by_rate((trial.lr, reached(record, trial)) for trial in stage.trials)
        colour = f"@stages:{number / len(stages):.3f}"
        lines.append(
            {
                "x": [lr for lr, _ in means],
                "y": [number if math.isfinite(number) else None for _, number in means],
                "yaxis": "y2",
                "mode": "lines+markers",
                "line": {"color": colour, "width": 1.5},
                "marker": {"color": colour, "size": 6},
                "name": f"{stage.name}: {stage.steps:,} steps",
                "showlegend": False,
                "hovertemplate": f"lr %{{x:.3g}}<br>{label} %{{y:.4g}}<extra></extra>",
            }
        )
    return lines
