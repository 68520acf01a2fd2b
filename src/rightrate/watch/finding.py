"""What a detector says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rightrate import _check
from rightrate.errors import ConfigError, describe

__all__ = ["Finding", "Verdict"]

Verdict = Literal[
    "non_finite",
    "spike",
    "diverging",
    "collapsed",
    "too_high",
    "too_low",
    "plateau",
    "converged",
    "overfitting",
    "underfitting",
    "dead_layers",
    "rate_not_applied",
    "groups_still",
    "scheduler_misplaced",
    "rate_edited",
]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something a detector found, with the numbers that speak for it.

    Args:
        verdict: What was found.
        step: The newest step that was looked at when it was found.
        since: The first step of which it is true.
        text: One sentence for people.
        advice: What to do, one sentence.
        confidence: How sure it is, in [0, 1].
        evidence: Numbers by name, all finite: a number that is not is left out.

    Raises:
        ConfigError: If the confidence is outside [0, 1], or `since` is after `step`.
    """

    verdict: Verdict
    step: int
    since: int
    text: str
    advice: str
    confidence: float
    evidence: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check.number("Finding(confidence=...)", self.confidence, low=0.0, high=1.0)
        if self.since > self.step:
            raise ConfigError(describe("Finding(since=...)", f"at most step={self.step}", self.since))
        kept = {name: float(value) for name, value in self.evidence.items() if math.isfinite(value)}
        object.__setattr__(self, "evidence", kept)

    def __str__(self) -> str:
        return f"{self.text} {self.advice}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return {
            "verdict": self.verdict,
            "step": self.step,
            "since": self.since,
            "text": self.text,
            "advice": self.advice,
            "confidence": self.confidence,
            "evidence": dict(self.evidence),
        }
