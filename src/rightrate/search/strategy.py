"""The contract of a search strategy: two pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rightrate.search.space import Action, Observation, Space

__all__ = ["State", "Strategy"]

State = Mapping[str, Any]
"""Plain JSON data: all a strategy remembers."""


class Strategy(Protocol):
    """Decides what to train next from what was observed.

    Both methods are pure: no clock, no randomness but from a seed in the state, nothing kept on the object.
    So a search can be resumed from its state, replayed on recorded curves, and run on any population.
    """

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        ...

    def decide(self, state: State, observations: Sequence[Observation]) -> tuple[Sequence[Action], State]:
        """Return what to train next and the new state.

        Args:
            state: What the last call returned.
            observations: What the actions of the last call reached; empty the first time.

        Returns:
            The next actions, none when the search is over, and the new state.
        """
        ...
