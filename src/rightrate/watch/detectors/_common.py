"""What several detectors share: saying a thing once, when enough was seen, what is recent."""

import math

from rightrate.watch.course import Course
from rightrate.watch.detector import Block, State
from rightrate.watch.finding import Finding

__all__ = ["doublings_left", "due", "level_since", "once", "peak", "reached", "recent"]

_LEAST_STEPS = 64
_RECENT = 12.0
_AGAIN = 1.05
_CEASED = 1.5


def once(state: State, finding: Finding | None) -> tuple[tuple[Finding, ...], State]:
    """Return a finding if it is new, and the state: "holds" of the last look, "said" when it was true last.

    Where it ceased to be true, it is new again once the run is half as long again as it was then, so that a
    verdict that wavers is said once.
    """
    if finding is None:
        return (), {**state, "holds": False}
    said = state["said"]
    new = said is None or (not state["holds"] and finding.step + 1 > _CEASED * (said + 1))
    return ((finding,) if new else ()), {**state, "said": finding.step, "holds": True}


def due(state: State, block: Block) -> bool:
    """Return whether the run is 5 % longer than at the last look, remembered as "looked"."""
    return bool(block.course.step + 1 >= _AGAIN * state["looked"])


def reached(block: Block, *, share: float, steps: int) -> bool:
    """Return whether a share of the run will be over with the next block; without a length, so many steps."""
    total = block.facts.total_steps
    span = block.steps[-1] - block.steps[0] + 1 if block.steps else 0
    return block.course.step + 1 + span > (steps if total is None else share * total)


def doublings_left(block: Block) -> float:
    """Return how often the number of steps will double until the end; two where it is unknown."""
    total = block.facts.total_steps
    return 2.0 if total is None else max(0.0, math.log2(total / (block.course.step + 1.0)))


def recent(course: Course) -> float:
    """Return where the last twelfth of the steps begins, at least 64 of them."""
    return max(0.0, course.step + 1 - max(_LEAST_STEPS, course.step / _RECENT))


def peak(highest: float | None, block: Block) -> float | None:
    """Return the highest mean of a part so far, the parts of this block with it; None before the first."""
    first = block.steps[0] if block.steps else math.inf
    means = [] if highest is None else [highest]
    for part in reversed(block.course.parts):
        if part.last < first:
            break
        means.append(part.mean)
    return max(means, default=None)


def level_since(course: Course, level: float) -> int:
    """Return the first step from which on no part is below a level."""
    since = course.step
    for part in reversed(course.parts):
        if part.mean < level:
            break
        since = part.first
    return since
