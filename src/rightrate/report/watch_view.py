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
            "chance_loss", "multiplier", "stop_reason", and what the watcher computed besides the run:
            "extra_forwards" and "extra_seconds".
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
