"""Judging members: as they are, and as they would be if they were annealed now."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rightrate.population.program import Program, normalisations
from rightrate.schedules import FloatArray
from rightrate.search.compress import compress
from rightrate.search.rounds import Round

__all__ = ["annealed_table", "metrics_of"]

_MEMORY = 10.0  # running statistics with momentum m are taken to have arrived after 10 / m steps
_RECALIBRATION_BATCHES = 16


def metrics_of(population: Any, program: Program, length: int) -> Mapping[str, FloatArray]:
    """Return every metric on the validation data, shape (K,) each.

    Before the whole length normalisation statistics are re-estimated on a copy, where they may not have
    arrived; a member that was trained for the whole length is judged as it is, as the run will be.

    Args:
        population: The members; not changed.
        program: One model like theirs, whose normalisations are looked at.
        length: Of the whole run, in optimizer steps.
    """
    judged = population
    memories = [_MEMORY / (part.momentum or 0.1) for part in normalisations(program)]
    if population.step < length and any(population.step < memory for memory in memories):
        judged = population.take(range(population.size))
        judged.recalibrate(_RECALIBRATION_BATCHES)
    found: Mapping[str, FloatArray] = judged.evaluate()
    return found


def annealed_table(asked: Round, step: int, shape: FloatArray, *, decays: bool) -> FloatArray:
    """Return the rates of annealed copies, shape (steps, members).

    Where the run's own schedule decays, what is left of it is compressed; otherwise rates fall to zero on a
    straight line: `lr * (1 - i / steps)`.

    Args:
        asked: The round, with its annealing.
        step: Optimizer steps taken at the end of the round, less than the run's length.
        shape: Fraction of the peak at each step of the run, shape (S,).
        decays: Whether the run's schedule decays.
    """
    if asked.annealing is None:
        return np.empty((0, 0))
    steps = asked.annealing.steps
    if decays:
        fractions = compress(shape[step:], min(steps, len(shape) - step))
    else:
        fractions = shape[step] * (1 - np.arange(steps) / steps)
    lrs = np.array([asked.lrs[member] for member in asked.annealing.members])
    table: FloatArray = fractions[:, None] * lrs
    return table
