"""How much a learning rate that is off costs."""

import math
from collections.abc import Sequence

import numpy as np

from rightrate.search.compare_record import Contender, RateReading, Sensitivity
from rightrate.tasks.task import Objective

__all__ = ["sensitivities"]


def sensitivities(
    found: Sequence[RateReading], shared: Sequence[float], *, objective: Objective, untrained: float
) -> tuple[Sensitivity, ...]:
    """Return the learning rate sensitivity of every contender with at least two rates, the lowest first.

    With L(lr) the objective (smaller is better) and L0 that of having learned nothing, each run's L is
    capped at L0, a run that failed counts as L0, and the mean over the seeds is taken. Then

        excess(lr) = L(lr) - min over lr of L,    sensitivity = mean over log(lr) of excess(lr)

    where the mean is the trapezoidal rule over log(lr), so that unevenly spaced rates weigh what they stand
    for. It is taken over the rates that all contenders share, or over each one's own where they share fewer
    than two.

    Args:
        found: What was reached at every rate.
        shared: The rates at which all contenders were trained.
        objective: What is judged.
        untrained: The objective of having learned nothing.

    References:
        Wortsman et al. (2023), Small-scale proxies for large-scale Transformer training instabilities,
        section 2: the expected deviation from the optimum over a range of rates, capped at initialisation.
    """
    made = []
    for contender in dict.fromkeys(reading.contender for reading in found):
        own = [reading for reading in found if reading.contender == contender]
        kept = [reading for reading in own if len(shared) < 2 or reading.lr in shared]
        if len(kept) > 1:
            made.append(_sensitivity(contender, kept, objective, objective.worse_first(untrained)))
    return tuple(sorted(made, key=lambda item: item.mean))


def _sensitivity(
    contender: Contender, kept: Sequence[RateReading], objective: Objective, level: float
) -> Sensitivity:
    losses = [
        sum(_capped(objective.worse_first(value), level) for value in reading.values) / len(reading.values)
        for reading in kept
    ]
    excess = np.array(losses) - min(losses)
    places = np.log([reading.lr for reading in kept])
    mean = float(np.trapezoid(excess, places) / (places[-1] - places[0]))
    return Sensitivity(
        contender=contender,
        lrs=tuple(reading.lr for reading in kept),
        excess=tuple(float(number) for number in excess),
        mean=mean,
    )


def _capped(value: float, level: float) -> float:
    return min(value, level) if math.isfinite(value) else level
