"""From all trials to an answer, with its reasons in plain sentences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import FloatArray
from rightrate.search.cliff import find_cliff
from rightrate.search.curve import RegretCurve, expected_curve
from rightrate.search.drift import expected_on_part, fit_drift, overfitting_fall, usual_drift
from rightrate.search.probe import AMPLE, Plan
from rightrate.search.record import Answer, Cliff, Fit, GoodRange, Status
from rightrate.search.rungs import Rung, rungs_of, telling_rungs
from rightrate.search.space import Observation, Space

__all__ = ["Context", "recommend"]

_FLAT_DECADES = 3.0
_EDGE_DECADES = 0.12
_BAD_START = 4.0
_DISAGREE = 0.2
_UNSURE = 0.25
_TELLING_GAP = 0.08
_CLEARLY = 0.01
_ON_ITS_WAY = 0.3


@dataclass(frozen=True, kw_only=True)
class Context:
    """What an answer is worded with.

    Args:
        plan: The lengths of the rungs.
        schedule: Name of the schedule.
        warmup_steps: Length of its warm-up in optimizer steps.
        tolerance: Expected regret allowed within the good range.
        sign: 1 where the objective is minimised, -1 where it is maximised.
        name: The objective's name.
        interrupted: Whether the search was stopped before it was done.
    """

    plan: Plan
    schedule: str
    warmup_steps: int
    tolerance: float
    sign: int
    name: str
    interrupted: bool


def recommend(space: Space, observations: Sequence[Observation], context: Context) -> tuple[Answer, Fit]:
    """Return the answer to a search and the curve it was read from.

    Args:
        space: The question.
        observations: All trials, in any order; full-length confirmations included.
        context: What the answer is worded with.
    """
    short = _searched(space, observations)
    rungs = telling_rungs(short, space)
    if not rungs or (space.allowance >= AMPLE and not _learning(space, observations)):
        return _nothing(space, observations, context), Fit()
    curve = expected_curve(rungs, space, steps=space.steps)
    tried = [item.lr for item in observations]
    best, (left, right) = curve.best(), curve.good(context.tolerance)
    places = (best, min(left, best), max(right, best))
    lr, low, high = (float(f"{min(max(10**place, min(tried)), max(tried)):.3g}") for place in places)
    cliff = find_cliff(rungs_of(short, space), context.schedule, context.warmup_steps)
    stated = math.ceil(1000 * curve.stated(math.log10(low), math.log10(high)) - 1e-6) / 1000
    good = GoodRange(low=low, high=high, tolerance=max(context.tolerance, stated))
    whole = [item for item in observations if item.epoch is None]
    status = _status(space, whole, context, rungs, curve, lr, math.log10(high / low))
    reasons = (
        *_probe_reason(space, rungs[-1], context),
        *_level_reason(space, whole, rungs[-1], context),
        *_drift_reason(space, rungs, lr),
        *_cliff_reason(cliff, lr),
        *_seed_reason(space, whole, context),
        *_plan_reason(space, context),
    )
    answer = Answer(
        lr=lr, good=good, cliff=cliff, status=status, message=_message(status, lr, good), reasons=reasons
    )
    return answer, _fit(rungs, space, curve, context.sign)


def _learning(space: Space, observations: Sequence[Observation]) -> bool:
    """Say whether anything is better than untrained, or on its way there from a bad start."""
    best = min((item.value for item in observations if math.isfinite(item.value)), default=math.inf)
    bad = 0.0 if space.start is None else max(0.0, space.start - space.untrained)
    return best < space.untrained + (1 - _ON_ITS_WAY) * bad


def _searched(space: Space, observations: Sequence[Observation]) -> list[Observation]:
    """Return the trials an answer is read from: all but a full-length confirmation of the answer itself."""
    whole = {item.lr for item in observations if item.steps >= space.steps}
    several = len(whole) > 1 or space.budget < 2
    return [item for item in observations if several or item.steps < space.steps]


def _status(
    space: Space,
    observations: Sequence[Observation],
    context: Context,
    rungs: Sequence[Rung],
    curve: RegretCurve,
    lr: float,
    width: float,
) -> Status:
    if context.interrupted:
        return "interrupted"
    decided = rungs[-1].steps >= context.plan.decide_steps
    nearest = int(np.argmin(np.abs(rungs[-1].place - math.log10(lr))))
    unsure = (
        bool(rungs[-1].failed[nearest])
        or not any(item.value < space.untrained for item in observations)
        or float(curve.regret.min()) > _UNSURE
        or _seeds_disagree(space, observations)
        or _confirmation_failed(space, observations)
    )
    if not context.plan.enough or not decided or unsure:
        return "inconclusive"
    tried = [item.lr for item in observations]
    near = min(math.log10(lr / min(tried)), math.log10(max(tried) / lr)) < _EDGE_DECADES
    if near or _open(rungs, -1, -2) or _open(rungs, 0, 1):
        return "edge"
    return "flat" if width >= _FLAT_DECADES else "found"


def _open(rungs: Sequence[Rung], end: int, neighbour: int) -> bool:
    """Say whether at every length the outermost rate was clearly the best, so that better ones may follow."""
    told = [rung for rung in rungs if len(rung.place) > 1]
    return bool(told) and all(rung.regret[end] == 0 and rung.regret[neighbour] > _CLEARLY for rung in told)


def _confirmation_failed(space: Space, observations: Sequence[Observation]) -> bool:
    """Say whether a full-length run of the answer ended no better than untrained."""
    return any(
        item.steps >= space.steps and item.seed != space.seed and not item.value < space.untrained
        for item in observations
    )


def _seeds_disagree(space: Space, observations: Sequence[Observation]) -> bool:
    """Say whether a second seed of a rate ended far from the first."""
    return any(abs(first - second) > _DISAGREE for first, second in _pairs(space, observations))


def _pairs(space: Space, observations: Sequence[Observation]) -> list[tuple[float, float]]:
    """Return the regrets of rates tried with two seeds at one length: (first seed, other seed)."""
    pairs = []
    for other in observations:
        for first in observations:
            same = first.lr == other.lr and first.steps == other.steps
            if same and first.seed == space.seed != other.seed:
                values = [item.learned(space.untrained) for item in observations if item.steps == other.steps]
                room = space.untrained - min(values)
                if room > 0:
                    pairs.append(
                        (
                            (first.learned(space.untrained) - min(values)) / room,
                            (other.learned(space.untrained) - min(values)) / room,
                        )
                    )
    return pairs


def _nothing(space: Space, observations: Sequence[Observation], context: Context) -> Answer:
    longest = max((item.steps for item in observations), default=0)
    finite = sum(math.isfinite(item.value) for item in observations)
    count = len(observations)
    lowest = min((item.lr for item in observations), default=space.low)
    highest = max((item.lr for item in observations), default=space.high)
    reasons: tuple[str, ...] = (
        f"{count} trials of up to {longest} steps between {lowest:.2g} and {highest:.2g}: none ended better"
        f" than the untrained level of {context.sign * space.untrained:.4g};"
        f" {count - finite} of them were not finite.",
    )
    status: Status = "interrupted" if context.interrupted else "diverged"
    message = "Nothing trains at any learning rate tried; look at the data, the loss and the initial weights."
    if not count and context.interrupted:
        message, reasons = "Stopped before anything was measured.", ()
    elif not count:
        status = "inconclusive"
        message, reasons = "The budget is too small to measure anything.", ()
    elif not context.interrupted and finite > count // 2:
        status = "inconclusive"
        message = "No learning rate made progress within the probes; a larger budget makes them longer."
    reasons = (*reasons, *_start_reason(space, observations, context), *_plan_reason(space, context))
    good, cliff = GoodRange(tolerance=context.tolerance), Cliff(schedule=context.schedule)
    return Answer(lr=None, good=good, cliff=cliff, status=status, message=message, reasons=reasons)


def _start_reason(space: Space, observations: Sequence[Observation], context: Context) -> tuple[str, ...]:
    """Return what to do where trials had no time for anything but leaving a bad start."""
    best = min((item.value for item in observations if math.isfinite(item.value)), default=math.inf)
    if space.start is None or space.start - best <= _BAD_START * abs(best - space.untrained):
        return ()
    start, reached = (f"{context.sign * value:.4g}" for value in (space.start, best))
    return (
        f"They spent their steps on leaving a bad start: from {start} down to {reached}."
        " Standardised inputs, or a last layer that starts at zero, would save them.",
    )


def _message(status: Status, lr: float, good: GoodRange) -> str:
    between = f"{_short(good.low)} to {_short(good.high)}"
    texts = {
        "found": f"Use a learning rate of {_short(lr)}; anything from {between} should end about as well.",
        "flat": f"The rate hardly matters from {between}; {_short(lr)} is in the middle.",
        "edge": f"The best rate, {_short(lr)}, lies at the end of the range searched; it may be further out.",
        "inconclusive": f"The evidence is thin; {_short(lr)} is the best guess.",
        "interrupted": f"Stopped early; {_short(lr)} is the best so far.",
    }
    return texts[status]


def _probe_reason(space: Space, rung: Rung, context: Context) -> tuple[str, ...]:
    listed = ", ".join(
        f"{_short(10**place)}: {'failed' if failed else f'{context.sign * value:.4g}'}"
        for place, value, failed in zip(rung.place, rung.value, rung.failed, strict=True)
    )
    part = rung.steps / space.steps
    compressed = f"{part:.0%} of the run, {context.schedule} schedule compressed"
    length = "the full length" if part >= 1 else compressed
    return (f"Trained side by side for {rung.steps} steps ({length}), validation {context.name}: {listed}.",)


def _level_reason(
    space: Space, observations: Sequence[Observation], longest: Rung, context: Context
) -> tuple[str, ...]:
    if longest.level == space.untrained:
        return ()
    return (
        f"None of these is clearly better than a constant prediction ({context.sign * space.untrained:.4g});"
        f" they are compared by how far they came from the start ({context.sign * longest.level:.4g}).",
        *_start_reason(space, observations, context),
    )


def _drift_reason(space: Space, rungs: Sequence[Rung], lr: float) -> tuple[str, ...]:
    longest = rungs[-1]
    if longest.steps >= space.steps:
        return ()
    drift = fit_drift(rungs, space)
    factor = 10 ** (drift.mean * math.log10(space.steps / longest.steps))
    best = _short(10 ** longest.place[int(np.argmin(longest.value))])
    centres = " and ".join(
        f"{_short(10 ** rung.centre()[0])} at {rung.steps} steps" for rung in rungs if len(rung.place) >= 3
    )
    ahead = math.log10(space.steps / longest.steps)
    usual = 10 ** (usual_drift(space, rungs) * ahead)
    moves = (
        f"up to {space.steps} steps the best rate is expected to move by a factor of {1 / factor:.2g}"
        f" (usually {1 / usual:.2g}, corrected by these trials), so the answer is {_short(lr)} where the best"
        f" probe was {best}."
    )
    seen = _part_reason(space, rungs) or _gap_reason(longest)
    if not centres:
        return (moves[0].upper() + moves[1:], *seen)
    return (f"The middle of the good rates was {centres}; {moves}", *seen)


def _part_reason(space: Space, rungs: Sequence[Rung]) -> tuple[str, ...]:
    """Return what trials on a part of the training data measured of overfitting, where there were some."""
    part, fall = rungs[-1].part, overfitting_fall(space, rungs)
    if part is None:
        return ()
    centre = _short(10 ** part.centre()[0])
    whole = _short(10 ** expected_on_part(space, rungs, part.steps)[0])
    if fall is None:
        found = "little was learned, which says nothing of overfitting."
    elif fall > 0:
        found = (
            f"the middle of the good rates was {centre}, where {whole} was expected: overfitting moves the"
        )
        found += " best rate down."
    else:
        found = f"the middle of the good rates was {centre}, not clearly below the {whole} that was expected:"
        found += " overfitting does not seem to move the best rate."
    return (
        f"In {part.steps} steps on {part.steps / space.steps:.0%} of the training data, seen as often"
        f" as the run will see all of it, {found}",
    )


def _gap_reason(longest: Rung) -> tuple[str, ...]:
    """Return what the training data tell of overfitting, where they tell of it."""
    room = longest.level - float(longest.value.min())
    if not longest.gap >= _TELLING_GAP * room:
        return ()
    return (
        f"The good trials do better on batches they were trained on than on validation data, by"
        f" {longest.gap / room:.0%} of what was learned: where a model overfits, the best rate falls nearly"
        " as fast as the run gets longer.",
    )


def _cliff_reason(cliff: Cliff, lr: float) -> tuple[str, ...]:
    if cliff.lowest_failed is None or cliff.max_stable is None:
        return (cliff.note,) if cliff.note else ()
    return (
        f"At {cliff.steps} steps {_short(cliff.max_stable)} still trained and {_short(cliff.lowest_failed)}"
        f" failed; the answer stays a factor of {_short(cliff.lowest_failed / lr)} below the failure.",
    )


def _seed_reason(space: Space, observations: Sequence[Observation], context: Context) -> tuple[str, ...]:
    """Return a sentence for each rate and length that was tried with another seed than the search's."""
    ended: dict[tuple[float, int], list[Observation]] = {}
    for item in observations:
        ended.setdefault((item.lr, item.steps), []).append(item)
    reasons = []
    for (lr, steps), items in ended.items():
        if all(item.seed == space.seed for item in items):
            continue
        values = [context.sign * item.value for item in items]
        shown = ["NaN" if math.isnan(value) else f"{value:.4g}" for value in values]
        if len(items) == 1:
            reasons.append(f"A confirmation at {_short(lr)} for {steps} steps ended at {shown[0]}.")
        else:
            listed = f"{', '.join(shown[:-1])} and {shown[-1]}"
            reasons.append(f"{len(items)} seeds at {_short(lr)} for {steps} steps ended at {listed}.")
    return tuple(reasons)


