"""What the kits share: the error, and decisions that must follow from a state alone."""

import json
from collections.abc import Sequence
from typing import Any, Protocol

from rightrate.errors import RightrateError
from rightrate.search.strategy import State

__all__ = ["MOST_DECISIONS", "ConformanceError", "decided_twice", "plain_json"]

MOST_DECISIONS = 1000


class ConformanceError(RightrateError, AssertionError):
    """An extension breaks its contract."""


class Decides(Protocol):
    """What the strategies of all kinds have in common."""

    def decide(self, state: State, observations: Any, /) -> tuple[Sequence[Any], State]:
        """Return what to do next and the new state."""
        ...


def decided_twice(strategy: Decides, state: State, seen: Sequence[Any]) -> tuple[Sequence[Any], State]:
    """Decide twice, the second time from the state's JSON, and return the decision.

    Raises:
        ConformanceError: If the two differ, or the state was changed.
    """
    before = plain_json(strategy, state)
    asked, after = strategy.decide(state, seen)
    if plain_json(strategy, state) != before:
        raise ConformanceError(f"{strategy!r} changes the state it was given.")
    again, after_again = strategy.decide(json.loads(before), seen)
    if list(again) != list(asked) or plain_json(strategy, after_again) != plain_json(strategy, after):
        raise ConformanceError(f"{strategy!r} decides differently from the same state, read back from JSON.")
    return asked, after


def plain_json(owner: object, state: object) -> str:
    """Return a state as JSON text.

    Raises:
        ConformanceError: If it is not plain JSON data.
    """
    try:
        return json.dumps(state, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ConformanceError(f"The state of {owner!r} is not plain JSON data: {error}.") from None
