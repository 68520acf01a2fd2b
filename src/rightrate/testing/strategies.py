"""The checks that every search strategy passes."""

import math
from collections.abc import Callable, Iterator

from rightrate.search.space import Action, Observation, Space
from rightrate.search.strategy import Strategy
from rightrate.testing.conformance import MOST_DECISIONS, ConformanceError, decided_twice

__all__ = ["check_strategy"]


def check_strategy(
    strategy: Strategy, space: Space, reached: Callable[[float, int, int], float]
) -> tuple[Observation, ...]:
    """Play a search on a function in place of a model, and raise where it breaks the contract of `Strategy`.

    The contract: the state is plain JSON data, is not changed by a decision, and a decision from its JSON is
    the same; rates are above zero, and no training is longer than the run; only data that are divisible are
    divided; all actions together cost at most the budget; the search ends.

    Args:
        strategy: The strategy to check. Check several spaces, and functions with and without a cliff.
        space: The question.
        reached: `f(lr, steps, seed)`, the objective after training so; NaN where training fails. A strategy
            that looks at trials on seen batches, or on a part of the data, is told nothing of them.

    Returns:
        All observations, in the order they were made.

    Raises:
        ConformanceError: If the contract is broken.
    """
    state = strategy.start(space)
    latest: list[Observation] = []
    every: list[Observation] = []
    spent = 0
    for _ in range(MOST_DECISIONS):
        actions, state = decided_twice(strategy, state, latest)
        if not actions:
            return tuple(every)
        for action in actions:
            _check_action(action, space)
        spent += sum(action.cost for action in actions)
        if spent > space.allowance:
            raise ConformanceError(f"{strategy!r} spends {spent} member-steps of {space.allowance}.")
        latest = [seen for action in actions for seen in _observed(action, reached)]
        every += latest
    raise ConformanceError(f"{strategy!r} does not end within {MOST_DECISIONS} decisions.")


def _check_action(action: Action, space: Space) -> None:
    if not action.lrs or not all(0 < lr < math.inf for lr in action.lrs):
        raise ConformanceError(f"{action!r} has no rates, or some that are not finite numbers > 0.")
    if not 1 <= action.steps <= space.steps:
        raise ConformanceError(f"{action!r} is not between 1 and {space.steps} steps long.")
    if action.epoch is not None and not (space.divisible and 1 <= action.epoch < (space.epoch or 0)):
        raise ConformanceError(f"{action!r} asks for a part of data that has none as small as that.")


def _observed(action: Action, reached: Callable[[float, int, int], float]) -> Iterator[Observation]:
    """Yield what the members of an action reach; a range test is only drawn, never observed."""
    for lr in () if action.kind == "range" else action.lrs:
        value = reached(lr, action.steps, action.seed)
        yield Observation(lr=lr, steps=action.steps, seed=action.seed, rung=action.rung, value=value)
