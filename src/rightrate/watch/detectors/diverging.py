"""Losses that rise and stay up."""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import due, level_since, once, recent
from rightrate.watch.finding import Finding

__all__ = ["Diverging"]

_LEAST_STEPS = 64
_WINDOW = 5
_RISEN = 1.0 / 3.0
_MARGIN = 0.1


@dataclass(frozen=True, kw_only=True)
class Diverging:
    """Says that the loss has risen, and stays up.

    Either above where it began: for 64 steps and a twelfth of the run so far, by a tenth and by more than the
    noise of single losses. Or back up: it has lost a third of all it had gained, for as long.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"said": False, "looked": 0, "noise": None}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        noise = state["noise"]
        if noise is None and len(block.losses) > 1:
            noise = _noise([loss for loss in block.losses if math.isfinite(loss)])
        if not due(state, block):
            return (), {**state, "noise": noise}
        finding = _above(block, noise or 0.0) or _back_up(block)
        return once({**state, "looked": block.course.step + 1, "noise": noise}, finding)


def _noise(losses: list[float]) -> float | None:
    """Return the standard deviation of single losses, from the differences of neighbours."""
    steps = [abs(b - a) for a, b in pairwise(losses)]
    return median(steps) / 0.954 if steps else None


def _above(block: Block, noise: float) -> Finding | None:
    course = block.course
    last = course.since(recent(course))
    if course.step + 1 < 2 * _LEAST_STEPS or len(last) < _WINDOW:
        return None
    start = course.start
    cap = abs(start) if start > 0.0 else math.inf
    border = start + _MARGIN * abs(start) + min(3.0 * noise, cap)
    level = median(part.mean for part in last)
    if level <= border or min(part.mean for part in last[-_WINDOW:]) <= start:
        return None
    since = level_since(course, start)
    text = f"The loss, {level:.4g}, has been above where it began ({start:.4g}) since step {since:,}."
    return _finding(block, since, text, 0.9, {"loss": level, "start": start})


def _back_up(block: Block) -> Finding | None:
    course = block.course
    last = course.since(recent(course))
    earlier = [part for part in course.parts if part.first < recent(course)]
    if len(last) < _WINDOW or len(earlier) < _WINDOW:
        return None
    levels = [median(p.mean for p in earlier[i : i + _WINDOW]) for i in range(len(earlier) - _WINDOW + 1)]
    lowest = min(levels)
    level = median(part.mean for part in last)
    gained = course.start - lowest
    if gained <= 0.0 or level - lowest < _RISEN * gained or min(p.mean for p in last[-_WINDOW:]) <= lowest:
        return None
    since = earlier[levels.index(lowest)].last
    text = f"The loss has risen from {lowest:.4g} near step {since:,} to {level:.4g} and stays up."
    return _finding(block, since, text, 0.85, {"loss": level, "lowest": lowest, "start": course.start})


def _finding(block: Block, since: int, text: str, confidence: float, evidence: dict[str, float]) -> Finding:
    return Finding(
        verdict="diverging",
        step=block.last,
        since=min(since, block.last),
        text=text,
        advice="Go back to a snapshot from before it and cut the learning rate, by a factor of three to ten.",
        confidence=confidence,
        evidence=evidence,
    )
