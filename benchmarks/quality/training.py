"""Training of single cases by the plain serial engine."""

import math
import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from benchmarks.quality.cases import Case
from benchmarks.quality.runs import Run
from benchmarks.quality.tasks import load
from rightrate.population import SerialPopulation, prepare
from rightrate.population.program import normalisations
from rightrate.schedules import resolve, shape_values
from rightrate.search.compress import compress
from rightrate.search.levels import untrained_metrics

__all__ = ["POINTS", "length", "train", "untrained"]

POINTS = 27
"""Validations along a full run: a power of three, as the brackets of successive halving want it."""

_SHORT_POINTS = 3
_RECALIBRATION_BATCHES = 16


def length(case: Case) -> int:
    """Return the length of the real run in optimizer steps."""
    return int(load(case.task).info.steps or 0)


def untrained(case: Case) -> float:
    """Return the validation loss of having learned nothing."""
    prepared = prepare(load(case.task), case.optimizer)
    return untrained_metrics(prepared, prepared.setup(0)).metrics["loss"]


def train(case: Case, steps: int, seed: int, lrs: Sequence[float], kind: str = "grid") -> list[Run]:
    """Train each rate from the start under the case's schedule, compressed if `steps` is short of the run.

    Normalisation statistics of a shortened run are estimated anew before it is judged, on a fork; a run of
    full length is judged as it is.
    """
    torch.set_num_threads(1)
    prepared = prepare(load(case.task), case.optimizer)
    full = length(case)
    shape = compress(shape_values(resolve(case.schedule, total_steps=full), full), steps)
    began = time.process_time()
    setup = prepared.setup(seed)
    population = SerialPopulation(setup, len(lrs))
    points = POINTS if steps == full else _SHORT_POINTS
    stops = sorted({round(steps * (point + 1) / points) for point in range(points)})
    losses, accuracies = [], np.full(len(lrs), np.nan)
    again = steps < full and bool(normalisations(setup.program))
    for start, stop in pairwise((0, *stops)):
        trained = population.advance(shape[start:stop, None] * np.array(lrs))
        judged = population.take(range(len(lrs))) if again else population
        if again:
            judged.recalibrate(_RECALIBRATION_BATCHES)
        metrics = judged.evaluate()
        # A member whose training loss was not finite has failed, whatever its frozen weights still say.
        losses.append(np.where(np.isfinite(trained[-1]), metrics["loss"], np.nan))
        accuracies = metrics.get("accuracy", accuracies)
    seconds = (time.process_time() - began) / len(lrs)
    curves = np.array(losses).T
    return [
        Run(
            case=case,
            steps=steps,
            seed=seed,
            lr=lr,
            kind=kind,
            seconds=seconds,
            accuracy=float(accuracy) if math.isfinite(accuracy) else None,
            losses=tuple(float(loss) for loss in curve),
        )
        for lr, curve, accuracy in zip(lrs, curves, accuracies, strict=True)
    ]
