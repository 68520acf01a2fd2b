"""What differs over the seeds, and what does not."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from rightrate.search.compare_record import Best, Contender, Difference, RateReading
from rightrate.tasks.task import Objective

__all__ = ["differences", "interval"]

_LEVEL = 0.95
_RESAMPLES = 9999


def interval(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Return the interval of the mean of `second - first`, paired, and how often chance gives as much.

    Runs of one seed share weights and batches, so the differences seed by seed are what is resampled: the
    percentile bootstrap (Efron 1979) with 95 %. The interval cannot reach beyond the differences that were
    seen, which for three seeds are three numbers: it says how far the seeds agree, no more. So the exact
    permutation test of signs (Fisher 1935) stands beside it: the share of the 2 ** n choices of signs with as
    large a mean, which for n seeds is never below 2 ** (1 - n): a quarter for three, 1/32 for six.

    Args:
        first: One value for each seed, at least two, finite.
        second: As many.

    Returns:
        Lower end, upper end, chance.

    Example:
        >>> low, high, chance = interval([1.0, 1.0, 1.0], [1.5, 1.25, 2.0])
        >>> low, high, chance
        (0.25, 1.0, 0.25)
    """
    from scipy.stats import bootstrap, permutation_test

    pairs = (np.asarray(second, dtype=np.float64), np.asarray(first, dtype=np.float64))
    resampled = bootstrap(
        pairs,
        _mean_difference,
        paired=True,
        vectorized=True,
        confidence_level=_LEVEL,
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    signs = permutation_test(
        pairs,
        _mean_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_RESAMPLES,
        rng=np.random.default_rng(0),
    )
    return float(resampled.low), float(resampled.high), float(signs.pvalue)


def differences(
    best: Sequence[Best], found: Sequence[RateReading], objective: Objective
) -> tuple[Difference, ...]:
    """Return how every two contenders differ at their own best rates; none with a single seed.

    Contenders of which a run failed at the best rate are left out: there is no number to subtract.

    Args:
        best: Every contender at its own best rate, the best first.
        found: What was reached at every rate.
        objective: What is judged.
    """
    values: dict[Contender, tuple[float, ...]] = {}
    for item in best:
        own = next(
            reading.values
            for reading in found
            if reading.contender == item.contender and reading.lr == item.lr
        )
        if len(own) > 1 and all(map(math.isfinite, own)):
            values[item.contender] = own
    made = []
    for better, worse in combinations(values, 2):
        first, second = (_signed(values[contender], objective) for contender in (better, worse))
        low, high, chance = interval(first, second)
        mean = float(np.mean(np.subtract(second, first)))
        made.append(Difference(better=better, worse=worse, mean=mean, low=low, high=high, chance=chance))
    return tuple(made)


def _signed(values: Sequence[float], objective: Objective) -> list[float]:
    return [objective.worse_first(value) for value in values]


def _mean_difference(second: Any, first: Any, axis: int = -1) -> Any:
    return np.mean(second - first, axis=axis)
