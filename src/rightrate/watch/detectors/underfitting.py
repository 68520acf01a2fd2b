"""Training and validation losses that both stand still, close together and high."""

from dataclasses import dataclass
from statistics import median

from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import once, reached
from rightrate.watch.detectors.overfitting import remembered
from rightrate.watch.finding import Finding

__all__ = ["Underfitting"]

_SHARE, _STEPS = 0.5, 10_000
_LAST = 3
_STILL = 0.02
_GAP = 0.1
_HIGH = 0.5
_SURE = 2.0


@dataclass(frozen=True, kw_only=True)
class Underfitting:
    """Says that the model does not even fit its training data, and makes no way any more.

    Half of the run is over (10,000 steps, where its length is unknown); neither the training loss nor the
    last three validations fall by more than 2 % of what was gained as the steps double; validation is no more
    than a tenth of what was gained above training; and half of the loss of a constant prediction is left. It
    takes that loss (`chance_loss`): without it nothing tells a high loss from a low one.
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


def _found(block: Block, seen: list[list[float]]) -> Finding | None:
    course, chance = block.course, block.facts.chance_loss
    if chance is None or len(seen) < 2 * _LAST or not reached(block, share=_SHARE, steps=_STEPS):
        return None
    trend = course.trend(course.step / 2.0)
    if trend is None:
        return None
    gained = course.start - trend.level
    valid, before = (median(row[1] for row in rows) for rows in (seen[-_LAST:], seen[-2 * _LAST : -_LAST]))
    still = abs(trend.slope) + _SURE * trend.error < _STILL * gained and before - valid < _STILL * gained
    high = trend.level > _HIGH * chance
    if gained <= 0.0 or not still or not high or valid - trend.level > _GAP * gained:
        return None
    since = round(course.step / 2.0)
    text = (
        f"Training and validation have stood still since step {since:,}, close together at {trend.level:.4g} "
        f"and {valid:.4g}."
    )
    return Finding(
        verdict="underfitting",
        step=block.last,
        since=min(since, block.last),
        text=text,
        advice="If a lower rate does not go on from here, the model is too small, or its inputs say no more.",
        confidence=0.6,
        evidence={"training": trend.level, "validation": valid, "slope": trend.slope, "gained": gained},
    )
