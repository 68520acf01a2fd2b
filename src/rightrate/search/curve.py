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
from rightrate.search.drift import Drift, fit_drift
from rightrate.search.rungs import Rung
from rightrate.search.space import Space

__all__ = ["RegretCurve", "expected_curve", "joined"]

GRID_PER_DECADE = 50
_LEAST_ERROR = 0.08
_APART = 0.12
_LEVEL = 0.005
_SURE = 0.86
_CERTAIN = 0.95
_FAR = 0.3
_UNTRIED = 1.0
_FAR_WORSE = 0.5
_RISK = 0.3


@dataclass(frozen=True, kw_only=True)
class RegretCurve:
    """Expected regret of the real run on a fine grid of rates.

    Args:
        place: log10 of the rates, ascending.
        regret: Expected regret at each.
        unlucky: The regret that is not exceeded at each with a probability of `_SURE`.
        certain: The same with a probability of `_CERTAIN`.
        plain: The regret curve at the longest length tried, moved by the expected drift, before averaging.
        sigma: Standard deviation, in decades, of what was averaged over.
    """

    place: FloatArray
    regret: FloatArray
    unlucky: FloatArray
    certain: FloatArray
    plain: FloatArray
    sigma: float

    def best(self) -> float:
        """Return log10 of the recommended rate: the middle of the rates next to the lowest regret."""
        low, high = self.around(float(self.regret.min()) + _LEVEL)
        inside = (self.place >= low) & (self.place <= high)
        weight = np.exp(-(self.regret[inside] - self.regret.min()) / _LEVEL)
        return float((self.place[inside] * weight).sum() / weight.sum())

    def good(self, tolerance: float) -> tuple[float, float]:
        """Return the log10 rates between which the regret most likely stays within the tolerance.

        Where that can be said of no rate, within the least regret of which it can.
        """
        return self._around(self.unlucky, max(tolerance, float(self.unlucky.min()) + _LEVEL))

    def stated(self, low: float, high: float) -> float:
        """Return the regret that rates between two log10 rates stay within, all but certainly."""
        ends = np.interp([low, high], self.place, self.certain)
        inside = self.certain[(self.place > low) & (self.place < high)]
        return float(max(*ends, *inside))

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
    ordered, reached = np.take_along_axis(curves, order, axis=0), np.cumsum(share[order], axis=0)
    unlucky, certain = (
        ordered[(reached < enough).sum(axis=0), np.arange(len(grid))] for enough in (_SURE, _CERTAIN)
    )
    return RegretCurve(
        place=grid,
        regret=share @ curves,
        unlucky=unlucky,
        certain=certain,
        plain=plain(grid),
        sigma=sigma,
    )


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
        lower = rung.place - drift.between(rung, longest)
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

    A small part of the way from the start is all that is still to be learned from a constant prediction on;
    what failed has failed in any unit.
    """
    room = longest.level - float(longest.value.min())
    if rung.level == longest.level or not room > 0:
        return rung
    regret = np.clip((rung.value - rung.value.min()) / room, 0.0, 1.0)
    return replace(rung, regret=np.where(rung.failed, 1.0, regret))
