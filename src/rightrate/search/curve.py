"""From trials of several lengths to the expected regret at every learning rate of the real run.

The curve at one length is interpolated (monotone between points, so that a cliff stays a cliff). Two things
separate it from the real run's: the best rate drifts with the length, and nobody knows exactly how far. The
drift is estimated from the lengths that were tried, starting from what is usual; what remains unknown is
averaged over, and because a cliff is steep on one side only, the average stays a margin below it that grows
with what is unknown.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from rightrate.schedules import FloatArray
from rightrate.search.space import Observation, Space

__all__ = [
    "Drift",
    "RegretCurve",
    "Rung",
    "expected_curve",
    "fit_drift",
    "joined",
    "rungs_of",
    "telling_rungs",
    "usual_drift",
]

GRID_PER_DECADE = 50
_USUAL_DRIFT = {True: 0.2, False: 0.4}
_OVERFITTING_DRIFT = 1.0
_OVERFITTING_GAP = 0.08
_FORESEEN = 0.9  # decades: overfitting says nothing of runs longer than that
_USUAL_SPREAD = 0.17
_LEAST_DRIFT = 0.6  # of the usual one: noise in short probes must not make rates grow with length
_CENTRE_ERROR = 0.1
_GOOD = 0.03
_LEAST_ERROR = 0.08
_CLIFF_SHARE = 0.25
_APART = 0.12
_LEVEL = 0.005
_SURE = 0.86
_FAR = 0.3
_NEAR_BEST = 0.05
_BEYOND_CONSTANT = 0.03
_UNTRIED = 1.0
_FAR_WORSE = 0.5
_RISK = 0.3


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
        gap: How much better the good rates do on training batches they have seen, as a share of what was
            learned; NaN where that is not known.
    """

    steps: int
    place: FloatArray
    regret: FloatArray
    value: FloatArray
    failed: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    level: float
    gap: float = math.nan

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
    lengths = sorted({item.steps for item in observations})
    return [_rung([item for item in observations if item.steps == steps], space) for steps in lengths]


def telling_rungs(observations: Sequence[Observation], space: Space) -> list[Rung]:
    """Return the rungs in which something trained; the others say nothing of where the best rate is."""
    return [rung for rung in rungs_of(observations, space) if not rung.failed.all()]


def _rung(trials: Sequence[Observation], space: Space) -> Rung:
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
    return Rung(
        steps=trials[0].steps,
        place=places,
        regret=np.clip(regret, 0.0, 1.0),
        value=values,
        failed=worst >= level - 0.02 * room if room > 0 else np.ones(len(values), dtype=bool),
        level=level,
        gap=_gap(trials, best, room) if level == space.untrained else math.nan,
    )


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


def _gap(trials: Sequence[Observation], best: float, room: float) -> float:
    gaps = [item.value - item.seen for item in trials if item.value <= best + _NEAR_BEST * room]
    known = [gap / room for gap in gaps if math.isfinite(gap)] if room > 0 else []
    return float(np.mean(known)) if known else math.nan


