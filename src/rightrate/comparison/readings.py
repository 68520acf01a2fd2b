"""Every contender at every rate over the seeds, and each one's best rate."""

import math
from collections.abc import Mapping, Sequence

from rightrate.comparison.fitting import fitting
from rightrate.search.compare_record import Best, CompareTrial, Contender, RateReading
from rightrate.tasks.task import Objective

__all__ = ["bests", "mean_of", "readings", "regret", "shared_lrs"]


def regret(reached: float, best: float, untrained: float) -> float:
    """Return what share of all there is to gain was not gained, in [0, 1].

    The formula is (reached - best) / (untrained - best), clipped; values are those of an objective of which
    smaller is better. What is not finite counts as 1, and so does everything where nothing trains.

    Example:
        >>> regret(0.5, 0.25, 1.25), regret(math.nan, 0.25, 1.25)
        (0.25, 1.0)
    """
    if not math.isfinite(reached) or not untrained > best:
        return 1.0
    return min(1.0, max(0.0, (reached - best) / (untrained - best)))


def readings(
    trials: Sequence[CompareTrial], *, objective: Objective, untrained: Mapping[str, float], tolerance: float
) -> tuple[RateReading, ...]:
    """Return what every contender reached at every rate, in the order of the trials, rates ascending.

    Runs that failed count as the untrained level where the best rate is looked for. A rate is good where
    its regret against the contender's own best rate is within the tolerance; any other is too low or too
    high, as it lies below or above that rate.

    Args:
        trials: All of them.
        objective: What they are judged by.
        untrained: "loss" and the objective at the level of having learned nothing.
        tolerance: The largest regret of a good rate, in (0, 1).
    """
    level = objective.worse_first(untrained[objective.name])
    found: list[RateReading] = []
    for contender in dict.fromkeys(trial.contender for trial in trials):
        own = _by_rate([trial for trial in trials if trial.contender == contender])
        capped = {lr: _capped(group, objective, level) for lr, group in own.items()}
        best = min(capped, key=lambda lr: (capped[lr], lr))
        for lr, group in own.items():
            values = tuple(trial.valid.get(objective.name, math.nan) for trial in group)
            cost = regret(capped[lr], capped[best], level)
            found.append(
                RateReading(
                    contender=contender,
                    lr=lr,
                    values=values,
                    mean=mean_of(values),
                    regret=cost,
                    kind="good" if cost <= tolerance else "too low" if lr < best else "too high",
                    fitting=fitting(group, untrained=untrained["loss"], tolerance=tolerance),
                )
            )
    return tuple(found)


def bests(found: Sequence[RateReading], objective: Objective) -> tuple[Best, ...]:
    """Return every contender at its own best rate, the best first; those of which nothing trained, last."""
    chosen: list[Best] = []
    for contender in dict.fromkeys(reading.contender for reading in found):
        own = [reading for reading in found if reading.contender == contender]
        best = min(own, key=lambda reading: (reading.regret, _worse_first(reading, objective), reading.lr))
        edge = len(own) > 2 and best.lr in (own[0].lr, own[-1].lr)
        chosen.append(Best(contender=contender, lr=best.lr, mean=best.mean, edge=edge))
    return tuple(sorted(chosen, key=lambda best: _order(objective.worse_first(best.mean))))


def shared_lrs(found: Sequence[RateReading]) -> tuple[float, ...]:
    """Return the rates at which every contender was trained, ascending."""
    rates: dict[Contender, set[float]] = {}
    for reading in found:
        rates.setdefault(reading.contender, set()).add(reading.lr)
    return tuple(sorted(set.intersection(*rates.values()))) if rates else ()


def mean_of(values: Sequence[float]) -> float:
    """Return the mean; NaN where one is not finite or there is none."""
    return sum(values) / len(values) if values and all(map(math.isfinite, values)) else math.nan


def _by_rate(trials: Sequence[CompareTrial]) -> dict[float, list[CompareTrial]]:
    groups: dict[float, list[CompareTrial]] = {}
    for trial in sorted(trials, key=lambda trial: (trial.lr, trial.seed)):
        groups.setdefault(trial.lr, []).append(trial)
    return groups


def _capped(trials: Sequence[CompareTrial], objective: Objective, level: float) -> float:
    """Return the mean over seeds, smaller is better, each no worse than having learned nothing."""
    values = [objective.worse_first(trial.valid.get(objective.name, math.nan)) for trial in trials]
    return mean_of([min(value, level) if math.isfinite(value) else level for value in values])


def _worse_first(reading: RateReading, objective: Objective) -> float:
    return _order(objective.worse_first(reading.mean))


def _order(value: float) -> float:
    return value if math.isfinite(value) else math.inf
