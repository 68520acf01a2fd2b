"""Training of single cases by the plain serial engine."""

import functools
import math
import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from benchmarks.quality.cases import Case, grid
from benchmarks.quality.runs import Run
from benchmarks.quality.tasks import load
from rightrate.population import SerialPopulation, prepare
from rightrate.population.calibrate import calibrate
from rightrate.population.factory import Populations
from rightrate.population.program import normalisations
from rightrate.schedules import resolve, shape_values
from rightrate.search.compress import compress
from rightrate.search.levels import Untrained, untrained_metrics
from rightrate.search.seen import seen_batches

__all__ = ["POINTS", "epoch", "length", "start", "train", "untrained"]

POINTS = 27
"""Validations along a full run: a power of three, as the brackets of successive halving want it."""

_SHORT_POINTS = 3
_RECALIBRATION_BATCHES = 16
_MEMORY = (
    10.0  # running statistics with momentum m are taken to have arrived after 10 / m steps, as in `find`
)


def length(case: Case) -> int:
    """Return the length of the real run in optimizer steps."""
    return int(load(case.task).info.steps or 0)


@functools.cache
def epoch(task: str) -> int | None:
    """Return the optimizer steps of one pass over a task's training data."""
    return prepare(load(task), "sgd").steps_per_epoch


def untrained(case: Case) -> float:
    """Return the validation loss of having learned nothing."""
    return _levels(case.task).metrics["loss"]


def start(case: Case) -> float:
    """Return the validation loss at the initial weights."""
    return _levels(case.task).start["loss"]


@functools.cache
def _levels(task: str) -> Untrained:
    prepared = prepare(load(task), "sgd")
    return untrained_metrics(prepared, prepared.setup(0))


def train(case: Case, steps: int, seed: int, lrs: Sequence[float], kind: str = "grid") -> list[Run]:
    """Train each rate from the start under the case's schedule, compressed if `steps` is short of the run.

    Runs of full length are plain models, each with its real torch optimizer (the serial engine), judged as
    they are. Shortened ones are trained by the engine that `find` would choose; where their normalisation
    statistics cannot have arrived, those are estimated anew before a judgement, on a fork.
    """
    torch.set_num_threads(1)
    full = length(case)
    shape = compress(shape_values(resolve(case.schedule, total_steps=full), full), steps)
    whole = steps == full
    engine = None if whole else _engine(case)
    began = time.process_time()
    setup = engine.setup(seed) if engine else prepare(load(case.task), case.optimizer).setup(seed)
    population = engine.make(len(lrs), seed) if engine else SerialPopulation(setup, len(lrs))
    points = POINTS if whole else _SHORT_POINTS
    stops = sorted({round(steps * (point + 1) / points) for point in range(points)})
    losses, accuracies, seen = [], np.full(len(lrs), np.nan), None
    arrived = max((_MEMORY / (part.momentum or 0.1) for part in normalisations(setup.program)), default=0)
    for start, stop in pairwise((0, *stops)):
        trained = population.advance(shape[start:stop, None] * np.array(lrs))
        judged = population
        if not whole and steps < arrived:
            judged = population.take(range(len(lrs)))
            judged.recalibrate(_RECALIBRATION_BATCHES)
        metrics = judged.evaluate()
        # A member whose training loss was not finite has failed, whatever its frozen weights still say.
        losses.append(np.where(np.isfinite(trained[-1]), metrics["loss"], np.nan))
        accuracies = metrics.get("accuracy", accuracies)
    if not whole:
        batches = seen_batches(setup.train, seed, steps * setup.training.accumulate)
        seen = judged.evaluate(batches)["loss"]
    seconds = (time.process_time() - began) / len(lrs)
    return [
        Run(
            case=case,
            steps=steps,
            seed=seed,
            lr=lr,
            kind=kind,
            seconds=seconds,
            accuracy=float(accuracy) if math.isfinite(accuracy) else None,
            seen=None if seen is None else float(seen[place]),
            losses=tuple(float(loss) for loss in curve),
        )
        for place, (lr, curve, accuracy) in enumerate(zip(lrs, np.array(losses).T, accuracies, strict=True))
    ]


@functools.lru_cache(maxsize=2)
def _engine(case: Case) -> Populations:
    """Return what makes populations of a case, calibrated once a process."""
    prepared = prepare(load(case.task), case.optimizer)
    size = len(grid(case.optimizer))
    verdict = calibrate(prepared, size=size, member_steps=2 * length(case) * size).verdict
    return Populations(prepared, verdict)
