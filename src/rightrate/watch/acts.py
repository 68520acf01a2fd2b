"""What the watcher did to a run: acts, with reason, before and after."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rightrate import _check
from rightrate.errors import RightrateError

__all__ = ["Act", "Acting", "Kind", "TrainingStoppedError"]

Kind = Literal["skip", "rollback", "lower", "stop", "undo"]


class TrainingStoppedError(RightrateError):
    """Training is over by the watcher's judgement; raised only where `Acting(stop="raise")` asks for it."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing the watcher did.

    Args:
        kind: "skip", "rollback", "lower", "stop", or "undo" of one of these.
        step: The optimizer steps taken by then.
        reason: What was seen, one sentence.
        before: Numbers before it: the multiplier of the rate, and what else it changed.
        after: The same after it.
    """

    kind: Kind
    step: int
    reason: str
    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What was done, and why."""
        changes = [
            f"{name} {self.before.get(name, math.nan):g} to {value:g}" for name, value in self.after.items()
        ]
        return self.kind + (f" ({', '.join(changes)})" if changes else "") + f": {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        numbers = {"before": dict(self.before), "after": dict(self.after)}
        return {"kind": self.kind, "step": self.step, "reason": self.reason, **numbers}

    def __str__(self) -> str:
        return f"step {self.step:,}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class Acting:
    """How far `mode="act"` may go.

    Args:
        rescues: The most roll-backs; after them the run is stopped with a report, >= 0.
        cut: What a roll-back multiplies the rate by, in (0, 1]; 1 leaves it. It is applied twice where the
            run had not learned anything yet, because then the rate was never right.
        lower: What a plateau multiplies the rate by, in (0, 1]; 1 leaves plateaus alone.
        snapshot_steps: Steps between snapshots, >= 1; None takes a twentieth of the run, or 200.
        skip_steps: Steps that are skipped after a roll-back, so that the batches around a spike pass, >= 0.
        keep: "memory", or a folder in which snapshots are written.
        stop: "flag" sets `should_stop`; "raise" raises `TrainingStoppedError` from `observe` as well.
    """

    rescues: int = 5
    cut: float = 0.2
    lower: float = 0.3
    snapshot_steps: int | None = None
    skip_steps: int = 0
    keep: str = "memory"
    stop: Literal["flag", "raise"] = "flag"

    def __post_init__(self) -> None:
        _check.integer("Acting(rescues=...)", self.rescues, low=0)
        for name, factor in (("cut", self.cut), ("lower", self.lower)):
            _check.number(f"Acting({name}=...)", factor, above=0.0, high=1.0)
        if self.snapshot_steps is not None:
            _check.integer("Acting(snapshot_steps=...)", self.snapshot_steps, low=1)
        _check.integer("Acting(skip_steps=...)", self.skip_steps, low=0)
        _check.choice("Acting(stop=...)", self.stop, ("flag", "raise"))
