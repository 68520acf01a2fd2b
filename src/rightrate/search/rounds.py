"""What a strategy says and sees of one population that goes on: plain, frozen data.

`find` trains every probe from the start. Halving and population-based training go on with the members they
have: a round takes some of them (drops, keeps, copies), trains them further, and judges them.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from rightrate.search.space import Space
from rightrate.search.strategy import State

__all__ = ["Annealing", "Round", "RoundStrategy", "Standing", "ascending", "planned_cost"]


@dataclass(frozen=True, kw_only=True)
class Annealing:
    """A judgement by copies whose rates fall to zero: what members would reach if they were annealed now.

    Args:
        members: Which members of the round are judged so, besides as they are.
        steps: How long the copies are trained, in optimizer steps.
    """

    members: tuple[int, ...]
    steps: int


@dataclass(frozen=True, kw_only=True)
class Round:
    """Take members, train them, judge them.

    The rate of a member at step t is its `lr` times the fraction of the peak that the run's schedule has at
    t, so the rows and columns of the round's table are `shape[t] * lrs[k]`.

    Args:
        take: The members of the last round that go on, in their new order, some more than once; None starts
            new members.
        lrs: A peak rate for each of them.
        steps: How long, in optimizer steps.
        seed: Of weights, batches and draws where members are new.
        annealing: How some members are judged besides as they are; None for none.
        weight_decays: One for each member where they are new, or None for the optimizer's own; a member that
            is taken keeps its own.
    """

    take: tuple[int, ...] | None
    lrs: tuple[float, ...]
    steps: int
    seed: int
    annealing: Annealing | None = None
    weight_decays: tuple[float, ...] | None = None

    @property
    def cost(self) -> int:
        """Member-steps it takes, those of annealed copies included."""
        copies = 0 if self.annealing is None else len(self.annealing.members) * self.annealing.steps
        return len(self.lrs) * self.steps + copies

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where one member stands after a round.

    Args:
        lr: Its peak rate in the round.
        step: Optimizer steps it has taken in all.
        value: The objective as it is, smaller is better; NaN if its loss is not finite.
        annealed: The objective of its annealed copy; NaN where there is none.
        weight_decay: Its own; None for the optimizer's.
    """

    lr: float
    step: int
    value: float
    annealed: float = math.nan
    weight_decay: float | None = None

    @property
    def finite(self) -> bool:
        """Whether the member still trains."""
        return math.isfinite(self.value)


class RoundStrategy(Protocol):
    """Decides the next rounds of a population from where its members stand.

    Both methods are pure, as those of `rightrate.search.strategy.Strategy` are: no clock, no randomness but
    from a seed in the state, the state plain JSON data.
    """

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def size(self) -> int:
        """The number of members of its largest round, which the engine is timed with."""
        ...

    def planned(self, space: Space) -> int:
        """Return the member-steps it takes where every member trains."""
        ...

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        ...

    def decide(self, state: State, standings: Sequence[Standing]) -> tuple[Sequence[Round], State]:
        """Return what to do next and the new state.

        Args:
            state: What the last call returned.
            standings: The members of the last call's rounds, in order; empty the first time.

        Returns:
            The next rounds, none when the search is over, and the new state.
        """
        ...


def ascending(values: Sequence[float], lrs: Sequence[float]) -> list[int]:
    """Return places from the best (smallest) value to the worst; what is not finite comes last.

    Of equal values the lower rate is better: the best rate falls as runs get longer.

    Example:
        >>> ascending([0.2, float("nan"), 0.1, 0.1], [1.0, 1.0, 1.0, 0.5])
        [3, 2, 0, 1]
    """

    def key(place: int) -> tuple[bool, float, float]:
        finite = math.isfinite(values[place])
        return not finite, values[place] if finite else 0.0, lrs[place]

    return sorted(range(len(values)), key=key)


def planned_cost(strategy: RoundStrategy, space: Space) -> int:
    """Return the member-steps a strategy takes where every member trains, by playing it without training."""
    state, cost, step = strategy.start(space), 0, 0
    standings: list[Standing] = []
    while True:
        rounds, state = strategy.decide(state, standings)
        if not rounds:
            return cost
        standings = []
        for asked in rounds:
            step = asked.steps + (0 if asked.take is None else step)
            cost += asked.cost
            standings += [Standing(lr=lr, step=step, value=0.0, annealed=0.0) for lr in asked.lrs]