def _plan_reason(space: Space, context: Context) -> tuple[str, ...]:
    if context.plan.enough:
        return ()
    enough = math.ceil(10 * AMPLE / space.steps) / 10
    return (
        f"A run of {space.steps} steps is too short for a budget of {space.budget:g}: probes of"
        f" {context.plan.decide_steps} steps say little. A budget of {enough:g} would do.",
    )


def _fit(rungs: Sequence[Rung], space: Space, curve: RegretCurve, sign: int) -> Fit:
    """Return the curve expected of the real run, with what the unknown drift can make of it as its band.

    Its shape is the real run's; its level is that of the longest trials, because how far a longer run gets is
    not known.
    """
    best = float(rungs[-1].value.min())
    room = rungs[-1].level - best
    offsets = np.linspace(-curve.sigma, curve.sigma, 9)
    around = np.stack([np.interp(curve.place + offset, curve.place, curve.plain) for offset in offsets])
    thin = slice(None, None, max(1, len(curve.place) // 160))

    def unit(regret: FloatArray) -> tuple[float, ...]:
        return tuple(float(value) for value in sign * (best + regret[thin] * room))

    ends = unit(around.min(axis=0)), unit(around.max(axis=0))
    low, high = ends if sign > 0 else ends[::-1]
    return Fit(
        lr=tuple(float(10**place) for place in curve.place[thin]), value=unit(curve.plain), low=low, high=high
    )


def _short(lr: float | None) -> str:
    return "unknown" if lr is None else f"{lr:.3g}"
