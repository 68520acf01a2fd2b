"""The slow sub-population of population-based training: judged by what it would reach if it were annealed.

The known weakness of population-based training with learning rates: a lower rate always looks better at
once, so that rates fall too early; Dalibard and Jaderberg, Faster Improvement Rate Population Based Training
(2021), https://arxiv.org/abs/2109.13800. Short horizons prefer low rates: Wu et al., Understanding
Short-Horizon Bias in Stochastic Meta-Optimization (ICLR 2018).

Dalibard and Jaderberg protect a sub-population from the greedy one, and judge it by evaluators: copies of it
that train at the greedy members' lower rates. Here copying members and training them for a while costs
nothing but steps, so that what an evaluator estimates is measured: copies of the slow members are annealed to
zero, and slow members are ranked by what these reach. In the second half of the run, where the rates of a
linear schedule would fall as well, the slow members are annealed themselves, so that each ends as it was
judged. Slow and greedy members never copy each other, and the best of both wins.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rightrate.search.ranges import tidy
from rightrate.search.rounds import Annealing
from rightrate.search.space import Space

__all__ = ["cooled", "judgement"]

_EVERY = 2
_FALLING = 0.5


def judgement(members: int, slow: int, *, number: int, ends: int, space: Space) -> Annealing | None:
    """Return how the slow members are judged after a round; None for not at all.

    Every second interval before they fall copies are annealed for half as many steps as were taken.

    Args:
        members: K; the last `slow` of them are slow.
        slow: How many.
        number: The round, from 0.
        ends: The steps taken at its end.
        space: The question.
    """
    if slow < 2 or (number + 1) % _EVERY or _falls(ends, space):
        return None
    places = tuple(range(members - slow, members))
    return Annealing(members=places, steps=max(1, round(_FALLING * ends)))


def cooled(
    cooling: Mapping[str, Any] | None,
    lrs: Sequence[float],
    slow: int,
    *,
    step: int,
    steps: int,
    space: Space,
) -> tuple[Mapping[str, Any] | None, tuple[float, ...]]:
    """Return the rates of a round with those of the slow members falling in the second half of the run.

    `lr(round) = lr_0 * (1 - (middle - start) / (length - start))`: a straight line to zero in stairs.

    Args:
        cooling: Where and from which rates they started to fall; None before.
        lrs: The rates of all members.
        slow: How many of them, the last ones, are slow.
        step: The steps taken before the round.
        steps: The round's length.
        space: The question; where its schedule decays by itself, nothing is added.

    Returns:
        `cooling` of the next call, and the rates.
    """
    if not slow or not _falls(step, space):
        return cooling, tuple(lrs)
    fast = len(lrs) - slow
    begun = cooling or {"step": step, "lrs": list(lrs[fast:])}
    start = int(begun["step"])
    left = 1 - (step + steps / 2 - start) / (space.steps - start)
    return begun, (*lrs[:fast], *(tidy(left * lr) for lr in begun["lrs"]))


def _falls(step: int, space: Space) -> bool:
    return not space.decays and step >= _FALLING * space.steps
