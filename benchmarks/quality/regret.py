"""Regret against the grid of full-length runs.

At a rate, truth is the mean over seeds of the validation loss, each clipped at the untrained level. The best
loss is the lowest point of that curve smoothed over neighbouring rates, so that a lucky rate does not set
the mark. What a picked rate reaches is interpolated in log lr between the two rates of the grid around it, if
both trained; beside a cliff the picked rate itself is trained with three seeds.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.cases import Case
from benchmarks.quality.runs import Run

__all__ = ["Truth", "clipped"]

_TRAINED = 0.5
_STANDARD_ERRORS = 3.0
_SAME = 0.005


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The grid of one case.

    Args:
        case: Which one.
        lr: Rates, ascending, (R,).
        losses: Final validation losses at each rate, clipped at untrained: R arrays, one value a seed.
        accuracies: Final accuracy at each rate, mean over seeds, (R,); empty where the task has none.
        untrained: Loss of having learned nothing.
    """

    case: Case
    lr: tuple[float, ...]
    losses: tuple[np.ndarray, ...]
    accuracies: np.ndarray
    untrained: float

    @classmethod
    def of(cls, case: Case, runs: Iterable[Run], untrained: float, seeds: int | None = None) -> "Truth":
        """Return the grid of recorded runs; those shorter than the longest ones do not count.

        Args:
            case: Which one.
            runs: Recorded runs, of any case.
            untrained: Loss of having learned nothing.
            seeds: Use the seeds below this number only.
        """
        own = [run for run in runs if run.case == case and run.kind == "grid"]
        full = max((run.steps for run in own), default=0)
        table: dict[float, dict[int, Run]] = defaultdict(dict)
        for run in own:
            if run.steps == full and (seeds is None or run.seed < seeds):
                table[run.lr][run.seed] = run
        lrs = tuple(sorted(table))
        members = [[table[lr][seed] for seed in sorted(table[lr])] for lr in lrs]
        accurate = bool(own) and all(run.accuracy is not None for runs_ in members for run in runs_)
        return cls(
            case=case,
            lr=lrs,
            losses=tuple(
                np.array([clipped(run.losses[-1], untrained) for run in runs_]) for runs_ in members
            ),
            accuracies=np.array(
                [np.mean([run.accuracy or 0.0 for run in runs_]) for runs_ in members] if accurate else []
            ),
            untrained=untrained,
        )

    @property
    def mean(self) -> np.ndarray:
        """Mean over seeds at each rate, (R,)."""
        return np.array([losses.mean() for losses in self.losses])

    def best(self) -> float:
        """Return the lowest loss of the smoothed curve."""
        return float(_smoothed(self.mean).min())

    def trains(self) -> bool:
        """Say whether the best rate is better than untrained by three standard errors."""
        place = int(self.mean.argmin())
        losses = self.losses[place]
        error = float(losses.std(ddof=1) / math.sqrt(len(losses))) if len(losses) > 1 else math.inf
        return bool(self.untrained - losses.mean() > _STANDARD_ERRORS * error)

    def regret_of(self, loss: float) -> float:
        """Return the regret of a loss, in [0, 1]."""
        best = self.best()
        if best >= self.untrained:
            return 1.0
        return float(np.clip((min(loss, self.untrained) - best) / (self.untrained - best), 0.0, 1.0))

    def regret_at(self, lr: float) -> float:
        """Return the regret at a rate of the grid."""
        return self.regret_of(float(self.losses[self.lr.index(lr)].mean()))

    def between(self, lr: float) -> float | None:
        """Return the loss at a rate: as trained on the grid, interpolated between rates of it.

        Beyond a rate that did not train at the end of the grid, and between two that did not, nothing trains:
        the better one's loss is what such a rate gets. None beside a cliff, and off the grid where the
        outermost rate trained.
        """
        grid, mean = np.log10(self.lr), self.mean
        place = math.log10(lr)
        nearest = int(np.abs(grid - place).argmin())
        if abs(grid[nearest] - place) < _SAME:
            return float(mean[nearest])
        right = int(np.searchsorted(grid, place))
        beside = mean[max(0, right - 1) : right + 1]
        failed = [self.regret_of(float(value)) >= _TRAINED for value in beside]
        if all(failed):
            return float(beside.min())
        if any(failed) or len(beside) < 2:
            return None
        return float(np.interp(place, grid, mean))

    def accuracy_regret(self, lr: float) -> float | None:
        """Return how far the accuracy at a rate is from the best, in [0, 1]; None where there is none."""
        if not len(self.accuracies):
            return None
        best = float(_smoothed(self.accuracies).max())
        at = float(np.interp(math.log10(lr), np.log10(self.lr), self.accuracies))
        return max(0.0, best - at)

    def floor(self, draws: int = 200) -> float:
        """Return the mean regret of the best-looking rate on resampled seeds: what the grid cannot tell.

        A pick is judged by the smoothed curve; by its own losses the luckiest rate would always be the best.
        """
        draw = np.random.default_rng(0)
        mean = self.mean
        smoothed = _smoothed(mean)
        near = [place for place in range(len(self.lr)) if self.regret_of(float(mean[place])) < _TRAINED]
        if not near:
            return 0.0
        seeds = max(len(self.losses[place]) for place in near)
        total = 0.0
        for _ in range(draws):
            drawn = draw.integers(0, seeds, seeds)
            means = [self.losses[place][drawn % len(self.losses[place])].mean() for place in near]
            total += self.regret_of(float(smoothed[near[int(np.argmin(means))]]))
        return total / draws


def clipped(loss: float, untrained: float) -> float:
    """Return a loss, no worse than untrained; one that is not finite counts as untrained."""
    return min(loss, untrained) if math.isfinite(loss) else untrained


def _smoothed(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="edge")
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
