"""Recorded runs of one problem and optimizer, and what a shorter run at the same constant rate reached."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.quality.cases import Case
from benchmarks.quality.regret import Truth, clipped
from rightrate.optimizers.catalogue import named

__all__ = ["CURVES", "GRID", "MINIBATCH", "Pair", "read_pairs"]

GRID, CURVES, MINIBATCH = "deepobs_lr_grid.csv", "deepobs_epoch_curves.csv.gz", "deepobs_minibatch.npz"

_OPTIMIZERS = {"AdamOptimizer": "adam", "GradientDescentOptimizer": "sgd", "MomentumOptimizer": "momentum"}
_COLUMNS = {
    GRID: ("problem", "optimizer", "lr", "seed", "num_epochs", "n_minibatch", "final_test_loss"),
    CURVES: ("problem", "optimizer", "lr", "epoch", "train_loss", "test_loss", "test_acc"),
    MINIBATCH: ("problem", "optimizer", "lr", "seed", "first2000", "bin400_mean"),
}
_SEED = 42
_STANDARD_ERRORS = 3.0
_LEAST_WINDOW = 5
_WINDOW = 10

# What the best constant prediction reaches, for problems that predict: ten equally frequent classes; the
# frequencies of letters, and the mean image, as the levels at which runs of the records rest that learned
# nothing else.
_CONSTANT = {
    "cifar10_3c3d": math.log(10),
    "fmnist_2c2d": math.log(10),
    "mnist_vae": 52.92,
    "tolstoi_char_rnn": 3.12,
}
# Problems whose recorded losses contain a weight penalty that is not small beside the loss at the start.
_PENALISED = frozenset({"cifar10_3c3d"})


@dataclass(frozen=True, kw_only=True)
class Pair:
    """All runs of one problem and optimizer: constant rates, one seed, every rate for the same length.

    Args:
        problem: Name of the problem in the records.
        optimizer: Name of the optimizer in the catalogue.
        epoch_steps: Optimizer steps in an epoch.
        lrs: The recorded rates, ascending, R of them.
        losses: Test loss before the first and after every epoch, (R, epochs + 1).
        train_losses: Loss on training data likewise.
        accuracies: Test accuracy likewise; NaN where the problem has none.
        first: Training loss of the first steps, (R, at most 2,000).
        binned: Mean training loss of equal parts of the whole run, (R, 400).
        repeated: Final test losses of the rate that was run with several seeds.
    """

    problem: str
    optimizer: str
    epoch_steps: int
    lrs: tuple[float, ...]
    losses: np.ndarray
    train_losses: np.ndarray
    accuracies: np.ndarray
    first: np.ndarray
    binned: np.ndarray
    repeated: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.problem} {self.optimizer}"

    @property
    def steps(self) -> int:
        """Length of the full runs in optimizer steps."""
        return self.epoch_steps * (self.losses.shape[1] - 1)

    @property
    def start(self) -> float:
        """Test loss before training."""
        return float(self.losses[0, 0])

    @property
    def untrained(self) -> float:
        """Test loss of having learned nothing: the start or the best constant prediction."""
        return min(self.start, _CONSTANT.get(self.problem, math.inf))

    @property
    def told(self) -> float:
        """What a search is told is the untrained level.

        It differs where the recorded losses contain a weight penalty: then only the start, which contains the
        same penalty, can be compared with short runs.
        """
        return self.start if self.problem in _PENALISED else self.untrained

    def search_range(self) -> tuple[float, float]:
        """Return the rates a search starts with: the catalogue's, as far as they are recorded."""
        low, high = named(self.optimizer).search_range
        return max(low, self.lrs[0]), min(high, self.lrs[-1])

    def nearest(self, lr: float) -> int:
        """Return the place of the recorded rate that is nearest in log lr."""
        return int(np.argmin(np.abs(np.log(self.lrs) - math.log(lr))))

    def value(self, place: int, steps: int) -> float:
        """Return the loss at a recorded rate after so many steps; NaN once it was not finite.

        From one epoch on it is the test loss, linear between the epochs around. Below one epoch there is
        only the training loss: the mean over the last tenth of the steps, and over at least five of them.
        """
        if not 1 <= steps <= self.steps:
            raise ValueError(f"steps must be in [1, {self.steps}], got {steps}")
        if steps < self.epoch_steps:
            return self._training_loss(place, steps)
        return self._between_epochs(self.losses[place], steps)

    def seen(self, place: int, steps: int) -> float:
        """Return the loss on training data at a recorded rate after so many steps; NaN below one epoch."""
        return math.nan if steps < self.epoch_steps else self._between_epochs(self.train_losses[place], steps)

    def _between_epochs(self, losses: np.ndarray, steps: int) -> float:
        before, rest = divmod(steps, self.epoch_steps)
        known = losses[: before + (2 if rest else 1)]
        if not np.isfinite(known).all():
            return math.nan
        return float(np.interp(steps / self.epoch_steps, np.arange(len(known)), known))

    def _training_loss(self, place: int, steps: int) -> float:
        if steps > self.first.shape[1]:
            width = self.steps / self.binned.shape[1]
            seen = self.binned[place, : math.ceil(steps / width)]
            return float(seen[-1]) if np.isfinite(seen).all() else math.nan
        seen = self.first[place, :steps]
        if not np.isfinite(seen).all():
            return math.nan
        return float(seen[-max(_LEAST_WINDOW, steps // _WINDOW) :].mean())

    def truth(self) -> Truth:
        """Return the grid of the full runs, one seed a rate."""
        final = [np.array([clipped(float(loss), self.untrained)]) for loss in self.losses[:, -1]]
        accuracies = self.accuracies[:, -1]
        return Truth(
            case=Case(task=self.problem, optimizer=self.optimizer, schedule="constant"),
            lr=self.lrs,
            losses=tuple(final),
            accuracies=accuracies if np.isfinite(accuracies).all() else np.array([]),
            untrained=self.untrained,
        )

    def trains(self) -> bool:
        """Say whether the repeated rate is better than untrained by three standard errors of its seeds."""
        finals = np.array([clipped(loss, self.untrained) for loss in self.repeated])
        error = float(finals.std(ddof=1) / math.sqrt(len(finals))) if len(finals) > 1 else 0.0
        return bool(self.untrained - finals.mean() > _STANDARD_ERRORS * error)


def read_pairs(folder: Path) -> list[Pair]:
    """Return the pairs of a folder of records; a missing file or column ends the program with a sentence."""
    for name in _COLUMNS:
        if not (folder / name).is_file():
            raise SystemExit(f"There is no {name} in {folder}; the records are {', '.join(_COLUMNS)}.")
    grid, curves = pd.read_csv(folder / GRID), pd.read_csv(folder / CURVES)
    with np.load(folder / MINIBATCH, allow_pickle=False) as file:
        minibatch = {name: file[name] for name in file.files}
    for name, found in ((GRID, grid.columns), (CURVES, curves.columns), (MINIBATCH, minibatch)):
        missing = [column for column in _COLUMNS[name] if column not in found]
        if missing:
            raise SystemExit(f"{name} has no {', '.join(missing)}; it needs {', '.join(_COLUMNS[name])}.")
    pairs = []
    for (problem, optimizer), runs in grid.groupby(["problem", "optimizer"], sort=True):
        if optimizer not in _OPTIMIZERS:
            raise SystemExit(f"{GRID}: optimizer {optimizer} is none of {', '.join(_OPTIMIZERS)}.")
        own = curves[(curves.problem == problem) & (curves.optimizer == optimizer)]
        mask = (minibatch["problem"] == problem) & (minibatch["optimizer"] == optimizer)
        mask &= minibatch["seed"] == _SEED
        pairs.append(_pair(str(problem), str(optimizer), runs, own, minibatch, np.flatnonzero(mask)))
    return pairs


def _pair(
    problem: str,
    optimizer: str,
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    minibatch: dict[str, np.ndarray],
    rows: np.ndarray,
) -> Pair:
    name = f"{problem} {optimizer}"
    epochs, steps = int(runs.num_epochs.iloc[0]), int(runs.n_minibatch.iloc[0])
    if epochs < 1 or steps % epochs or runs.num_epochs.nunique() > 1 or runs.n_minibatch.nunique() > 1:
        raise SystemExit(f"{GRID}: the runs of {name} have no common number of steps in an epoch.")
    first_seed = runs[runs.seed == _SEED].sort_values("lr")
    lrs = tuple(float(f"{lr:.4g}") for lr in first_seed.lr)
    keyed = curves.assign(lr=[_key(lr) for lr in curves.lr])
    losses = keyed.pivot(index="lr", columns="epoch", values="test_loss")
    train_losses = keyed.pivot(index="lr", columns="epoch", values="train_loss")
    accuracies = keyed.pivot(index="lr", columns="epoch", values="test_acc")
    order = {_key(float(minibatch["lr"][row])): int(row) for row in rows}
    keys = [_key(lr) for lr in lrs]
    if sorted(order) != keys or list(losses.index) != keys or list(losses.columns) != list(range(epochs + 1)):
        raise SystemExit(f"The three files do not hold the same runs of {name} with seed {_SEED}.")
    places = [order[key] for key in keys]
    repeated = (
        runs[np.isclose(runs.lr, runs[runs.seed != _SEED].lr.iloc[0])] if runs.seed.nunique() > 1 else None
    )
    finals = losses.to_numpy()[:, -1]
    return Pair(
        problem=problem,
        optimizer=_OPTIMIZERS[optimizer],
        epoch_steps=steps // epochs,
        lrs=lrs,
        losses=losses.to_numpy(dtype=np.float64),
        train_losses=train_losses.to_numpy(dtype=np.float64),
        accuracies=accuracies.to_numpy(dtype=np.float64),
        first=minibatch["first2000"][places, :steps].astype(np.float64),
        binned=minibatch["bin400_mean"][places].astype(np.float64),
        repeated=tuple(
            float(loss) for loss in ([np.nanmin(finals)] if repeated is None else repeated.final_test_loss)
        ),
    )


def _key(lr: float) -> float:
    """Return log10 of a rate, the same for the roundings of the three files."""
    return round(math.log10(lr), 3)
