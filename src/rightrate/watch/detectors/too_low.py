"""Rates that are too low: learning has only begun, and goes on steadily."""

import math
from dataclasses import dataclass

from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import due, once, reached
from rightrate.watch.finding import Finding

__all__ = ["TooLow"]

_SHARE, _STEPS = 0.24, 4_000
_GAIN_FROM_CHANCE, _GAIN_FROM_START = 0.4, 0.3
_SURE = 2.0
_BLOWN_UP = 2.0


@dataclass(frozen=True, kw_only=True)
class TooLow:
    """Says that a higher rate would have learned much more by now.

    As long as a rate is so low that the path does not depend on it, twice the rate is twice as far on the
    same path. So the slope of the loss over the logarithm of the step tells what twice the rate would have
    gained. The rate is too low where that gain, near a quarter of the run (after 4,000 steps, where its
    length is unknown), is at least four tenths of all that was learned so far, counted from the constant
    prediction (`chance_loss`), or three tenths counted from where the loss began. It is judged where the rate
    stayed within a factor of two since a quarter of the steps so far, the loss is below where it began and
    never rose to twice that, and the run was not put back: then the steps do not tell how far it is.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"said": None, "holds": False, "looked": 0}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        if not reached(block, share=_SHARE, steps=_STEPS) or not due(state, block):
            return (), state
        return once({**state, "looked": block.course.step + 1}, _finding(block))


def _finding(block: Block) -> Finding | None:
    course, chance = block.course, block.facts.chance_loss
    if not course.whole:
        return None
    now = course.step + 1.0
    trend, half = course.trend(now / 4.0), course.trend(now / 2.0)
    if trend is None or half is None or not course.steady(now / 4.0) or trend.slope > -_SURE * trend.error:
        return None
    highest = max(part.mean for part in course.parts)
    if course.start > 0.0 and highest > _BLOWN_UP * course.start:
        return None
    if trend.level >= course.start:
        return None
    reference = course.start if chance is None else min(chance, course.start)
    learned = reference - course.level(0.85 * now)
    gain = max(-trend.slope, -half.slope)
    share = math.inf if learned <= 0.0 else gain / learned
    if share < (_GAIN_FROM_START if chance is None else _GAIN_FROM_CHANCE):
        return None
    text = (
        f"The loss still falls by {gain:.3g} each time the steps double, as much as "
        f"{share:.0%} of all that was learned so far."
        if learned > 0.0
        else f"The loss falls steadily but has not come below {reference:.4g} yet."
    )
    return Finding(
        verdict="too_low",
        step=block.last,
        since=0,
        text=text,
        advice="Three times the rate is about three times as fast; `rightrate find` tells how far to go.",
        confidence=0.8 if block.facts.total_steps is not None and chance is not None else 0.6,
        evidence={
            "slope": trend.slope,
            "slope_error": trend.error,
            "gain_of_doubling": share,
            "learned": learned,
        },
    )
