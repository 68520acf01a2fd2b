"""Population-based training of the learning rate.

Jaderberg et al., Population Based Training of Neural Networks (2017), https://arxiv.org/abs/1711.09846:
algorithm 1 with truncation selection (section 4.1.1) and perturbation. Differences, each on purpose:

- Members advance in step, so that they see the same batches; the paper's are asynchronous.
- The two factors of exploration are each other's inverse, 1.25 and 0.8. The paper's 1.2 and 0.8 have the
  geometric mean 0.98: rates fall by 2 % a round without any reason in the losses.
- First rates are one log-uniform draw from each of K equal parts of the range, not K draws from all of it.

What is known to fail: members are judged by what they are now, and a lower rate always looks better at once,
so rates fall too early. `slow` members are the remedy; see `rightrate.search.slow`.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.search.ranges import interval, positive, stratified, tidy
from rightrate.search.rounds import Round, Standing, ascending, planned_cost
from rightrate.search.slow import cooled, judgement
from rightrate.search.space import Space
from rightrate.search.strategy import State
from rightrate.tasks.seeds import mix

__all__ = ["Pbt"]

_STARTS, _DECISIONS, _DECAYS = 1, 2, 3
_INTERVALS = 20
_SLOW_SHARE, _SLOW_FROM = 0.3, 6


@dataclass(frozen=True, kw_only=True)
class Pbt:
    """Members at different rates; now and then the worst go on from the best, at another rate.

    Every `ready_steps` steps each of the worst `quantile` copies weights, optimizer slots, buffers and step
    counts of one of the best `quantile`, drawn uniformly (exploit), and its rate is multiplied by one of
    `factors`, drawn likewise, and kept inside the range (explore).

    Args:
        members: K, >= 2, the slow ones among them.
        ready_steps: Steps between two decisions, >= 1; None is a twentieth of the run.
        quantile: The share of members that is replaced, in (0, 0.5].
        factors: By what a copied rate is multiplied, each > 0.
        slow: How many members are judged over a longer horizon, in [0, members - 2]; 0 is PBT as published,
            None is three of ten, and none of fewer than six.
        weight_decay: Lowest and highest weight decay of new members, > 0; drawn log-uniformly, copied with
            the weights and never perturbed. None leaves it to the optimizer.
        lrs: The first rates, one for each member; empty draws them.

    Raises:
        ConfigError: If an argument is outside its domain.
    """

    members: int = 10
    ready_steps: int | None = None
    quantile: float = 0.2
    factors: tuple[float, ...] = (0.8, 1.25)
    slow: int | None = None
    weight_decay: tuple[float, float] | None = None
    lrs: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _check.integer("Pbt(members=...)", self.members, low=2)
        if self.ready_steps is not None:
            _check.integer("Pbt(ready_steps=...)", self.ready_steps, low=1)
        _check.number("Pbt(quantile=...)", self.quantile, above=0.0, high=0.5)
        factors = positive("Pbt(factors=...)", self.factors)
        if not factors:
            raise ConfigError(describe("Pbt(factors=...)", "at least one factor", self.factors))
        object.__setattr__(self, "factors", factors)
        if self.slow is not None and _check.integer("Pbt(slow=...)", self.slow, low=0) > self.members - 2:
            allowed = f"at most members - 2 = {self.members - 2}"
            raise ConfigError(describe("Pbt(slow=...)", allowed, self.slow))
        if self.weight_decay is not None:
            where, ends = "Pbt(weight_decay=...)", self.weight_decay
            object.__setattr__(self, "weight_decay", interval(where, ends))

        object.__setattr__(self, "lrs", positive("Pbt(lrs=...)", self.lrs))
        if len(self.lrs) not in (0, self.members):
            allowed = f"one for each of the {self.members} members"
            raise ConfigError(describe("Pbt(lrs=...)", allowed, self.lrs))

    @property
    def name(self) -> str:
        """What people call it."""
        return "pbt"

    @property
    def size(self) -> int:
        """The number of members."""
        return self.members

    @property
    def slow_members(self) -> int:
        """How many of the members, the last ones, are slow."""
        if self.slow is not None:
            return self.slow
        return round(_SLOW_SHARE * self.members) if self.members >= _SLOW_FROM else 0

    def planned(self, space: Space) -> int:
        """Return the member-steps it takes where every member trains."""
        return planned_cost(self, space)

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        return {"space": space.to_dict(), "round": 0, "step": 0, "cooling": None}

    def decide(self, state: State, standings: Sequence[Standing]) -> tuple[Sequence[Round], State]:
        """Return the next interval: who goes on from whom, at which rates."""
        space = Space.from_dict(state["space"])
        number, step = int(state["round"]), int(state["step"])
        if step >= space.steps or (number and not any(standing.finite for standing in standings)):
            return (), state
        ready = self.ready_steps or max(1, round(space.steps / _INTERVALS))
        steps = min(ready, space.steps - step)
        take, lrs = self._replaced(standings, state, space) if number else (None, self._first(space))
        cooling, lrs = cooled(state["cooling"], lrs, self.slow_members, step=step, steps=steps, space=space)
        chosen = Round(
            take=take,
            lrs=lrs,
            steps=steps,
            seed=space.seed,
            annealing=judgement(
                self.members, self.slow_members, number=number, ends=step + steps, space=space
            ),
            weight_decays=None if number else self._decays(space),
        )
        return (chosen,), {**state, "round": number + 1, "step": step + steps, "cooling": cooling}

    def _first(self, space: Space) -> tuple[float, ...]:
        """Return the first rates: both sub-populations cover the whole range."""
        if self.lrs:
            return self.lrs
        draws = random.Random(mix(space.seed, _STARTS))
        fast = stratified(space.low, space.high, self.members - self.slow_members, draws)
        return (*fast, *stratified(space.low, space.high, self.slow_members, draws))

    def _decays(self, space: Space) -> tuple[float, ...] | None:
        if self.weight_decay is None:
            return None
        draws = random.Random(mix(space.seed, _DECAYS))
        decays = list(stratified(*self.weight_decay, self.members, draws))
        draws.shuffle(decays)
        return tuple(decays)

    def _replaced(
        self, standings: Sequence[Standing], state: State, space: Space
    ) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return who goes on from whom, and at which rates; the two sub-populations keep apart."""
        draws = random.Random(mix(space.seed, _DECISIONS, int(state["round"])))
        border = self.members - self.slow_members
        judged = any(math.isfinite(standing.annealed) for standing in standings)
        fast, patient = standings[:border], standings[border:]
        take = self._sources(fast, [item.value for item in fast], draws)
        if judged:
            sources = self._sources(patient, [item.annealed for item in patient], draws)
        else:
            sources = _revived(patient, draws)
        take += [border + source for source in sources]
        lrs = []
        for member, source in enumerate(take):
            lr = standings[source].lr
            if source != member:
                lr = min(max(tidy(lr * draws.choice(self.factors)), space.low), space.high)
            lrs.append(lr)
        return tuple(take), tuple(lrs)

    def _sources(
        self, standings: Sequence[Standing], values: Sequence[float], draws: random.Random
    ) -> list[int]:
        """Return whom each goes on from: itself, or one of the best for the worst and those that fail."""
        order = ascending(values, [standing.lr for standing in standings])
        cut = max(1, round(self.quantile * len(order)))
        best = [place for place in order if math.isfinite(values[place])][:cut]
        worst = {place for place in order[-cut:] if place not in best}
        return [
            draws.choice(best) if best and (place in worst or not math.isfinite(values[place])) else place
            for place in range(len(order))
        ]


def _revived(standings: Sequence[Standing], draws: random.Random) -> list[int]:
    """Return whom each goes on from where only those that do not train are replaced."""
    living = [place for place, standing in enumerate(standings) if standing.finite]
    return [
        place if standing.finite or not living else draws.choice(living)
        for place, standing in enumerate(standings)
    ]
