"""Grid search: K rates, each trained for the whole length, side by side on the same batches."""

from collections.abc import Sequence
from dataclasses import dataclass

from rightrate import _check
from rightrate.search.ranges import positive, spaced
from rightrate.search.rounds import Round, Standing
from rightrate.search.space import Space
from rightrate.search.strategy import State

__all__ = ["Grid"]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """K full runs side by side: the dearest search, and the one without assumptions.

    The rates are `lrs`, or `members` rates from the lowest to the highest of the range with the same factor
    between neighbours.

    Args:
        members: How many rates, >= 1.
        lrs: The rates themselves, each > 0; empty spaces them over the range.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> Grid(lrs=(0.1, 0.01)).size
        2
    """

    members: int = 9
    lrs: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check.integer("Grid(members=...)", self.members, low=1)
        object.__setattr__(self, "lrs", positive("Grid(lrs=...)", self.lrs))

    @property
    def name(self) -> str:
        """What people call it."""
        return "grid"

    @property
    def size(self) -> int:
        """The number of rates."""
        return len(self.lrs) or self.members

    def planned(self, space: Space) -> int:
        """Return the member-steps it takes where every member trains."""
        return self.size * space.steps

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        return {"space": space.to_dict(), "done": False}

    def decide(self, state: State, standings: Sequence[Standing]) -> tuple[Sequence[Round], State]:
        """Return the one round the first time, nothing after it."""
        if state["done"]:
            return (), state
        space = Space.from_dict(state["space"])
        lrs = self.lrs or spaced(space.low, space.high, self.members)
        only = Round(take=None, lrs=lrs, steps=space.steps, seed=space.seed)
        return (only,), {**state, "done": True}
