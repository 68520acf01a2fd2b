"""How soon a target is reached, in steps and in seconds."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from rightrate.search.compare_record import Best, CompareTrial, Reached
from rightrate.tasks.task import Objective

__all__ = ["default_target", "first_step", "times_to_target"]

_REGRET = 0.1


def default_target(best: float, untrained: float) -> float:
    """Return the objective at a regret of a tenth: nine tenths of what the best contender gained.

    Example:
        >>> default_target(best=0.5, untrained=1.5)
        0.6
    """
    return best + _REGRET * (untrained - best)


def first_step(steps: Sequence[int], values: Sequence[float], target: float) -> float | None:
    """Return when a curve first came down to a target, between judgements on a straight line; None if never.

    Args:
        steps: Steps taken before each judgement, ascending.
        values: The objective there, smaller is better.
        target: The objective to reach.

    Example:
        >>> first_step([100, 200], [3.0, 1.0], 2.0), first_step([100, 200], [3.0, 2.5], 2.0)
        (150.0, None)
    """
    for place, (step, value) in enumerate(zip(steps, values, strict=True)):
        if not value <= target:
            continue
        before = values[place - 1] if place else math.nan
        if not math.isfinite(before):
            return float(step)
        share = (before - target) / (before - value)
        return steps[place - 1] + share * (step - steps[place - 1])
    return None


def times_to_target(
    trials: Sequence[CompareTrial],
    best: Sequence[Best],
    target: float,
    *,
    objective: Objective,
    step_seconds: Mapping[str, float | None],
) -> tuple[Reached, ...]:
    """Return how soon every contender reached the target at its own best rate: the median over the seeds.

    Args:
        trials: All of them.
        best: Every contender at its own best rate.
        target: In the objective's own unit and direction.
        objective: What is judged.
        step_seconds: By optimizer: seconds of training a step and member.
    """
    found = []
    for item in best:
        own = [trial for trial in trials if trial.contender == item.contender and trial.lr == item.lr]
        firsts = [_first(trial, target, objective) for trial in own]
        reached = [step for step in firsts if step is not None]
        steps = median(reached) if len(reached) == len(own) else None
        seconds = step_seconds.get(item.contender.optimizer)
        timed = None if steps is None or seconds is None else steps * seconds
        found.append(Reached(contender=item.contender, steps=steps, seconds=timed, seeds=len(reached)))
    return tuple(found)


def _first(trial: CompareTrial, target: float, objective: Objective) -> float | None:
    values = [objective.worse_first(value) for value in trial.curves.valid[objective.name]]
    return first_step(trial.curves.judged_steps, values, objective.worse_first(target))
