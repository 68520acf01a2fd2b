"""Validation losses that turned while the training loss goes on falling."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from rightrate.watch.course import Course
from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import once, recent
from rightrate.watch.finding import Finding

__all__ = ["Overfitting", "remembered"]

_KEPT = 64
_AFTER = 3
_RISEN = 0.05
_FALLEN = 0.1
_NOISE = 3.0


@dataclass(frozen=True, kw_only=True)
class Overfitting:
    """Says that validation turned: what the run learns since then does not carry over.

    The lowest validation loss is three validations old or more; the median of the last three is above it by
    5 % of what had been gained and by three times the noise between neighbouring validations; and the
    training loss has fallen by a tenth since the turn.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"said": None, "holds": False, "seen": []}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        if not block.validations:
            return (), state
        seen = remembered(state["seen"], block)
        return once({**state, "seen": seen}, _found(block, seen))


def remembered(seen: Sequence[Sequence[float]], block: Block) -> list[list[float]]:
    """Return (step, validation loss, training loss) of at most 64 validations, the lowest and newest kept."""
    level = _level(block.course)
    new = [
        [step, loss, level]
        for step, loss in block.validations
        if math.isfinite(loss) and math.isfinite(level)
    ]
    rows = [*(list(row) for row in seen), *new]
    while len(rows) > _KEPT:
        lowest = min(rows, key=lambda row: row[1])
        rows = [
            row
            for place, row in enumerate(rows)
            if place % 2 == len(rows) % 2 or row is lowest or row is rows[-1]
        ]
    return rows


def _level(course: Course) -> float:
    return course.level(recent(course)) if course.since(recent(course)) else course.start


def _same(level: float, trained: float, gained: float) -> bool:
    """Return whether the training loss hardly fell since the turn."""
    return trained - level < _FALLEN * (trained if trained > 0.0 else gained)


def _found(block: Block, seen: Sequence[Sequence[float]]) -> Finding | None:
    if len(seen) < _AFTER + 1:
        return None
    turn = min(range(len(seen)), key=lambda place: seen[place][1])
    after = seen[turn + 1 :]
    step, lowest, trained = seen[turn]
    if len(after) < _AFTER:
        return None
    now = median(loss for _, loss, _ in after[-_AFTER:])
    level = after[-1][2]
    gained = max(max(loss for _, loss, _ in seen), block.course.start) - lowest
    noise = median(abs(b[1] - a[1]) for a, b in pairwise(after))
    if now - lowest < max(_RISEN * gained, _NOISE * noise / math.sqrt(len(after))) or _same(
        level, trained, gained
    ):
        return None
    text = (
        f"Validation turned at step {step:,.0f}: {lowest:.4g} there, {now:.4g} now, while the training loss "
        f"went from {trained:.4g} to {level:.4g}."
    )
    return Finding(
        verdict="overfitting",
        step=block.last,
        since=min(int(step), block.last),
        text=text,
        advice=f"Stop near step {step:,.0f}, or add data, weight decay, dropout or augmentation.",
        confidence=min(0.95, 0.6 + 0.05 * len(after)),
        evidence={
            "lowest": lowest,
            "now": now,
            "training_at_turn": trained,
            "training_now": level,
            "turn": step,
        },
    )
