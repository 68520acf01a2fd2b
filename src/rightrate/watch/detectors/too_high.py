"""Rates that are too high, though training goes on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, stdev

from rightrate.watch.detector import Block, State
from rightrate.watch.detectors._common import once, peak, recent
from rightrate.watch.finding import Finding

__all__ = ["TooHigh"]

_KEPT = 12
_FEWEST = 6
_SURE = 4.0
_OPPOSED = -0.1
_LARGE_UPDATE = 0.1
_STABLE = 2.0
_FLIPS = 0.8
_BLOWN_UP = 20.0
_LEAST_STEPS = 128


@dataclass(frozen=True, kw_only=True)
class TooHigh:
    """Says that steps are too long, from any of these signs, the surest first.

    - The rate times the curvature along the step is above 2 in most of the last samples, where an update is
      the rate times the gradient: a quadratic with that curvature diverges.
    - Every gradient is of all data, and the loss goes up and down in turn.
    - Successive gradients point against each other: their cosine is below zero by four standard errors, and
      the loss does not fall.
    - Updates are longer than a tenth of the weights, sample after sample, and the loss does not fall.
    - The loss blew up to twenty times where it began and came back; what it came back to is seldom good.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {
            "said": None,
            "holds": False,
            "cosines": [],
            "ratios": [],
            "curved": [],
            "changes": [],
            "last": None,
            "highest": None,
        }

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        state = _remembered(state, block)
        signs = (_curved(block, state), _in_turn(block, state), _opposed(block, state))
        finding = next((one for one in (*signs, _long(block, state), _blown_up(block, state)) if one), None)
        return once(state, finding)


def _remembered(state: State, block: Block) -> State:
    new = {**state, "highest": peak(state["highest"], block)}
    if block.samples:
        measured = [sample.measured for sample in block.samples]
        ratios = [one.update_norm / one.weight_norm for one in measured if one.weight_norm > 0.0]
        curved = [one.curvature * lr for one in block.samples for lr in block.rates_at(one.step)[:1]]
        new["cosines"] = _kept(state["cosines"], [one.gradient_cosine for one in measured])
        new["ratios"] = _kept(state["ratios"], ratios)
        new["curved"] = _kept(state["curved"], curved)
    if block.facts.full_batch and block.finite:
        losses = [*([] if state["last"] is None else [state["last"]]), *block.finite]
        new["changes"] = [*state["changes"], *(b - a for a, b in pairwise(losses))][-32:]
        new["last"] = block.finite[-1]
    return new


def _kept(old: Sequence[float], new: Sequence[float]) -> list[float]:
    return [*old, *(value for value in new if math.isfinite(value))][-_KEPT:]


def _curved(block: Block, state: State) -> Finding | None:
    values = state["curved"][-_FEWEST:]
    if not block.facts.plain_steps or len(values) < 3 or sum(v > _STABLE for v in values) * 2 <= len(values):
        return None
    product = median(values)
    text = f"The rate times the curvature along the step is {product:.3g}; above 2 steps overshoot and grow."
    return _finding(block, text, 0.85, {"rate_times_curvature": product})


def _in_turn(block: Block, state: State) -> Finding | None:
    changes = state["changes"]
    if not block.facts.full_batch or len(changes) < 16:
        return None
    flips = sum(a * b < 0.0 for a, b in pairwise(changes)) / (len(changes) - 1)
    if flips < _FLIPS:
        return None
    text = f"The loss goes up and down in turn ({flips:.0%} of its changes) though every step sees all data."
    return _finding(block, text, 0.85, {"turns": flips})


def _opposed(block: Block, state: State) -> Finding | None:
    values = state["cosines"]
    if len(values) < _FEWEST:
        return None
    mean = fmean(values)
    if mean > _OPPOSED:
        return None
    error = stdev(values) / math.sqrt(len(values))
    if mean > -_SURE * error or _falls(block):
        return None
    text = (
        f"Successive gradients point against each other: {len(values)} cosines of {mean:.2f} +- {error:.2f}."
    )
    return _finding(
        block, text, 0.7, {"gradient_cosine": mean, "standard_error": error, "pairs": len(values)}
    )


def _long(block: Block, state: State) -> Finding | None:
    values, course = state["ratios"][-_FEWEST:], block.course
    if len(values) < _FEWEST or course.step < _LEAST_STEPS or min(values) < _LARGE_UPDATE:
        return None
    if _falls(block):
        return None
    ratio = median(values)
    text = f"Each step changes the weights by {ratio:.0%} of their length, and the loss does not fall."
    return _finding(block, text, 0.7, {"update_to_weight": ratio})


def _falls(block: Block) -> bool:
    """Return whether the loss falls over the last doubling of the steps, or too little is known of it."""
    trend = block.course.trend(block.course.step / 2.0)
    return trend is None or trend.slope < -2.0 * trend.error


def _blown_up(block: Block, state: State) -> Finding | None:
    course, highest = block.course, state["highest"]
    if (
        highest is None
        or course.start <= 0.0
        or highest < _BLOWN_UP * course.start
        or course.step < _LEAST_STEPS
    ):
        return None
    level = course.level(recent(course))
    if not level < course.start:
        return None
    text = f"The loss blew up to {highest:.3g}, from {course.start:.4g}, before it came down to {level:.4g}."
    return _finding(block, text, 0.6, {"highest": highest, "start": course.start, "loss": level})


def _finding(block: Block, text: str, confidence: float, evidence: dict[str, float]) -> Finding:
    return Finding(
        verdict="too_high",
        step=block.last,
        since=block.samples[0].step if block.samples else block.steps[0],
        text=text,
        advice="Try a third of the rate, or a schedule that lowers it; at the start of a run, a warm-up.",
        confidence=confidence,
        evidence=evidence,
    )