def _start(space: Space) -> float:
    return space.untrained if space.start is None else max(space.start, space.untrained)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far the best rate falls, in decades, when the run gets ten times as long.

    Args:
        mean: Expected fall.
        spread: Standard deviation of what is not known about it.
        high: The share of it by which rates fall that are too high.
    """

    mean: float
    spread: float
    high: float = 1.0


def usual_drift(space: Space, gap: float = 0.0, ahead: float = 0.0) -> float:
    """Return how far the best rate usually falls, in decades for a run ten times as long.

    Where the training data's own is being learned, the product of rate and steps sets the best rate, and it
    falls nearly as fast as the run gets longer.

    Args:
        space: The question.
        gap: How much better the longest trials do on training batches they have seen; NaN if not known.
        ahead: How much longer than they the run is, in decades.
    """
    usual = _USUAL_DRIFT[space.decays]
    share = _overfitting(gap) * min(1.0, _FORESEEN / max(ahead, _FORESEEN))
    return (1 - space.own_decay) * (usual + share * (_OVERFITTING_DRIFT - usual))


def _overfitting(gap: float) -> float:
    """Return how far a gap speaks for overfitting, 0 to 1; 0 where it is not known."""
    known = max(gap, 0.0) if math.isfinite(gap) else 0.0
    return known**2 / (known**2 + _OVERFITTING_GAP**2)


def fit_drift(rungs: Sequence[Rung], space: Space) -> Drift:
    """Return the drift: the usual one, corrected by that between the lengths that were tried."""
    ahead = math.log10(max(1.0, space.steps / rungs[-1].steps))
    mean, precision = usual_drift(space, rungs[-1].gap, ahead), _USUAL_SPREAD**-2
    weighted = mean * precision
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
            weighted += slope * own
            precision += own
    least = _LEAST_DRIFT * mean
    high = _CLIFF_SHARE + (1 - _CLIFF_SHARE) * _overfitting(rungs[-1].gap)
    return Drift(mean=float(np.clip(weighted / precision, least, 1.0)), spread=precision**-0.5, high=high)


@dataclass(frozen=True, kw_only=True)
class RegretCurve:
    """Expected regret of the real run on a fine grid of rates.

    Args:
        place: log10 of the rates, ascending.
        regret: Expected regret at each.
        unlucky: The regret that is not exceeded at each with a probability of `_SURE`.
        plain: The regret curve at the longest length tried, moved by the expected drift, before averaging.
        sigma: Standard deviation, in decades, of what was averaged over.
    """

    place: FloatArray
    regret: FloatArray
    unlucky: FloatArray
    plain: FloatArray
    sigma: float

    def best(self) -> float:
        """Return log10 of the recommended rate: the middle of the rates next to the lowest regret."""
        low, high = self.around(float(self.regret.min()) + _LEVEL)
        inside = (self.place >= low) & (self.place <= high)
        weight = np.exp(-(self.regret[inside] - self.regret.min()) / _LEVEL)
        return float((self.place[inside] * weight).sum() / weight.sum())

    def good(self, tolerance: float) -> tuple[float, float]:
        """Return the log10 rates between which the regret is at most the tolerance, as far as can be told."""
        return self._around(self.unlucky, max(tolerance, float(self.unlucky.min()) + _LEVEL))

    def around(self, level: float) -> tuple[float, float]:
        """Return the log10 rates between which the regret stays at most `level` around its minimum."""
        return self._around(self.regret, level)

    def _around(self, values: FloatArray, level: float) -> tuple[float, float]:
        lowest = int(np.argmin(values))
        above = np.flatnonzero(values > level)
        left = above[above < lowest]
        right = above[above > lowest]
        first = int(left[-1]) + 1 if len(left) else 0
        last = int(right[0]) - 1 if len(right) else len(self.place) - 1
        return float(self.place[first]), float(self.place[last])


def expected_curve(rungs: Sequence[Rung], space: Space, *, steps: int) -> RegretCurve:
    """Return the expected regret at every rate for a run of `steps` steps, judged from all rungs."""
    drift = fit_drift(rungs, space)
    places, regret = joined(rungs, drift)
    longest = rungs[-1].steps
    ahead = max(0.0, math.log10(steps / longest))
    sigma = math.hypot(_LEAST_ERROR, drift.spread * ahead)
    grid = np.arange(places[0] - 0.5, places[-1] + 0.5, 1 / GRID_PER_DECADE)
    plain = _moved(places, regret, drift.mean * ahead, drift.high)
    likely, weights = [], []
    for part in np.linspace(-2.5, 2.5, 21):
        curve = _moved(places, regret, (drift.mean + part * drift.spread) * ahead, drift.high)
        for offset in np.linspace(-2, 2, 5):
            likely.append(curve(grid + offset * _LEAST_ERROR))
            weights.append(math.exp(-0.5 * (part**2 + offset**2)))
    curves, share = np.array(likely), np.array(weights) / sum(weights)
    order = np.argsort(curves, axis=0)
    reached = np.cumsum(share[order], axis=0)
    unlucky = np.take_along_axis(curves, order, axis=0)[(reached < _SURE).sum(axis=0), np.arange(len(grid))]
    return RegretCurve(place=grid, regret=share @ curves, unlucky=unlucky, plain=plain(grid), sigma=sigma)


def _moved(
    places: FloatArray, regret: FloatArray, fall: float, high: float
) -> Callable[[FloatArray], FloatArray]:
    """Return a curve whose best rate has fallen by so many decades, as a function of log10 rates.

    Rates that are too high fall less, the worst of them by the share `high`: where training fails depends
    less on its length.
    """
    if len(places) == 1:
        return lambda at: np.full_like(at, regret[0])
    above = np.arange(len(places)) > int(np.argmin(regret))
    worse = np.maximum.accumulate(np.where(above, regret, 0.0))
    # What rises all rises alike: high rates that rose less would be overtaken.
    share = 1 - (1 - high) * np.minimum(worse / _FAR, 1.0) if fall > 0 else 1.0
    now = places - fall * share
    source = PchipInterpolator(now, regret)
    return lambda at: np.asarray(source(np.clip(at, now[0], now[-1])))


def joined(rungs: Sequence[Rung], drift: Drift) -> tuple[FloatArray, FloatArray]:
    """Return one curve: the longest rung's, continued on both sides by shorter ones.

    Below the longest rung's rates the shorter ones are moved by the drift: a longer run gets as far with a
    lower rate. Above them by a share of it: where training fails depends less on the length.
    """
    longest = rungs[-1]
    places, regrets = list(longest.place), list(longest.regret)
    for rung in (_measured_like(shorter, longest) for shorter in reversed(rungs[:-1])):
        lower = rung.place - drift.mean * math.log10(longest.steps / rung.steps)
        upper = rung.place + drift.high * (lower - rung.place)
        for end, moved in ((0, lower), (-1, upper)):
            outside = moved < places[0] - _APART if end == 0 else moved > places[-1] + _APART
            if not outside.any():
                continue
            level = float(replace(rung, place=moved).curve(np.array([places[end]]))[0])
            lift = regrets[end] - level
            more = np.clip(rung.regret[outside] + max(lift, 0.0) * (1 - rung.regret[outside]), 0.0, 1.0)
            places = [*moved[outside], *places] if end == 0 else [*places, *moved[outside]]
            regrets = [*more, *regrets] if end == 0 else [*regrets, *more]
    if len(places) > 1:
        # Higher than anything tried: not known to be good.
        places, regrets = [*places, places[-1] + _UNTRIED], [*regrets, 1.0]
    risky = min(_broken(rung) for rung in rungs)
    at, reached = np.array(places), np.array(regrets)
    return at, np.where(at >= risky, np.maximum(reached, _RISK), reached)


def _broken(rung: Rung) -> float:
    """Return log10 of the lowest rate that did far worse than a lower one, infinite if none did.

    Training that broke once may break again, whatever another trial reached with a higher rate.
    """
    lowest = np.minimum.accumulate(rung.regret)
    broken = rung.place[rung.regret > lowest + _FAR_WORSE]
    return float(broken[0]) if len(broken) else math.inf


def _measured_like(rung: Rung, longest: Rung) -> Rung:
    """Return a rung whose regrets have the unit of the longest one's, if it was measured from another level.

    A small part of the way from the start is all that is still to be learned from a constant prediction on.
    """
    room = longest.level - float(longest.value.min())
    if rung.level == longest.level or not room > 0:
        return rung
    return replace(rung, regret=np.clip((rung.value - rung.value.min()) / room, 0.0, 1.0))
