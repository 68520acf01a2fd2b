"""Losses that rise and stay up."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from rightrate.watch.course import Course
from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import due, level_since, once, recent
from rightrate.watch.finding import Finding
from rightrate.watch.opening import blew_up, opening_level

__all__ = ["Diverging"]

_LEAST_STEPS = 64
_WINDOW = 5
_RISEN = 1.0 / 3.0
_MARGIN = 0.1
_LOST = 0.5
_NOISE = 1.5
_SURE = 3.0


@dataclass(frozen=True, kw_only=True)
class Diverging:
    """Says that the loss has risen, and stays up.

    Either above where it began: for 64 steps and a twelfth of the run so far, by a tenth and by more than the
    noise of single losses; less surely below half of the constant prediction's loss. Or back up: for as long,
    by a third of all that was gained and by three times the noise of the course's parts.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"said": None, "holds": False, "looked": 0, "border": None}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        border = state["border"]
        if border is None and len(block.finite) > 1:
            border = _border(block.finite, block.course.start)
        if border is None or not due(state, block):
            return (), {**state, "border": border}
        finding = _above(block, border) or _back_up(block)
        return once({**state, "looked": block.course.step + 1, "border": border}, finding)


def _border(losses: Sequence[float], start: float) -> float:
    """Return above what a level is above where the run began, from its first losses.

    The noise of single losses is the mean difference of neighbours, over 1.128. Where the run blew up within
    these losses, twice its first loss is the border.
    """
    if blew_up(losses):
        return start + abs(start)
    noise = fmean(abs(b - a) for a, b in pairwise(losses)) / 1.128
    began = opening_level(losses, fmean)
    return began + _MARGIN * abs(began) + _NOISE * noise


def _above(block: Block, border: float) -> Finding | None:
    course = block.course
    last = course.since(recent(course))
    if course.step + 1 < 2 * _LEAST_STEPS or len(last) < _WINDOW:
        return None
    level = median(part.mean for part in last)
    if level <= border or min(part.mean for part in last[-_WINDOW:]) <= course.start:
        return None
    since = level_since(course, course.start)
    text = f"The loss, {level:.4g}, has been above where it began ({course.start:.4g}) since step {since:,}."
    chance = block.facts.chance_loss
    sure = chance is None or level > _LOST * chance
    return _finding(block, since, text, 0.9 if sure else 0.6, {"loss": level, "start": course.start})


def _back_up(block: Block) -> Finding | None:
    course = block.course
    last = course.since(recent(course))
    earlier = course.parts[: len(course.parts) - len(last)]
    if len(last) < _WINDOW or len(earlier) < _WINDOW:
        return None
    means = [part.mean for part in earlier]
    levels = [sorted(means[i : i + _WINDOW])[_WINDOW // 2] for i in range(len(means) - _WINDOW + 1)]
    lowest = min(levels)
    level = median(part.mean for part in last)
    gained = course.start - lowest
    if (
        gained <= 0.0
        or level - lowest < _RISEN * gained
        or min(part.mean for part in last[-_WINDOW:]) <= lowest
        or level - lowest < _SURE * _noise(course)
    ):
        return None
    since = earlier[levels.index(lowest)].last
    text = f"The loss has risen from {lowest:.4g} near step {since:,} to {level:.4g} and stays up."
    return _finding(block, since, text, 0.85, {"loss": level, "lowest": lowest, "start": course.start})


def _noise(course: Course) -> float:
    return median(abs(b.mean - a.mean) for a, b in pairwise(course.parts)) / 0.954


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
