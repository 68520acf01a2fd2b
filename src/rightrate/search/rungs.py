"""Trials by length: what each rate reached, and what that is measured from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from rightrate.schedules import FloatArray
from rightrate.search.space import Observation, Space

__all__ = ["Rung", "rungs_of", "telling_rungs"]

_CENTRE_ERROR = 0.1
_GOOD = 0.03
_NEAR_BEST = 0.05
_BEYOND_CONSTANT = 0.03
_ARRIVED = 0.8
_LEFT = 0.15
_FAR_BELOW = 0.6
_HIGHER = 0.1
_ROOM = 0.5  # of a run: with less, nothing is left to correct a step that went too high


@dataclass(frozen=True, kw_only=True)
class Rung:
    """All trials of one length, as regret against the best of that length.

    Args:
        steps: The length.
        place: log10 of the learning rates, ascending and distinct.
        regret: Regret of each, in [0, 1].
        value: The objective of each, smaller is better, no worse than the level.
        failed: Whether each ended no better than the level or not finite, in any seed.
        level: What they are measured from: having learned nothing, or the start where that is all that the
            trials have left behind.
        gap: How much better the good rates do on training batches they have seen; NaN where not known.
        rising: Whether these trials are still leaving a bad start, so that higher rates than the best one
            here may do better in longer trials.
        part: Beside the longest trials, those on a part of the data, which they saw as often as the run will
            see all of it; None if there are none.
    """

    steps: int
    place: FloatArray
    regret: FloatArray
    value: FloatArray
    failed: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    level: float
    gap: float = math.nan
    rising: bool = False
    part: "Rung | None" = None

    def curve(self, places: FloatArray) -> FloatArray:
        """Return the interpolated regret at log10 rates; outside, the outermost value."""
        if len(self.place) == 1:
            return np.full_like(places, self.regret[0])
        inside = np.clip(places, self.place[0], self.place[-1])
        return np.asarray(PchipInterpolator(self.place, self.regret)(inside), dtype=np.float64)

    def centre(self) -> tuple[float, float]:
        """Return the middle of the good rates, weighted by how good they are, and how uncertain it is.

        The flatter the curve, the wider the good rates and the less their middle says; the ends of a window
        that is good throughout are where the search put them.
        """
        places = np.linspace(self.place[0], self.place[-1], 200)
        weight = np.exp(-self.curve(places) / _GOOD)
        weight /= weight.sum()
        middle = float((places * weight).sum())
        width = float(np.sqrt((weight * (places - middle) ** 2).sum()))
        return middle, math.hypot(_CENTRE_ERROR, width)


def rungs_of(observations: Sequence[Observation], space: Space) -> list[Rung]:
    """Return the trials by length, shortest first; where nothing trained, regret is 1 throughout.

    Rates are compared on the same batches, so a rate's value is that of its lowest seed. Other seeds only say
    whether it fails.
    """
    rungs: list[Rung] = []
    for steps in sorted({item.steps for item in observations if item.epoch is None}):
        whole = [item for item in observations if item.steps == steps and item.epoch is None]
        rungs.append(_rung(whole, space, rungs[-1] if rungs else None))
    part = [item for item in observations if item.epoch is not None]
    if part and rungs:
        longest = max(item.steps for item in part)
        own = _rung([item for item in part if item.steps == longest], space, None)
        rungs[-1] = replace(rungs[-1], part=own)
    return rungs


def telling_rungs(observations: Sequence[Observation], space: Space) -> list[Rung]:
    """Return the rungs in which something trained; the others say nothing of where the best rate is."""
    return [rung for rung in rungs_of(observations, space) if not rung.failed.all()]


def _rung(trials: Sequence[Observation], space: Space, shorter: Rung | None) -> Rung:
    level = _level(trials, space)
    by_place: dict[float, dict[int, float]] = {}
    for item in trials:
        by_place.setdefault(math.log10(item.lr), {})[item.seed] = item.learned(level)
    places = np.array(sorted(by_place))
    values = np.array([by_place[place][min(by_place[place])] for place in places])
    worst = np.array([max(by_place[place].values()) for place in places])
    best = float(values.min())
    room = level - best
    regret = (values - best) / room if room > 0 else np.ones_like(values)
    bad = level > space.untrained and space.budget >= _ROOM
    rising = bad and _rising(places, regret, room / (level - space.untrained), shorter)
    if rising:
        regret = _ahead_of_the_start(trials, places, values, level)
    return Rung(
        steps=trials[0].steps,
        place=places,
        regret=np.clip(regret, 0.0, 1.0),
        value=values,
        failed=worst >= level - 0.02 * room if room > 0 else np.ones(len(values), dtype=bool),
        level=level,
        gap=_gap(trials, best + _NEAR_BEST * room),
        rising=rising,
    )


def _rising(places: FloatArray, regret: FloatArray, way: float, shorter: Rung | None) -> bool:
    """Say whether the best rate is to be expected above the best of trials that are leaving a bad start.

    It is where the best of them has not come near a constant prediction, and where rates far below it have
    left the start behind as well: then the start tells nothing apart but what is too high. Where far lower
    rates have not left it, it is the usual race, in which lower rates catch up.

    Args:
        places: log10 of the rates, ascending.
        regret: Regret of each, measured from the start.
        way: How far the best came, in ways from the start to a constant prediction.
        shorter: The rung below; asked where no rate far below the best was tried.
    """
    if way < _ARRIVED:
        return True
    below = regret[places <= places[int(np.argmin(regret))] - _FAR_BELOW]
    return bool((below <= _LEFT).any()) if len(below) else shorter is not None and shorter.rising


def _ahead_of_the_start(
    trials: Sequence[Observation], places: FloatArray, values: FloatArray, level: float
) -> FloatArray:
    """Return the regret of trials that are leaving a bad start.

    Validation data tell little apart then, so batches that have been seen count as much; and of rates that
    came equally far, the higher one goes on faster.
    """
    seen = {math.log10(item.lr): item.seen for item in sorted(trials, key=lambda item: -item.seed)}
    known = np.array([seen[place] for place in places])
    both = np.where(np.isfinite(known) & (values < level), (values + np.fmin(known, level)) / 2, values)
    regret = (both - both.min()) / (level - both.min()) - _HIGHER * places
    return np.where(values >= level, 1.0, regret - regret.min())


def _level(trials: Sequence[Observation], space: Space) -> float:
    """Return what the trials of one length are measured from: having learned nothing, or the start.

    Shortly after a bad start even the best rates are no better than a constant prediction; how far they have
    come from the start then still tells them apart.
    """
    best = min((item.value for item in trials if math.isfinite(item.value)), default=math.inf)
    start = _start(space)
    if best < start and space.untrained - best < _BEYOND_CONSTANT * (start - best):
        return start
    return space.untrained


def _gap(trials: Sequence[Observation], good: float) -> float:
    gaps = [item.value - item.seen for item in trials if item.value <= good]
    known = [gap for gap in gaps if math.isfinite(gap)]
    return float(np.mean(known)) if known else math.nan


def _start(space: Space) -> float:
    return space.untrained if space.start is None else max(space.start, space.untrained)
