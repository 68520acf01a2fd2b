"""How far the best rate falls as runs get longer.

Usually it falls by a fraction of a decade for ten times the length; the lengths that were tried correct that,
and where the training data's own is being learned, it falls nearly as fast as runs get longer. How much
training data trials have seen again tells that roughly; trials on a part of the data measure it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightrate.search.rungs import Rung
from rightrate.search.space import Space

__all__ = [
    "Drift",
    "expected_on_part",
    "fit_drift",
    "overfitting_fall",
    "told_overfitting",
    "usual_drift",
]

_USUAL_DRIFT = {True: 0.2, False: 0.4}
_USUAL_SPREAD = 0.17
_LEAST_DRIFT = 0.6  # of the usual one: noise in short probes must not make rates grow with length
_OVERFITTING_DRIFT = 1.0
_OVERFITTING_GAP = 0.06  # of what was learned
_LEARNING = 0.8  # of what trials ten times as long learn
_SHARPLY = 4
_RISING_SHARE = 0.5
_BEYOND_DOUBT = 3.0  # standard deviations
_ENOUGH = 0.33  # of what longer trials on all data learned
_FORESEEN = 0.9  # decades: overfitting says nothing of runs longer than that
_CLIFF_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far the best rate falls, in decades, when the run gets ten times as long.

    Args:
        mean: Expected fall.
        spread: Standard deviation of what is not known about it.
        high: The share of it by which rates fall that are too high.
        past: The fall between the lengths that were tried, which overfitting says nothing of; None where it
            is the same.
    """

    mean: float
    spread: float
    high: float = 1.0
    past: float | None = None

    def between(self, shorter: Rung, longer: Rung) -> float:
        """Return by how many decades rates fell between the lengths of two rungs."""
        fall = self.mean if self.past is None else self.past
        share = _RISING_SHARE if shorter.rising else 1.0
        return share * fall * math.log10(longer.steps / shorter.steps)


def usual_drift(space: Space, rungs: Sequence[Rung]) -> float:
    """Return how far the best rate usually falls, in decades for a run ten times as long.

    Where the training data's own is being learned, the product of rate and steps sets the best rate, and it
    falls nearly as fast as the run gets longer. Trials that are leaving a bad start say nothing of that.
    """
    usual = _usual(space, rungs)
    if rungs[-1].rising:
        return usual
    ahead = _ahead(space, rungs)
    share = told_overfitting(space, rungs) * min(1.0, _FORESEEN / max(ahead, _FORESEEN))
    return usual + share * (_full(space) - usual)


def _full(space: Space) -> float:
    return (1 - space.own_decay) * _OVERFITTING_DRIFT


def _usual(space: Space, rungs: Sequence[Rung]) -> float:
    share = _RISING_SHARE if rungs[-1].rising else 1.0
    return share * (1 - space.own_decay) * _USUAL_DRIFT[space.decays]


def _ahead(space: Space, rungs: Sequence[Rung]) -> float:
    """Return how much longer the run is than the longest trials, in decades."""
    return math.log10(max(1.0, space.steps / rungs[-1].steps))


def told_overfitting(space: Space, rungs: Sequence[Rung]) -> float:
    """Return how far the gap alone speaks for overfitting, 0 to 1; 0 where it is not known.

    Whatever has been seen is known better, and the fewer samples have been seen, the more so. What is left of
    that when the run has seen all it will speaks for overfitting, as far as it is not small beside what
    longer trials learn. Trials of one length alone do not tell what is still learned.
    """
    longest = rungs[-1]
    best = float(longest.value.min())
    room = longest.level - best
    if not longest.gap > 0 or len(rungs) < 2:
        return 0.0
    left = longest.gap * _seen(space, longest.steps) / _seen(space, space.steps)
    learning = 0.0
    shorter = [rung for rung in rungs[:-1] if len(rung.place) > 1]
    if shorter:
        # From a constant prediction on: how fast a bad start is left says nothing.
        begun = min(float(shorter[-1].value.min()), longest.level)
        learning = max(0.0, begun - best) / math.log10(longest.steps / shorter[-1].steps)
    beside = math.hypot(_OVERFITTING_GAP * room, _LEARNING * learning)
    return left**_SHARPLY / (left**_SHARPLY + beside**_SHARPLY)


def _seen(space: Space, steps: int) -> float:
    """Return how many steps' worth of different samples so many steps see."""
    return steps if space.epoch is None else min(float(steps), space.epoch)


def fit_drift(rungs: Sequence[Rung], space: Space) -> Drift:
    """Return the drift: the usual one, corrected by that between the lengths that were tried."""
    expected, precision, measured = usual_drift(space, rungs), _USUAL_SPREAD**-2, 0.0
    level = rungs[-1].level  # how fast models start says little of how far they get
    useful = [
        rung for rung in rungs if len(rung.place) >= 3 and not rung.failed.all() and rung.level == level
    ]
    if len(useful) >= 2:
        logs = np.log10([rung.steps for rung in useful])
        centres, errors = np.array([rung.centre() for rung in useful]).T
        weight = errors**-2
        offset = logs - (weight * logs).sum() / weight.sum()
        own = float((weight * offset**2).sum())
        if own > 0:
            slope = -float((weight * offset * centres).sum()) / own
            measured = slope * own
            precision += own

    def corrected(usual: float) -> float:
        fall = (usual * _USUAL_SPREAD**-2 + measured) / precision
        return float(np.clip(fall, _LEAST_DRIFT * usual, 1.0))

    plain, mean, share = _usual(space, rungs), corrected(expected), told_overfitting(space, rungs)
    past = corrected(plain)
    if extra := overfitting_fall(space, rungs):
        mean, share = past + extra, min(1.0, extra / (_full(space) - plain))
    return Drift(
        mean=mean,
        spread=precision**-0.5,
        high=_CLIFF_SHARE + (1 - _CLIFF_SHARE) * share,
        past=past,
    )


def overfitting_fall(space: Space, rungs: Sequence[Rung]) -> float | None:
    """Return how much further than usual the best rate falls because of overfitting, in decades per decade.

    Trials that saw a part of the data as often as the run will see all of it are overfitted as far as the run
    will be. 0 where their best rate is not clearly lower; None where there are none, or where they learned
    too little to tell.
    """
    whole, part, ahead = rungs[-1], rungs[-1].part, _ahead(space, rungs)
    if part is None or len(part.place) < 2 or not ahead > 0:
        return None
    learned, all_of_it = (space.untrained - float(found.value.min()) for found in (part, whole))
    if not learned > _ENOUGH * all_of_it > 0:
        return None
    centre, error = part.centre()
    expected, own_error = expected_on_part(space, rungs, part.steps)
    fall = expected - centre
    return fall / ahead if fall > _BEYOND_DOUBT * math.hypot(error, own_error) else 0.0


def expected_on_part(space: Space, rungs: Sequence[Rung], steps: int) -> tuple[float, float]:
    """Return log10 of the best rate of so many steps on a part, and its error, where nothing overfits."""
    centre, error = rungs[-1].centre()
    return centre + _usual(space, rungs) * math.log10(rungs[-1].steps / steps), error
