"""Recorded training runs with what became of them, as blocks that detectors can be shown."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from benchmarks.quality.replays.pair import GRID, MINIBATCH, Pair, read_pairs
from rightrate.watch.course import Course
from rightrate.watch.detector import Block, Detector, Facts, Rates
from rightrate.watch.finding import Finding

__all__ = ["CHANCE_LOSS", "TUNED_ON", "Label", "Recorded", "findings_of", "read_runs"]

Label = Literal["bad", "healthy", "too low", "too high", "-"]

CHANCE_LOSS = {"cifar10_3c3d": math.log(10), "fmnist_2c2d": math.log(10), "tolstoi_char_rnn": 3.12}
"""What is told of the constant prediction's loss: of the problems that predict classes."""
TUNED_ON = ("cifar10_3c3d", "mnist_vae", "quadratic_deep")
"""The problems at which the detectors' numbers were chosen."""
_BAD, _HEALTHY, _TRAINED = 0.9, 0.05, 0.2
_BLOCK = 32
_SEED = 42


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One recorded run.

    Args:
        pair: Its problem and optimizer, with what all rates reached.
        lr: Its constant rate.
        seed: Its seed.
        steps: Its length.
        rows: (step, loss): each of the first 2,000 steps, then means of 400 equal parts of the run.
        validations: (step, test loss) after every epoch; of seed 42 alone.
        final: Test loss at its end.
    """

    pair: Pair
    lr: float
    seed: int
    steps: int
    rows: tuple[tuple[int, float], ...]
    validations: tuple[tuple[int, float], ...]
    final: float

    @property
    def regret(self) -> float:
        """Regret of the final test loss; 1 where it is not finite."""
        return self.pair.truth().regret_of(self.final) if math.isfinite(self.final) else 1.0

    @property
    def best_lr(self) -> float:
        """The rate with the lowest final test loss."""
        finals = np.where(np.isfinite(self.pair.losses[:, -1]), self.pair.losses[:, -1], math.inf)
        return self.pair.lrs[int(np.argmin(finals))]

    @property
    def label(self) -> Label:
        """What became of it: bad above a regret of 0.9, healthy up to 0.05, above 0.2 by the rate's side."""
        regret = self.regret
        if not self.pair.trains() or regret > _BAD:
            return "bad"
        if regret <= _HEALTHY:
            return "healthy"
        if regret <= _TRAINED:
            return "-"
        return "too low" if self.lr < self.best_lr else "too high"

    def lost_since(self) -> int:
        """Return the first step from which on the recorded loss stays where the regret is above 0.9."""
        truth = self.pair.truth()
        border = truth.untrained - (1.0 - _BAD) * (truth.untrained - min(truth.mean))
        since = self.steps
        for step, loss in reversed(self.rows):
            if loss < border:
                break
            since = step
        return since


def read_runs(folder: Path) -> list[Recorded]:
    """Return all recorded runs of a folder; a missing file or column ends the program with a sentence."""
    pairs = {(pair.problem, pair.optimizer): pair for pair in read_pairs(folder)}
    by_name = {"AdamOptimizer": "adam", "GradientDescentOptimizer": "sgd", "MomentumOptimizer": "momentum"}
    grid = pd.read_csv(folder / GRID)
    finals = {
        (run.problem, run.optimizer, _key(run.lr), int(run.seed)): float(run.final_test_loss)
        for run in grid.itertuples()
    }
    with np.load(folder / MINIBATCH, allow_pickle=False) as file:
        kept = {name: file[name] for name in file.files}
    runs = []
    for place in range(len(kept["lr"])):
        problem, optimizer = str(kept["problem"][place]), str(kept["optimizer"][place])
        lr, seed, steps = (
            float(kept["lr"][place]),
            int(kept["seed"][place]),
            int(kept["n_minibatch"][place]),
        )
        pair = pairs[problem, by_name[optimizer]]
        rows = _rows(steps, kept["first2000"][place].astype(float), kept["bin400_mean"][place].astype(float))
        runs.append(
            Recorded(
                pair=pair,
                lr=float(f"{lr:.4g}"),
                seed=seed,
                steps=steps,
                rows=rows,
                validations=_validations(pair, lr) if seed == _SEED else (),
                final=finals[problem, optimizer, _key(lr), seed],
            )
        )
    return runs


def findings_of(run: Recorded, detectors: dict[str, Detector], *, told: bool) -> list[Finding]:
    """Return what detectors find in a run.

    Args:
        run: The run.
        detectors: The detectors by name.
        told: Whether they are told the constant prediction's loss, where it is known.
    """
    chance = CHANCE_LOSS.get(run.pair.problem) if told else None
    facts = Facts(total_steps=run.steps, chance_loss=chance)
    states = {name: detector.init() for name, detector in detectors.items()}
    found: list[Finding] = []
    for block in _blocks(run, facts):
        for name, detector in detectors.items():
            new, states[name] = detector.update(states[name], block)
            found += new
    return found


def _blocks(run: Recorded, facts: Facts) -> Iterator[Block]:
    """Yield blocks of 32 steps; a recorded mean stands for more steps than that, and is a block itself."""
    course, validations = Course(), list(run.validations)
    dense = sum(step < len(run.rows) and step == place for place, (step, _) in enumerate(run.rows))
    starts = [*range(0, dense, _BLOCK), *range(dense, len(run.rows))]
    for start, end in zip(starts, [*starts[1:], len(run.rows)], strict=True):
        rows = run.rows[start : min(end, dense) if start < dense else end]
        steps, losses = tuple(step for step, _ in rows), tuple(loss for _, loss in rows)
        course = course.add(steps, losses, [run.lr] * len(steps))
        arrived = tuple(one for one in validations if one[0] <= steps[-1])
        validations = validations[len(arrived) :]
        yield Block(
            steps=steps,
            losses=losses,
            rates=Rates(applied=((run.lr,),) * len(steps)),
            validations=arrived,
            facts=facts,
            course=course,
        )


def _rows(steps: int, first: np.ndarray, binned: np.ndarray) -> tuple[tuple[int, float], ...]:
    dense = min(steps, len(first))
    edges = [round(place * steps / len(binned)) for place in range(len(binned) + 1)]
    middles = [(a + b) // 2 for a, b in pairwise(edges)]
    means = [
        (middle, float(mean))
        for middle, edge, mean in zip(middles, edges, binned, strict=False)
        if edge >= dense
    ]
    return (*((step, float(first[step])) for step in range(dense)), *means)


def _validations(pair: Pair, lr: float) -> tuple[tuple[int, float], ...]:
    losses = pair.losses[pair.nearest(lr)]
    return tuple(
        (epoch * pair.epoch_steps - 1, float(loss)) for epoch, loss in enumerate(losses) if epoch > 0
    )


def _key(lr: float) -> float:
    """Return log10 of a rate, the same for the roundings of the files."""
    return round(math.log10(lr), 3)
