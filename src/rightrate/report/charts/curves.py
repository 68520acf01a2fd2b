"""Learning curves of all members, coloured by learning rate."""

import math
from collections.abc import Sequence

from rightrate.report.charts.marks import Chart
from rightrate.report.text import rate
from rightrate.report.view import Round, rounds, thinned
from rightrate.search.record import Record, Trial

__all__ = ["curves_chart"]

_POINTS = 12_000


def curves_chart(record: Record) -> Chart | None:
    """Return the training loss of every member against its steps; None where no curve was recorded."""
    stages = [
        Round(name=stage.name, steps=stage.steps, trials=tuple(t for t in stage.trials if t.curve.steps))
        for stage in rounds(record)
    ]
    stages = [stage for stage in stages if stage.trials]
    if not stages:
        return None
    points = min(max(_POINTS // sum(len(stage.trials) for stage in stages), 24), 100)
    data = []
    for number, stage in enumerate(stages):
        lines = [_line(record, trial, stage, points) for trial in stage.trials]
        data += [line | {"meta": number, "visible": number == len(stages) - 1} for line in lines]
    low, high = _loss_range(stages[-1].trials)
    return {
        "data": data,
        "layout": {
            "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": "training loss"}, "range": [low, high]},
            "legend": {"title": {"text": "learning rate"}, "traceorder": "normal"},
            "hovermode": "closest",
            "margin": {"t": 20},
        },
        "height": 440,
        "scales": _scales(stages, low, high),
        "stages": [f"{stage.name}: {stage.steps:,} steps" for stage in stages],
        "tall_legend": True,
    }


def _line(record: Record, trial: Trial, stage: Round, points: int) -> Chart:
    """Return one curve; the colours span the learning rates of its round."""
    rates, chosen = [other.lr for other in stage.trials], record.answer.lr
    span = math.log(max(rates) / min(rates))
    place = math.log(trial.lr / min(rates)) / span if span else 0.5
    nearest = None if chosen is None else min(rates, key=lambda lr: abs(math.log(lr / chosen)))
    steps, train = thinned(trial.curve.steps, trial.curve.train, points)
    name = rate(trial.lr)
    return {
        "x": steps,
        "y": train,
        "mode": "lines",
        "name": f"<b>{name}</b>" if trial.lr == nearest else name,
        "legendgroup": repr(trial.lr),
        "legendrank": 1000 + round(1000 * (1 - place)),
        "line": {"color": f"@rates:{place:.3f}", "width": 3 if trial.lr == nearest else 1.4},
        "hovertemplate": f"lr {name}, seed {trial.seed}<br>step %{{x}}: %{{y:.4g}}<extra></extra>",
    }


def _scales(stages: Sequence[Round], low: float, high: float) -> Chart | None:
    """Return the loss axis as `linear` and `log`; None where a loss is not above zero."""
    losses = [loss for stage in stages for trial in stage.trials for loss in trial.curve.train]
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite or min(finite) <= 0 or high <= 0:
        return None
    return {
        "linear": {"yaxis.type": "linear", "yaxis.range": [low, high]},
        "log": {
            "yaxis.type": "log",
            "yaxis.range": [math.log10(min(finite)) - 0.05, math.log10(high) + 0.02],
        },
    }


def _loss_range(trials: Sequence[Trial]) -> tuple[float, float]:
    """Return the losses to show: from the lowest to somewhat above where the members start."""
    finite = [number for trial in trials for number in trial.curve.train if math.isfinite(number)]
    if not finite:
        return 0.0, 1.0
    starts = sorted(trial.curve.train[0] for trial in trials if math.isfinite(trial.curve.train[0]))
    low = min(finite)
    start = starts[len(starts) // 2] if starts else max(finite)
    high = max(start, low + 1e-12) + 0.15 * max(start - low, 1e-3 * abs(start), 1e-12)
    return low - 0.05 * (high - low), high
