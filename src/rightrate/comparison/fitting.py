"""Training against validation: still underfitting, at the sweet spot, or past it."""

import math
from collections.abc import Sequence

import numpy as np

from rightrate.schedules import FloatArray
from rightrate.search.compare_record import CompareTrial, Fitting

__all__ = ["fitting"]

_LAST_FRACTION = 0.2


def fitting(trials: Sequence[CompareTrial], *, untrained: float, tolerance: float) -> Fitting:
    """Return how training and validation loss went at one rate, from their means over the seeds.

    With V the validation loss, T the loss on seen training batches and span = untrained - min V:

    - "not training": a run ended with a loss that is not finite, or V never fell below untrained;
    - V ended above its minimum by more than tolerance * span: it turned there. Where T is lower at the end
      than it was then, that is "overfitting", else the run became "unstable";
    - "underfitting": V fell by more than tolerance * span within the last fifth of the run;
    - "sweet spot": none of these.

    Args:
        trials: The seeds of one contender at one rate, judged at the same steps.
        untrained: The validation loss of having learned nothing.
        tolerance: The share of all there is to gain that counts as a change, in (0, 1).
    """
    steps = trials[0].curves.judged_steps
    valid, seen = _mean(trials, "valid"), _mean(trials, "seen")
    gap = float(valid[-1] - seen[-1])
    dead = any(not math.isfinite(trial.valid["loss"]) for trial in trials)
    finite = valid[np.isfinite(valid)]
    if dead or not len(finite) or finite.min() >= untrained:
        return Fitting(kind="not training", turned_step=None, gap=gap)
    lowest = int(np.nanargmin(valid))
    change = tolerance * (untrained - float(valid[lowest]))
    if valid[-1] - valid[lowest] > change:
        fell = seen[-1] < seen[lowest]
        return Fitting(kind="overfitting" if fell else "unstable", turned_step=steps[lowest], gap=gap)
    before = np.interp((1 - _LAST_FRACTION) * steps[-1], steps, valid)
    falling = before - valid[-1] > change
    return Fitting(kind="underfitting" if falling else "sweet spot", turned_step=None, gap=gap)


def _mean(trials: Sequence[CompareTrial], which: str) -> FloatArray:
    means: FloatArray = np.mean([getattr(trial.curves, which)["loss"] for trial in trials], axis=0)
    return means
