"""`docs/study.md`, filled in from the results."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from jinja2 import Environment, StrictUndefined

from rightrate.report.text import duration, rate

__all__ = ["index", "page"]

_HERE = Path(__file__).parent
Results = Mapping[str, Mapping[str, Any]]


def page(results: Results) -> str:
    """Return the page for the results of all parts."""
    return _rendered("study.md.jinja", results)


def index(results: Results) -> str:
    """Return the HTML page that leads to the parts' reports."""
    return _rendered("study.html.jinja", results, autoescape=True)


def _rendered(name: str, results: Results, *, autoescape: bool = False) -> str:
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=autoescape,
    )
    environment.filters |= {"rate": rate, "duration": duration, "loss": _loss, "percent": _percent}
    gains, (gain,) = _gains(results["schedules"]), _gains(results["closer"])
    template = environment.from_string((_HERE / name).read_text("utf-8"))
    return template.render(
        parts=results,
        adam=_by_rate(results["adam"]),
        best_adam=_best_adam(results),
        same=_same_and_found(results["optimizers"]),
        schedules=_scheduled(results["schedules"]),
        gains=gains,
        closer=_side_by_side(results["closer"]),
        gain=gain,
        helped=[name for name, found in (("RMSProp", gains[1]), ("Adam", gain)) if found["low"] > 0],
        first=results["schedules"]["best"][0],
    )


def _loss(number: float) -> str:
    return f"{number:.2f}"


def _percent(number: float) -> str:
    return f"{100 * number:.1f} %"


def _row(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reading with means in the place of seeds."""
    means = {
        f"{which}_{name}": _mean(reading[which][name])
        for which in ("valid", "train")
        for name in reading[which]
    }
    return {**reading, **means}


def _mean(values: Sequence[float | None]) -> float:
    return math.nan if any(value is None for value in values) else mean(map(float, values))  # type: ignore[arg-type]


def _by_rate(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_row(reading) for reading in sorted(part["readings"], key=lambda reading: -reading["lr"])]


def _at(part: Mapping[str, Any], optimizer: str, schedule: str, lr: float) -> dict[str, Any]:
    return next(
        _row(reading)
        for reading in part["readings"]
        if (reading["optimizer"], reading["schedule"], reading["lr"]) == (optimizer, schedule, lr)
    )


def _best_adam(results: Results) -> dict[str, Any]:
    """Return Adam at its best constant rate of all that any part trained."""
    rows = [
        _row(reading)
        for part in results.values()
        for reading in part["readings"]
        if (reading["optimizer"], reading["schedule"]) == ("adam", "constant")
    ]
    return min(rows, key=lambda row: row["valid_loss"])


def _same_and_found(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each optimizer at 0.001 and at its found rate, the best at its found rate first."""
    rows = [
        {
            "optimizer": found["optimizer"],
            "same": _at(part, found["optimizer"], "constant", 0.001),
            "found": _at(part, found["optimizer"], "constant", found["lr"]),
        }
        for found in part["found"]
    ]
    return sorted(rows, key=lambda row: row["found"]["valid_loss"])


def _side_by_side(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each rate what one optimizer reaches at it under each schedule, the lowest rate first."""
    rows = [_row(reading) for reading in part["readings"]]
    lrs = sorted({row["lr"] for row in rows})
    return [{"lr": lr, **{row["schedule"]: row for row in rows if row["lr"] == lr}} for lr in lrs]


def _scheduled(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each optimizer under each schedule at its best rate, the best first."""
    return [
        {**_at(part, best["optimizer"], best["schedule"], best["lr"]), "edge": best["edge"]}
        for best in part["best"]
    ]


def _gains(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each optimizer its best schedule that decays, and how far it is from the constant rate."""
    rows = _scheduled(part)
    found = []
    for optimizer in dict.fromkeys(reading["optimizer"] for reading in part["readings"]):
        own = [row for row in rows if row["optimizer"] == optimizer]
        constant = next(row for row in own if row["schedule"] == "constant")
        decaying = next(row for row in own if row["schedule"] != "constant")
        found.append({"constant": constant, "best": decaying, **_difference(part, constant, decaying)})
    return found


def _difference(
    part: Mapping[str, Any], constant: Mapping[str, Any], other: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the schedule gains over the constant rate, with its interval; negative where it loses."""
    names = [{"optimizer": row["optimizer"], "schedule": row["schedule"]} for row in (other, constant)]
    for item in part["differences"]:
        if [item["better"], item["worse"]] == names:
            return {"gain": item["mean"], "low": item["low"], "high": item["high"], "chance": item["chance"]}
        if [item["worse"], item["better"]] == names:
            return {
                "gain": -item["mean"],
                "low": -item["high"],
                "high": -item["low"],
                "chance": item["chance"],
            }
    raise LookupError(f"no difference between {names[0]} and {names[1]}")
