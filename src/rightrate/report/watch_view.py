"""What a watched run looked like: the plain data that its page, its terminal view and its record share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["WatchView"]

Rows = Sequence[Mapping[str, Any]]


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
        """Return the run that `to_dict` wrote down."""
        return cls(**data)
