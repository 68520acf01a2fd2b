"""The study's results as plain data, small enough to be kept with the project."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.study.parts import Part
from rightrate.comparison import Comparison
from rightrate.report.compare_view import trials_at
from rightrate.search.compare_record import CompareRecord, Difference, RateReading

__all__ = ["summary"]


def summary(part: Part, result: Comparison) -> dict[str, Any]:
    """Return what one part came to: every optimizer, schedule and rate, means over the seeds."""
    record = result.record
    data = {
        "title": part.title,
        "status": result.status,
        "message": result.message,
        "steps": record.settings.run.steps,
        "seeds": list(record.settings.seeds),
        "untrained": record.analysis.levels.untrained,
        "runs": len(record.trials),
        "readings": [_reading(record, reading) for reading in record.analysis.readings],
        "best": [
            {**asdict(item.contender), "lr": item.lr, "edge": item.edge} for item in record.analysis.best
        ],
        "found": [
            {**asdict(item.contender), "lr": item.lr, "status": item.status} for item in record.settings.found
        ],
        "differences": [_difference(item) for item in record.analysis.differences],
        "optimizers": [
            {
                "optimizer": item.optimizer,
                "step_milliseconds": 1000 * (item.step_seconds or math.nan),
                "state_bytes": item.state_bytes,
            }
            for item in record.facts
        ],
        "run_equivalents": record.cost.run_equivalents,
        "train_seconds": record.cost.seconds["train"],
        "versions": dict(record.provenance.versions),
    }
    rounded: dict[str, Any] = _rounded(data)
    return rounded


def _reading(record: CompareRecord, reading: RateReading) -> dict[str, Any]:
    trials = trials_at(record, reading.contender, reading.lr)
    names = list(trials[0].valid)
    return {
        **asdict(reading.contender),
        "lr": reading.lr,
        "regret": reading.regret,
        "kind": reading.kind,
        "fitting": reading.fitting.kind,
        "turned_step": reading.fitting.turned_step,
        "valid": {name: [trial.valid[name] for trial in trials] for name in names},
        "train": {name: [trial.seen[name] for trial in trials] for name in names},
    }


def _difference(item: Difference) -> dict[str, Any]:
    return {
        "better": asdict(item.better),
        "worse": asdict(item.worse),
        "mean": item.mean,
        "low": item.low,
        "high": item.high,
        "chance": item.chance,
    }


def _rounded(value: Any) -> Any:
    """Return plain data with six significant digits; what is not finite is None."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
