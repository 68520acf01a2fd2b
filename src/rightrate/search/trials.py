"""From what a population went through to trials: curves thinned, members that died without metrics."""

import math
from collections.abc import Sequence

import numpy as np

from rightrate.schedules import FloatArray
from rightrate.search.record import Curve, Trial
from rightrate.search.space import Action

__all__ = ["judged_trials", "range_trial"]

_KEPT_POINTS = 200


def range_trial(action: Action, table: FloatArray, losses: FloatArray) -> Trial:
    """Return a range test as a trial: its rates, shape (S, 1), and its losses likewise."""
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


def judged_trials(
    action: Action,
    table: FloatArray,
    losses: FloatArray,
    judged: Sequence[tuple[int, dict[str, FloatArray]]],
    seen: dict[str, FloatArray],
) -> tuple[Trial, ...]:
    """Return a trial for each member of an action.

    Args:
        action: What was trained.
        table: Its rates, shape (S, K).
        losses: Its training losses, shape (S, K).
        judged: Steps taken -> every metric on the validation data, in the order they were judged.
        seen: The loss on batches that were trained on.
    """
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
                epoch=action.epoch,
                metrics=metrics,
                seen=on_seen,
                curve=curve,
            )
        )
    return tuple(trials)


def _thinned(steps: int) -> list[int]:
    places = np.unique(np.round(np.linspace(0, steps - 1, min(steps, _KEPT_POINTS))).astype(int))
    return [int(place) for place in places]
