"""The checks that every strategy of a population that goes on passes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rightrate.search.rounds import Round, RoundStrategy, Standing
from rightrate.search.space import Space
from rightrate.testing.conformance import MOST_DECISIONS, ConformanceError, decided_twice

__all__ = ["check_population_strategy"]


@dataclass(frozen=True, kw_only=True)
class _Member:
    """What a member was trained by so far: (rate, steps) after (rate, steps); and its weight decay."""

    path: tuple[tuple[float, int], ...] = ()
    weight_decay: float | None = None

    @property
    def steps(self) -> int:
        return sum(steps for _, steps in self.path)

    def trained(self, lr: float, steps: int) -> "_Member":
        return _Member(path=(*self.path, (lr, steps)), weight_decay=self.weight_decay)


_Reached = Callable[[Sequence[tuple[float, int]]], float]


def check_population_strategy(
    strategy: RoundStrategy, space: Space, reached: _Reached
) -> tuple[Standing, ...]:
    """Play a search on made-up members, and raise where it breaks the contract of `RoundStrategy`.

    The contract: the state is plain JSON data, is not changed by a decision, and a decision from its JSON is
    the same; the first round makes new members, each other one makes new ones or takes some of the round
    before; rates are above zero, no member is trained for longer than the run, and no round has more members
    than `size`; all rounds together cost at most what is `planned`; the search ends.

    Args:
        strategy: The strategy to check. Check several spaces, and functions with and without a cliff.
        space: The question.
        reached: `f(path)`, the objective of a member that was trained by these (rate, steps) one after the
            other, smaller is better; NaN where training fails. A copy that is annealed is one that goes on at
            half its member's rate, the mean of a rate that falls to zero.

    Returns:
        Where all members stood after each round, in order.

    Raises:
        ConformanceError: If the contract is broken.

    Example:
        >>> from rightrate.search.pbt import Pbt
        >>> space = Space(
        ...     low=1e-3, high=1.0, steps=100, budget=4.0, seed=0, decays=False, untrained=1.0
        ... )
        >>> def reached(path):
        ...     return 1 / (1 + sum(lr * steps for lr, steps in path)) + path[-1][0]
        >>> len(check_population_strategy(Pbt(members=4, ready_steps=25, slow=0), space, reached))
        16
    """
    state = strategy.start(space)
    members: list[_Member] = []
    latest: list[Standing] = []
    every: list[Standing] = []
    spent, planned = 0, strategy.planned(space)
    for _ in range(MOST_DECISIONS):
        rounds, state = decided_twice(strategy, state, latest)
        if not rounds:
            return tuple(every)
        latest = []
        for asked in rounds:
            for problem in _problems(asked, members, strategy.size):
                raise ConformanceError(f"{asked!r} {problem}.")
            members = _trained(asked, members)
            if members[0].steps > space.steps:
                raise ConformanceError(f"{asked!r} trains for longer than {space.steps} steps in all.")
            latest += _standings(asked, members, reached)
            spent += asked.cost
        every += latest
        if spent > planned:
            raise ConformanceError(f"{strategy!r} spends {spent} member-steps of {planned} that it planned.")
    raise ConformanceError(f"{strategy!r} does not end within {MOST_DECISIONS} decisions.")


def _problems(asked: Round, before: Sequence[_Member], size: int) -> list[str]:
    """Return what is wrong with a round after others, nothing where all is well."""
    count = len(asked.lrs)
    taken, decays = asked.take, asked.weight_decays
    copies = asked.annealing
    rules = (
        (
            not count or not all(0 < lr < math.inf for lr in asked.lrs),
            "has no rates, or some that are not > 0",
        ),
        (asked.steps < 1, "is not a step long"),
        (count > size, f"has more members than size={size}"),
        (
            taken is not None and not all(0 <= member < len(before) for member in taken),
            f"takes members that are not among the {len(before)} of the round before",
        ),
        (taken is not None and len(taken) != count, "has not as many rates as members that it takes"),
        (decays is not None and (taken is not None or len(decays) != count), "has weight decays for others"),
        (
            copies is not None
            and (copies.steps < 1 or not all(0 <= member < count for member in copies.members)),
            "anneals copies of members that it has not, or for no step",
        ),
    )
    return [text for broken, text in rules if broken]


def _trained(asked: Round, before: Sequence[_Member]) -> list[_Member]:
    """Return the members after a round."""
    if asked.take is not None:
        start = [before[member] for member in asked.take]
    else:
        start = [_Member(weight_decay=decay) for decay in asked.weight_decays or (None,) * len(asked.lrs)]
    return [member.trained(lr, asked.steps) for member, lr in zip(start, asked.lrs, strict=True)]


def _standings(asked: Round, members: Sequence[_Member], reached: _Reached) -> list[Standing]:
    """Return where the members of a round stand."""
    copied = asked.annealing.members if asked.annealing else ()
    steps = asked.annealing.steps if asked.annealing else 0
    return [
        Standing(
            lr=lr,
            step=member.steps,
            value=reached(member.path),
            annealed=reached(member.trained(lr / 2, steps).path) if place in copied else math.nan,
            weight_decay=member.weight_decay,
        )
        for place, (member, lr) in enumerate(zip(members, asked.lrs, strict=True))
    ]
