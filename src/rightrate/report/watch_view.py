"""What a watched run looked like: the plain data that its page, its terminal view and its record share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rightrate.errors import StoreError, describe

__all__ = ["WatchView"]

Rows = Sequence[Mapping[str, Any]]

_NUMBER = int | float
_MAYBE = int | float | None
_ABOUT = {
    "name": str,
    "mode": str,
    "optimizer": str,
    "step": int,
    "total_steps": int | None,
    "multiplier": _NUMBER,
}
_LOGGED = ("steps", "validation", "finding", "act", "note")
_STEPS = {"from": int, "step": int, "loss": _MAYBE, "low": _MAYBE, "high": _MAYBE, "lr": _MAYBE}
_MOST = 2048
_POINT = {"step": _NUMBER, "mean": _MAYBE, "low": _MAYBE, "high": _MAYBE}
_ROWS: Mapping[str, Mapping[str, Any]] = {
    "findings": {
        "step": int,
        "since": int,
        "verdict": str,
        "text": str,
        "advice": str,
        "confidence": _NUMBER,
    },
    "acts": {"step": int, "kind": str, "reason": str, "text": str},
    "edits": {"step": int, "who": str, "before": _MAYBE, "after": _MAYBE},
    "notes": {"step": int, "text": str},
}


@dataclass(frozen=True, kw_only=True)
class WatchView:
    """A watched run, as plain JSON data.

    Args:
        about: What was watched: "name", "mode", "optimizer", "total_steps", "step" (steps taken),
            "chance_loss", "lr" (the newest), "multiplier", "stop_reason", "cut_off" where its process died,
            and what the watcher computed besides the run: "extra_forwards" and "extra_seconds".
        curves: Name to points, each with "step", "mean", "low" and "high" (None where nothing was finite);
            the names are "loss", "lr", "gradient_norm", "update_norm" and "validation".
        findings: Each with "step", "since", "verdict", "text", "advice", "confidence" and "evidence".
        acts: Each with "step", "kind", "reason", "before", "after" and "text".
        edits: Changes of the rate between steps, each with "step", "who", "before" and "after".
        notes: What failed in the watcher itself, each with "step" and "text".
    """

    about: Mapping[str, Any]
    curves: Mapping[str, Rows] = field(default_factory=dict)
    findings: Rows = ()
    acts: Rows = ()
    edits: Rows = ()
    notes: Rows = ()

    @property
    def last_rate(self) -> float | None:
        """The rate at the newest step that was looked at; None if there was none."""
        points = self.curves.get("lr") or [{"mean": None}]
        rate: float | None = self.about.get("lr", points[-1]["mean"])
        return rate

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes."""
        parts = {"findings": self.findings, "acts": self.acts, "edits": self.edits, "notes": self.notes}
        curves = {name: [dict(point) for point in points] for name, points in self.curves.items()}
        return {
            "about": dict(self.about),
            "curves": curves,
            **{name: [dict(row) for row in rows] for name, rows in parts.items()},
        }

    @classmethod
    def from_log(cls, name: str, settings: Mapping[str, Any], rows: Rows) -> "WatchView":
        """Return a run that was cut off, from what it had written to its log until then.

        Args:
            name: What it is called.
            settings: What the watcher was asked, as far as it is known.
            rows: The rows of the log, each with its "what".

        Raises:
            StoreError: If it is not what a watcher writes.
        """
        logged = {what: [row for row in rows if row.get("what") == what] for what in _LOGGED}
        steps = logged["steps"]
        for row in steps:
            _require("In the log of a watched run, steps", row, _STEPS)
        last: Mapping[str, Any] = steps[-1] if steps else {"step": -1, "lr": None}
        data = {
            "about": {
                "name": name,
                "mode": settings.get("mode", "observe"),
                "optimizer": "",
                "step": last["step"] + 1,
                "lr": last["lr"],
                "total_steps": settings.get("total_steps"),
                "multiplier": 1.0,
                "stop_reason": "",
                "cut_off": True,
            },
            "curves": {
                "loss": _thinned(
                    [_point(row["from"], row["loss"], row["low"], row["high"]) for row in steps]
                ),
                "lr": _thinned([_point(row["step"], row["lr"], row["lr"], row["lr"]) for row in steps]),
                "validation": [
                    _point(row.get("step"), *[row.get("value")] * 3) for row in logged["validation"]
                ],
            },
            "findings": logged["finding"],
            "acts": logged["act"],
            "edits": [],
            "notes": logged["note"],
        }
        return cls.from_dict(data)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "WatchView":
        """Return the run that `to_dict` wrote down.

        Raises:
            StoreError: If it is not what `to_dict` writes.
        """
        _require(
            "the record of a watched run",
            data,
            {"about": Mapping, "curves": Mapping, **dict.fromkeys(_ROWS, list)},
        )
        _require("In the record of a watched run, about", data["about"], _ABOUT)
        for name, points in data["curves"].items():
            _require_rows(f"curves[{name!r}]", points, _POINT)
        for name, columns in _ROWS.items():
            _require_rows(name, data[name], columns)
        return cls(**{name: data[name] for name in ("about", "curves", *_ROWS)})


def _point(step: Any, mean: Any, low: Any, high: Any) -> dict[str, Any]:
    return {"step": step, "mean": mean, "low": low, "high": high}


def _thinned(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return at most 2,048 points, each for as many in a row."""
    each = -(-len(points) // _MOST)
    return points if each <= 1 else [_joined(points[i : i + each]) for i in range(0, len(points), each)]


def _joined(points: Rows) -> dict[str, Any]:
    """Return some points in a row as one."""
    finite = [point for point in points if point["mean"] is not None]
    if not finite:
        return dict(points[0])
    low, high = min(point["low"] for point in finite), max(point["high"] for point in finite)
    return _point(points[0]["step"], sum(point["mean"] for point in finite) / len(finite), low, high)


def _require_rows(where: str, rows: Any, columns: Mapping[str, Any]) -> None:
    place = f"In the record of a watched run, {where}"
    if not isinstance(rows, list):
        raise StoreError(describe(place, "a list", type(rows).__name__))
    for row in rows:
        _require(place, row, columns)


def _require(place: str, row: Any, columns: Mapping[str, Any]) -> None:
    """Raise where a row is no mapping, or one of its columns has another type."""
    if not isinstance(row, Mapping):
        raise StoreError(describe(place, "a mapping", type(row).__name__))
    for name, kind in columns.items():
        if not isinstance(row.get(name), kind):
            allowed = getattr(kind, "__name__", str(kind))
            raise StoreError(
                describe(f"{place}, {name!r}", f"of type {allowed}", type(row.get(name)).__name__)
            )
