"""All that the trials of a comparison say."""

import math
from collections.abc import Mapping, Sequence

from rightrate.comparison.reached import default_target, times_to_target
from rightrate.comparison.readings import bests, readings, shared_lrs
from rightrate.comparison.sensitivity import sensitivities
from rightrate.comparison.significance import differences
from rightrate.search.compare_record import CompareAnalysis, CompareLevels, CompareTrial
from rightrate.tasks.task import Objective

__all__ = ["analysed"]


def analysed(
    trials: Sequence[CompareTrial],
    *,
    objective: Objective,
    untrained: Mapping[str, float],
    tolerance: float,
    target: float | None,
    step_seconds: Mapping[str, float | None],
) -> CompareAnalysis:
    """Return what the trials say: best rates, sensitivity, time to the target, what differs over the seeds.

    Args:
        trials: Every contender at every rate with every seed.
        objective: What they are judged by.
        untrained: "loss" and the objective at the level of having learned nothing.
        tolerance: The largest regret of a good rate, in (0, 1).
        target: The objective whose time is measured; None for a regret of a tenth of the best contender.
        step_seconds: By optimizer: seconds of training a step and member.
    """
    level = untrained[objective.name]
    if not trials:
        return CompareAnalysis(levels=CompareLevels(untrained=level, best=None, target=target))
    found = readings(trials, objective=objective, untrained=untrained, tolerance=tolerance)
    shared, best = shared_lrs(found), bests(found, objective)
    reached = best[0].mean if math.isfinite(best[0].mean) else None
    if target is None and reached is not None:
        target = default_target(reached, level)
    times = (
        ()
        if target is None
        else times_to_target(trials, best, target, objective=objective, step_seconds=step_seconds)
    )
    return CompareAnalysis(
        levels=CompareLevels(untrained=level, best=reached, target=target),
        readings=found,
        best=best,
        shared_lrs=shared,
        sensitivities=sensitivities(found, shared, objective=objective, untrained=level),
        reached=times,
        differences=differences(best, found, objective),
    )
