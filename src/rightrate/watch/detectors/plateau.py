"""Losses that stand still."""

import math
from dataclasses import dataclass

from rightrate.watch.course import Course, Trend
from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import due, once
from rightrate.watch.finding import Finding

__all__ = ["Plateau"]

_LEAST_STEPS = 500
_STILL, _STILL_OF_LEVEL = 0.02, 0.1
_SURE = 2.0
_LEARNED = 0.3
_MOST_DOUBLINGS = 4


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """Says that the loss stands still: not that its best value is old, but that its trend is flat.

    The trend over the last doubling of the steps is drawn with its standard error; the loss stands still
    where even two standard errors below the line it would fall, at the next doubling, by less than 2 % of all
    that was gained and by less than a tenth of what is left. It is surer the more doublings it lasts, and
    where the loss is known to be far below that of a constant prediction (`chance_loss`): a loss may also
    rest at that level before it falls. It is judged where the rate stayed within a factor of two.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"said": None, "holds": False, "looked": 0}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        if not due(state, block):
            return (), state
        return once({**state, "looked": block.course.step + 1}, _found(block))


def _found(block: Block) -> Finding | None:
    course = block.course
    if course.step + 1 < _LEAST_STEPS:
        return None
    doublings, trend = _standing(course)
    if trend is None:
        return None
    chance = block.facts.chance_loss
    learned = chance is not None and trend.level < chance - _LEARNED * abs(chance)
    if chance is not None and not learned:
        return None
    since = round(course.step / 2.0**doublings)
    gained = course.start - trend.level
    text = (
        f"The loss has stood still at {course.level(since):.4g} since step {since:,}: {trend.slope:+.2g} "
        f"+- {trend.error:.1g} each time the steps double."
    )
    return Finding(
        verdict="plateau",
        step=block.last,
        since=since,
        text=text,
        advice="If the noise of the steps holds it there, a lower rate goes on from here.",
        confidence=min(0.95, 0.4 + 0.1 * doublings + (0.3 if learned else 0.0)),
        evidence={
            "loss": trend.level,
            "slope": trend.slope,
            "slope_error": trend.error,
            "gained": gained,
            "doublings": doublings,
        },
    )


def _standing(course: Course) -> tuple[int, Trend | None]:
    """Return over how many doublings of the steps the loss stood still, and its trend over them."""
    held: tuple[int, Trend | None] = (0, None)
    for doublings in range(1, _MOST_DOUBLINGS + 1):
        since = course.step / 2.0**doublings
        trend = course.trend(since)
        if trend is None or not _still(course, trend, since):
            break
        held = (doublings, trend)
    return held


def _still(course: Course, trend: Trend, since: float) -> bool:
    gained, level = course.start - trend.level, course.level(since)
    most = min(_STILL * gained, _STILL_OF_LEVEL * level if level > 0.0 else math.inf)
    return course.steady(since) and abs(trend.slope) + _SURE * trend.error < most
