"""Regret against the grid of full-length runs.

At a rate, truth is the mean over seeds of the validation loss, each clipped at the untrained level. The best
loss is the lowest point of that curve smoothed over neighbouring rates, so that a lucky rate does not set
the mark. What a picked rate reaches is interpolated in log lr between the two rates of the grid around it, if
both trained; beside a cliff the picked rate itself is trained with all seeds.
"""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.cases import SEEDS, TRUTH, Case
from benchmarks.quality.truth import train

__all__ = ["Truth", "read_truth"]

_TRAINED = 0.5


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The grid of one case.

    Args:
        case: Which one.
        lr: Rates, ascending, (R,).
        losses: Final validation loss of each seed at each rate, clipped at untrained, (seeds, R).
        untrained: Loss of having learned nothing.
    """

    case: Case
    lr: np.ndarray
    losses: np.ndarray
    untrained: float

    @property
    def mean(self) -> np.ndarray:
        """Mean over seeds at each rate, (R,)."""
        return self.losses.mean(axis=0)

    def best(self) -> float:
        """Return the lowest loss of the smoothed curve."""
        return float(_smoothed(self.mean).min())

    def regret_of(self, loss: float) -> float:
        """Return the regret of a loss, in [0, 1]."""
        best = self.best()
        return float(np.clip((min(loss, self.untrained) - best) / (self.untrained - best), 0.0, 1.0))

    def reached(self, lr: float) -> tuple[float, str]:
        """Return the loss a rate reaches at full length, and how that is known."""
        place, grid = math.log10(lr), np.log10(self.lr)
        right = int(np.clip(np.searchsorted(grid, place), 1, len(grid) - 1))
        around = self.mean[right - 1 : right + 1]
        if grid[0] <= place <= grid[-1] and all(self.regret_of(value) < _TRAINED for value in around):
            return float(np.interp(place, grid, self.mean)), "grid"
        runs = [train(self.case, seed, [lr])[1][0] for seed in SEEDS]
        return float(np.mean([clipped(value, self.untrained) for value in runs])), "trained"

    def floor(self, draws: int = 500) -> float:
        """Return the mean regret of the best-looking rate on resampled seeds: what the grid cannot tell."""
        draw = np.random.default_rng(0)
        seeds = len(self.losses)
        picks = [int(self.losses[draw.integers(0, seeds, seeds)].mean(axis=0).argmin()) for _ in range(draws)]
        return float(np.mean([self.regret_of(self.mean[pick]) for pick in picks]))


def clipped(loss: float, untrained: float) -> float:
    """Return a loss, no worse than untrained; one that is not finite counts as untrained."""
    return min(loss, untrained) if math.isfinite(loss) else untrained


def read_truth(case: Case, untrained: float) -> Truth:
    """Return the grid of a case from the committed table."""
    table: dict[float, dict[int, float]] = defaultdict(dict)
    with TRUTH.open(newline="") as file:
        for row in csv.DictReader(file):
            if (row["task"], row["optimizer"], row["schedule"]) == (case.task, case.optimizer, case.schedule):
                table[float(row["lr"])][int(row["seed"])] = clipped(float(row["loss"]), untrained)
    rates = [lr for lr in sorted(table) if set(table[lr]) >= set(SEEDS)]
    if not rates:
        raise SystemExit(f"{TRUTH} has no complete rate for {case}; run: python -m benchmarks.quality.truth")
    losses = np.array([[table[lr][seed] for lr in rates] for seed in SEEDS])
    return Truth(case=case, lr=np.array(rates), losses=losses, untrained=untrained)


def _smoothed(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="edge")
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
