"""Successive halving of one population: the best go on, the others are dropped.

Jamieson and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization (AISTATS
2016); the lengths of the rungs grow by the factor by which members get fewer, as in Li et al., Hyperband
(JMLR 2018), but survivors go on from where they are, so that nothing is trained twice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.search.ranges import spaced
from rightrate.search.rounds import Annealing, Round, Standing, ascending, planned_cost
from rightrate.search.space import Space
from rightrate.search.strategy import State

__all__ = ["Halving", "rungs_of"]

_PARTS = 4
_COPIES = 0.2
"""Of the steps so far: the length of annealed copies. A cool-down of a fifth comes close to a whole schedule
of that length: Haegele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training
Durations (2024)."""


@dataclass(frozen=True, kw_only=True)
class Halving:
    """Many rates for a short time, the best `1/factor` of them for `factor` times as long, and so on.

    A rung ends after `steps / factor**m, ..., steps / factor, steps` steps. Where the run's schedule decays,
    members are judged by what an annealed copy reaches, as a high rate looks worse than it is until it falls;
    otherwise by the objective as it is. A member whose loss is not finite ranks last and is dropped at once:
    at the next quarter of its rung.

    Args:
        members: How many rates the first rung has, >= 2.
        factor: By how much fewer they get from rung to rung, in [2, members].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> rungs_of(Halving(members=9, factor=3), 900)
        ((9, 100), (3, 300), (1, 900))
    """

    members: int = 12
    factor: float = 3.0

    def __post_init__(self) -> None:
        _check.integer("Halving(members=...)", self.members, low=2)
        factor = _check.number("Halving(factor=...)", self.factor, low=1.5)
        if factor > self.members:
            allowed = f"at most members={self.members}"
            raise ConfigError(describe("Halving(factor=...)", allowed, self.factor))

    @property
    def name(self) -> str:
        """What people call it."""
        return "halving"

    @property
    def size(self) -> int:
        """The number of members of the first rung."""
        return self.members

    def planned(self, space: Space) -> int:
        """Return the member-steps it takes where every member trains."""
        return planned_cost(self, space)

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        return {"space": space.to_dict(), "rung": 0, "until": 0}

    def decide(self, state: State, standings: Sequence[Standing]) -> tuple[Sequence[Round], State]:
        """Return the next part of a rung with those that still train, or the next rung with the best."""
        space = Space.from_dict(state["space"])
        rungs = rungs_of(self, space.steps)
        rung, until = int(state["rung"]), int(state["until"])
        take: tuple[int, ...] | None = None
        lrs = spaced(space.low, space.high, self.members)
        if standings:
            ended = until == rungs[rung][1]
            rung += ended
            if rung == len(rungs):
                return (), {**state, "rung": rung}
            take = _best(standings, rungs[rung][0]) if ended else _living(standings)
            lrs = tuple(standings[member].lr for member in take)
        if not lrs:
            return (), {**state, "rung": len(rungs)}
        stop = _next_stop(rungs, rung, until)
        annealing = _annealing(len(lrs), stop, space) if stop == rungs[rung][1] else None
        chosen = Round(take=take, lrs=lrs, steps=stop - until, seed=space.seed, annealing=annealing)
        return (chosen,), {**state, "rung": rung, "until": stop}


def _annealing(members: int, step: int, space: Space) -> Annealing | None:
    """Return how members are judged at the end of a rung, besides as they are."""
    left = space.steps - step
    if not space.decays or not left:
        return None
    return Annealing(members=tuple(range(members)), steps=max(1, min(round(_COPIES * step), left)))


def rungs_of(halving: Halving, steps: int) -> tuple[tuple[int, int], ...]:
    """Return (members, steps at its end) of each rung of a run of `steps` steps."""
    count = 1 + math.floor(math.log(halving.members) / math.log(halving.factor) + 1e-9)
    found: list[tuple[int, int]] = []
    for rung in range(count):
        members = max(1, round(halving.members / halving.factor**rung))
        until = max(1, round(steps / halving.factor ** (count - 1 - rung)))
        if found and until == found[-1][1]:
            continue
        found.append((members, until))
    return tuple(found)


def _next_stop(rungs: Sequence[tuple[int, int]], rung: int, step: int) -> int:
    """Return the next end of a quarter of the rung after `step`."""
    start, stop = rungs[rung - 1][1] if rung else 0, rungs[rung][1]
    stops = (start + round((stop - start) * part / _PARTS) for part in range(1, _PARTS + 1))
    return next(place for place in stops if place > step)


def _living(standings: Sequence[Standing]) -> tuple[int, ...]:
    return tuple(member for member, standing in enumerate(standings) if standing.finite)


def _best(standings: Sequence[Standing], count: int) -> tuple[int, ...]:
    """Return the best members, in the order of their places; those that do not train are never among them."""
    copied = any(math.isfinite(standing.annealed) for standing in standings)
    values = [standing.annealed if copied else standing.value for standing in standings]
    order = ascending(values, [standing.lr for standing in standings])
    living = [member for member in order if standings[member].finite]
    return tuple(sorted(living[:count]))
