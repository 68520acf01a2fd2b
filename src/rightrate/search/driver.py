"""Carrying actions out: tables cut into blocks, progress, interruption, evaluation, what it cost."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from rightrate.population.factory import Populations
from rightrate.population.program import normalisations
from rightrate.schedules import FloatArray
from rightrate.search.compress import compress
from rightrate.search.record import Curve, Trial
from rightrate.search.seen import seen_batches
from rightrate.search.space import Action

__all__ = ["Driver", "Progress", "Stopped", "geometric"]

_BLOCK_SECONDS = 1.0
_KEPT_POINTS = 200
_RECALIBRATION_BATCHES = 16
_ON_THE_WAY = 0.1  # of the training: what evaluations before the end may take
_BACKWARD = 3  # a training step is taken to cost as much as three forward passes
_MEMORY = 10.0  # running statistics with momentum m are taken to have arrived after 10 / m steps


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """The search was asked to stop; what finished before is kept."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a search is, for whoever shows it.

    Args:
        action: What is being trained.
        done: Steps of it taken.
        spent: Member-steps of the whole search so far.
        allowance: Member-steps that may be spent in all; 0 if there is no limit.
        seconds: Wall time so far.
    """

    action: Action
    done: int
    spent: int
    allowance: int
    seconds: float


@dataclass
class Driver:
    """Trains what a strategy asks for.

    Args:
        populations: Makes the populations.
        shape: Fraction of the peak at each step of the real run, shape (S,).
        watch: Called between blocks; may raise `Stopped`.
        allowance: Member-steps that may be spent, for those who watch; 0 if there is no limit.
    """

    populations: Populations
    shape: FloatArray
    watch: Callable[[Progress], None]
    allowance: int = 0
    spent: dict[str, int] = field(default_factory=lambda: {"range": 0, "probe": 0, "confirm": 0})
    evaluation_forwards: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: {"train": 0.0, "evaluate": 0.0})
    _began: float = field(default_factory=time.perf_counter)
    _valid_batches: int = 0

    def run(self, action: Action) -> tuple[Trial, ...]:
        """Train the action's members from the start and judge them."""
        if action.kind == "range":
            table = geometric(action.lrs[0], action.lrs[-1], action.steps)[:, None]
        else:
            table = compress(self.shape, action.steps)[:, None] * np.array(action.lrs)
        population: Any = self.populations.make(table.shape[1], action.seed)
        stops = (action.steps,) if action.kind == "range" else self._stops(action.steps)
        losses: list[FloatArray] = []
        judged: list[tuple[int, dict[str, FloatArray]]] = []
        for start, stop in pairwise((0, *stops)):
            losses.append(self._train(population, table[start:stop], action))
            if action.kind != "range":
                fork = self._to_judge(population, action)
                judged.append((stop, self._judge(fork)))
        if action.kind == "range":
            return (self._range_trial(action, table, np.concatenate(losses)),)
        seen = self._judge(fork, self._seen(action))
        return _trials(action, table, np.concatenate(losses), judged, seen)

    def _stops(self, steps: int) -> tuple[int, ...]:
        """Return the steps after which members are judged: the end, and on the way where that is cheap."""
        prepared = self.populations.prepared
        train, training = prepared.train, prepared.task.training
        batch: float = training.batch_size
        if train.samples and train.batches_per_epoch:
            batch = train.samples / train.batches_per_epoch
        trained = _BACKWARD * steps * training.accumulate * batch
        if steps < 64 or 2 * (prepared.valid.samples or 0) > _ON_THE_WAY * trained:
            return (steps,)
        return (steps // 4, steps // 2, steps)

    def _train(self, population: Any, table: FloatArray, action: Action) -> FloatArray:
        """Advance in blocks of about a second."""
        rows: list[FloatArray] = []
        block, done = 8, 0
        while done < len(table):
            began = time.perf_counter()
            part = table[done : done + block]
            rows.append(population.advance(part))
            done += len(part)
            elapsed = time.perf_counter() - began
            self.seconds["train"] += elapsed
            self.spent[action.kind] += part.size
            block = int(min(1024, max(1, len(part) * _BLOCK_SECONDS / max(elapsed, 1e-6))))
            now = time.perf_counter() - self._began
            spent = sum(self.spent.values())
            self.watch(
                Progress(
                    action=action,
                    done=population.step,
                    spent=spent,
                    allowance=self.allowance,
                    seconds=now,
                )
            )
        return np.concatenate(rows) if rows else np.empty((0, table.shape[1]))

    def _to_judge(self, population: Any, action: Action) -> Any:
        """Return what is judged: after a short training a fork whose normalisation statistics have arrived.

        A member trained for the whole length of the real run is judged as it is, as the run will be.
        """
        began = time.perf_counter()
        judged = population
        parts = normalisations(self.populations.setup(action.seed).program)
        short = action.steps < len(self.shape)
        if short and any(action.steps < _MEMORY / (part.momentum or 0.1) for part in parts):
            judged = population.take(range(population.size))
            judged.recalibrate(_RECALIBRATION_BATCHES)
        self.seconds["evaluate"] += time.perf_counter() - began
        return judged

    def _judge(self, population: Any, batches: Sequence[Any] | None = None) -> dict[str, FloatArray]:
        """Return every metric on the validation data, or the loss on other batches."""
        began = time.perf_counter()
        values = dict(population.evaluate(batches))
        self._valid_batches = self._valid_batches or sum(1 for _ in self.populations.prepared.valid)
        count = self._valid_batches if batches is None else len(batches)
        self.evaluation_forwards += population.size * count
        self.seconds["evaluate"] += time.perf_counter() - began
        return values

    def _seen(self, action: Action) -> list[Any]:
        """Return some batches the action was trained on."""
        prepared = self.populations.prepared
        count = action.steps * prepared.task.training.accumulate
        return seen_batches(prepared.train, action.seed, count)

    def _range_trial(self, action: Action, table: FloatArray, losses: FloatArray) -> Trial:
        steps = _thinned(action.steps)
        curve = Curve(
            steps=tuple(steps),
            lr=tuple(float(table[step, 0]) for step in steps),
            train=tuple(float(losses[step, 0]) for step in steps),
        )
        return Trial(
            lr=action.lrs[-1],
            seed=action.seed,
            steps=action.steps,
            rung=action.rung,
            kind="range",
            curve=curve,
        )


def geometric(low: float, high: float, steps: int) -> FloatArray:
    """Return rates that grow by the same factor each step, from `low` to `high`, shape (steps,)."""
    return np.geomspace(low, high, steps)


def _thinned(steps: int) -> list[int]:
    places = np.unique(np.round(np.linspace(0, steps - 1, min(steps, _KEPT_POINTS))).astype(int))
    return [int(place) for place in places]


def _trials(
    action: Action,
    table: FloatArray,
    losses: FloatArray,
    judged: Sequence[tuple[int, dict[str, FloatArray]]],
    seen: dict[str, FloatArray],
) -> tuple[Trial, ...]:
    steps = _thinned(action.steps)
    trials = []
    for member, lr in enumerate(action.lrs):
        dead = not math.isfinite(losses[-1, member])
        metrics, on_seen = (
            {name: math.nan if dead else float(column[member]) for name, column in values.items()}
            for values in (judged[-1][1], seen)
        )
        curve = Curve(
            steps=tuple(steps),
            lr=tuple(float(table[step, member]) for step in steps),
            train=tuple(float(losses[step, member]) for step in steps),
            valid_steps=tuple(step for step, _ in judged),
            valid=tuple(float(values["loss"][member]) for _, values in judged),
        )
        trials.append(
            Trial(
                lr=lr,
                seed=action.seed,
                steps=action.steps,
                rung=action.rung,
                kind=action.kind,
                metrics=metrics,
                seen=on_seen,
                curve=curve,
            )
        )
    return tuple(trials)
