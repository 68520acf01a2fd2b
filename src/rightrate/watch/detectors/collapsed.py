"""Losses that rest at the level of a constant prediction, with all of them finite."""

import math
from dataclasses import dataclass, replace

from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import doublings_left, due, level_since, once, peak, reached, recent
from rightrate.watch.finding import Finding

__all__ = ["Collapsed"]

_NEAR = 0.07
_LEARNED = 0.3
_RIPE_SHARE, _RIPE_STEPS = 0.25, 4_000
_BLOWN_SHARE, _BLOWN_STEPS = 0.05, 1_000
_STILL_SHARE, _STILL_STEPS = 0.42, 10_000
_STILL = 0.01
_FITTED = 0.2
_LEAST_STEPS = 64
_VALIDATIONS = 3
_DEAD = 0.5
_BLOWN_UP, _RARE = 1.5, 8.0


@dataclass(frozen=True, kw_only=True)
class Collapsed:
    """Says that a run does no better than a constant prediction would, though its losses are finite.

    With `chance_loss`, in either of two cases. It had come 30 % below that level, and for 64 steps and a
    twelfth of the run so far has been back within 7 % of it. Or a quarter of the run is over (4,000 steps,
    where its length is unknown), the loss is within 7 % of the level or above it, and its trend over the last
    two doublings of the steps, drawn on to the end, stays there. A run that blew up is not given a quarter
    but a twentieth (1,000 steps). Validation losses count likewise. It is surest where the run had learned,
    and sure where it blew up: one that did neither may just be slow.

    Without it, with less confidence: a quarter of the run is over, the loss is less than 7 % below where it
    began, and its trend stays there; or four tenths are, it has stood still since it first came down, and it
    came down to no less than a fifth of where it began: constant predictions seldom are so good.

    Where half of the tensors have a zero gradient or none besides, it is sure: their activations died.

    The level that counts is that of the loss as it is observed, weight penalties included.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {
            "said": None,
            "holds": False,
            "looked": 0,
            "lowest": None,
            "highest": None,
            "validations": [],
            "flat": 0.0,
        }

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        arrived = [loss for _, loss in block.validations if math.isfinite(loss)]
        validations = [*state["validations"], *arrived][-_VALIDATIONS:]
        highest = peak(state["highest"], block)
        flat = block.samples[-1].measured.flat_fraction if block.samples else state["flat"]
        state = {**state, "highest": highest, "validations": validations, "flat": flat}
        if highest is None or not due(state, block):
            return (), state
        chance, now = block.facts.chance_loss, block.course.level(recent(block.course))
        if not math.isfinite(now):
            return (), state
        lowest = now if state["lowest"] is None else min(state["lowest"], now)
        if chance is None:
            finding = _unmoved(block, now) or _at_rest(block, now)
        else:
            finding = _against(block, chance, now, (lowest, highest)) or _unseen(block, chance, validations)
        if finding is not None and flat >= _DEAD:
            finding = _dead(finding, flat)
        return once({**state, "lowest": lowest, "looked": block.course.step + 1}, finding)


def _scale(block: Block, chance: float) -> float:
    """Return what differences from a chance level are held against."""
    return chance if chance > 0.0 else max(abs(chance), block.course.start - chance)


def _against(block: Block, chance: float, now: float, span: tuple[float, float]) -> Finding | None:
    (lowest, highest), course, scale = span, block.course, _scale(block, chance)
    near = chance - _NEAR * scale
    if now < near:
        return None
    word = "no better" if now >= chance else "hardly better"
    evidence = {"loss": now, "chance_loss": chance, "lowest": lowest}
    if lowest < chance - _LEARNED * scale and course.step >= 2 * _LEAST_STEPS:
        text = (
            f"The loss is {now:.4g}, {word} than a constant prediction's ({chance:.4g}), after {lowest:.4g}."
        )
        return _finding(block, level_since(course, near), text, 0.95, evidence)
    trend = course.trend(course.step / 4.0)
    if trend is None:
        return None
    blew_up = highest - course.start > max(_BLOWN_UP * abs(course.start), _RARE * trend.scatter)
    share, steps = (_BLOWN_SHARE, _BLOWN_STEPS) if blew_up else (_RIPE_SHARE, _RIPE_STEPS)
    if not reached(block, share=share, steps=steps):
        return None
    end = trend.after(doublings_left(block))
    if min(trend.level, end) < near:
        return None
    text = (
        f"The loss is {now:.4g} at step {course.step:,}, {word} than a constant prediction's ({chance:.4g}), "
        f"and its trend leads no further."
    )
    evidence = {**evidence, "expected_at_the_end": end, "highest": highest}
    return _finding(block, level_since(course, near), text, 0.9 if blew_up else 0.7, evidence)


def _unseen(block: Block, chance: float, validations: list[float]) -> Finding | None:
    near = chance - _NEAR * _scale(block, chance)
    enough = len(validations) == _VALIDATIONS and reached(block, share=_RIPE_SHARE, steps=_RIPE_STEPS)
    if not enough or min(validations) < near:
        return None
    newest = validations[-1]
    text = f"The validation loss, {newest:.4g}, is no better than a constant prediction's ({chance:.4g})."
    return _finding(block, block.last, text, 0.7, {"validation_loss": newest, "chance_loss": chance})


def _unmoved(block: Block, now: float) -> Finding | None:
    course = block.course
    near = course.start - _NEAR * max(course.start, 0.0)
    if now < near or not reached(block, share=_RIPE_SHARE, steps=_RIPE_STEPS):
        return None
    trend = course.trend(course.step / 4.0)
    if trend is None or min(trend.level, trend.after(doublings_left(block))) < near:
        return None
    word = "above" if now > course.start else "hardly below"
    text = (
        f"The loss, {now:.4g} at step {course.step:,}, is {word} where it began, {course.start:.4g}, and its "
        f"trend leads no further."
    )
    return _finding(block, 0, text, 0.5, {"loss": now, "start": course.start, "slope": trend.slope})


def _at_rest(block: Block, now: float) -> Finding | None:
    course = block.course
    if not reached(block, share=_STILL_SHARE, steps=_STILL_STEPS):
        return None
    since = course.step / 8.0
    trend = course.trend(since)
    if trend is None or 0.0 < now < _FITTED * course.start:
        return None
    moved = 3.0 * (abs(trend.slope) + 2.0 * trend.error)
    if moved > _STILL * abs(course.start - now):
        return None
    text = (
        f"The loss has stood still at {now:.4g} since step {since:,.0f}: it may have collapsed to a constant "
        f"prediction; chance_loss= would tell."
    )
    return _finding(block, int(since), text, 0.4, {"loss": now, "start": course.start, "slope": trend.slope})


def _dead(finding: Finding, flat: float) -> Finding:
    """Return a finding that is surer because most of the model has no gradient any more."""
    return replace(
        finding,
        text=f"{finding.text} {flat:.0%} of the tensors have no gradient, or a zero one.",
        confidence=max(finding.confidence, 0.9),
        evidence={**finding.evidence, "flat_fraction": flat},
    )


def _finding(block: Block, since: int, text: str, confidence: float, evidence: dict[str, float]) -> Finding:
    return Finding(
        verdict="collapsed",
        step=block.last,
        since=min(since, block.last),
        text=text,
        advice="If the loss had been lower, go back and cut the rate; if never, look for another rate.",
        confidence=confidence,
        evidence=evidence,
    )
