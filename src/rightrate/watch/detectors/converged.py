"""Whether there is anything left to follow: gradients that cannot be told from noise, or that vanished."""

import math
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean, median, stdev
from typing import Any

from rightrate.watch.detector import Block, State
from rightrate.watch.finding import Finding

__all__ = ["Converged"]

_PAIRS = 16
_KEPT = 64
_SAME_RATE = 1.01
_FALL = 0.05
_SIGNAL = 0.1
_BOUNCE = -0.2
_LEARNED = 0.1
_DEAD = 0.5
_OPENING = 8
_LATEST = 4
_RELATIVE, _ABSOLUTE = 1e-3, 1e-4


@dataclass(frozen=True, kw_only=True)
class Converged:
    r"""Says that at this rate nothing is left that could be told from noise.

    Two gradients in a row that share a mean m and have independent noise of variance s^2 each have a cosine
    of about |m|^2 / (|m|^2 + s^2). Of at least 16 sampled pairs from the latter half of the run, at one rate,
    the mean cosine must not differ from zero by two standard errors upwards, be certain within two standard
    errors to be below 0.1, and above -0.2: below that the run bounces between the walls of a valley, as at
    too high a rate. That the cosine is slightly negative is a sign of rest (Pflug 1990).

    Where every gradient is that of all data (`full_batch`), it is the norm: four samples in a row below a
    thousandth of the first ones, and below 1e-4 (1 + |loss|).

    In the first case the loss must not fall any more: its trend over the latter half of the run, less two
    standard errors, is a fall of at most a twentieth each time the steps double. And the run must have
    learned: the loss is a tenth below the constant prediction's, or below where it began if that is unknown,
    and it has not lost a tenth of that again. Of a gradient of all data that is asked only where the constant
    prediction's loss is known. In either case half of the tensors must have a gradient.

    It is said once for each rate, and not while a schedule changes the rate by more than 1 %. Noise alone is
    never certain: a lower rate would go on. NaN is no sample.

    References:
        Pflug (1990), Non-asymptotic confidence bounds for stochastic approximation algorithms with constant
        step size. Monatshefte fuer Mathematik 110.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"pairs": [], "opening": [], "latest": [], "dead": False, "said": None}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        if not block.samples:
            return (), state
        new = _sampled(state, block)
        finding = _vanished(new, block) if block.facts.full_batch else _drowned(new, block)
        if finding is not None and (new["dead"] or not _learned(block)):
            finding = None
        lr = _newest_rate(new)
        if new["said"] is not None and not _alike(new["said"], lr):
            new["said"] = None
        if finding is None or new["said"] is not None:
            return (), new
        return (finding,), {**new, "said": lr}


def _sampled(state: State, block: Block) -> dict[str, Any]:
    pairs, opening, latest = list(state["pairs"]), list(state["opening"]), list(state["latest"])
    for sample in block.samples:
        measured = sample.measured
        lr = (*block.rates_at(sample.step), 0.0)[0]
        if math.isfinite(measured.gradient_cosine) and math.isfinite(lr):
            pairs = [*pairs, [sample.step, measured.gradient_cosine, lr]][-_KEPT:]
        if math.isfinite(measured.gradient_norm):
            opening = [*opening, measured.gradient_norm][:_OPENING]
            latest = [*latest, [sample.step, measured.gradient_norm]][-_LATEST:]
    dead = block.samples[-1].measured.flat_fraction >= _DEAD
    return {**state, "pairs": pairs, "opening": opening, "latest": latest, "dead": dead}


def _newest_rate(state: State) -> float:
    return float(state["pairs"][-1][2]) if state["pairs"] else 0.0


def _alike(one: float, other: float) -> bool:
    low, high = sorted((abs(one), abs(other)))
    return high <= _SAME_RATE * low or one == other


def _learned(block: Block) -> bool:
    """Return whether the loss came down, and is down, as far as that is asked."""
    course, chance = block.course, block.facts.chance_loss
    if block.facts.full_batch and chance is None:
        return True
    level = course.start if chance is None else chance
    means = [part.mean for part in course.parts]
    now = course.level(0.75 * course.step)
    if not means or not math.isfinite(level + now):
        return False
    lowest = median(sorted(means)[:_LATEST])
    return now <= level - _LEARNED * abs(level) and now - lowest <= _LEARNED * (level - lowest)


def _falls(block: Block) -> bool:
    """Return whether the loss may still fall, for all that is known."""
    trend = block.course.trend(block.course.step / 2)
    return trend is None or trend.slope - 2.0 * trend.error < -_FALL * abs(trend.level)


def _drowned(state: State, block: Block) -> Finding | None:
    """Return what is found where the mean gradient drowns in its noise."""
    lr = _newest_rate(state)
    half = [pair for pair in state["pairs"] if pair[0] >= block.last / 2]
    pairs = list(takewhile(lambda pair: _alike(pair[2], lr), reversed(half)))
    if len(pairs) < _PAIRS or lr == 0.0:
        return None
    cosines = [cosine for _, cosine, _ in pairs]
    mean = fmean(cosines)
    if not _BOUNCE <= mean <= _SIGNAL:
        return None
    error = stdev(cosines) / math.sqrt(len(cosines))
    if mean > 2.0 * error or mean + 2.0 * error > _SIGNAL or _falls(block):
        return None
    return Finding(
        verdict="converged",
        step=block.last,
        since=pairs[-1][0],
        text=(
            f"At a rate of {lr:.4g} the gradient cannot be told from its noise: two in a row have a cosine "
            f"of {mean:.3f} with a standard error of {error:.3f}, and the loss falls no more."
        ),
        advice="If it is good enough, stop here; a lower rate would lower the noise, and the loss with it.",
        confidence=0.55 if block.facts.chance_loss is None else 0.7,
        evidence={"cosine": mean, "standard_error": error, "pairs": len(pairs), "lr": lr},
    )


def _vanished(state: State, block: Block) -> Finding | None:
    """Return what is found where the gradient of all data is near zero."""
    latest = state["latest"]
    if len(latest) < _LATEST or len(state["opening"]) < _OPENING:
        return None
    norm, first = max(norm for _, norm in latest), max(state["opening"])
    loss = block.course.level(0.75 * block.course.step)
    if norm > _RELATIVE * first or norm > _ABSOLUTE * (1.0 + abs(loss)):
        return None
    return Finding(
        verdict="converged",
        step=block.last,
        since=latest[0][0],
        text=f"The gradient of all data has come down to {norm:.3g}, from {first:.3g} at first.",
        advice="There is nothing left to follow: stop, unless another start may end lower.",
        confidence=0.9,
        evidence={"gradient_norm": norm, "first_gradient_norm": first, "loss": loss},
    )
