"""A made-up population whose members' losses follow from their rates, to replay strategies on."""

import json
import math
from dataclasses import dataclass

from rightrate.search.rounds import Round, Standing
from rightrate.search.space import Space

__all__ = ["CLIFF", "played", "resumed", "space"]

CLIFF = 0.3


@dataclass(frozen=True)
class Member:
    """Where a member is: how far it came, how long it was trained, and whether it still trains."""

    way: float = 0.0
    step: int = 0
    alive: bool = True
    weight_decay: float | None = None

    def trained(self, lr: float, steps: int) -> "Member":
        alive = self.alive and lr <= CLIFF
        return Member(self.way + lr * steps, self.step + steps, alive, self.weight_decay)

    def loss(self, lr: float) -> float:
        """A slow part that falls with the way, and noise that a high rate keeps up."""
        return math.exp(-self.way) + 2 * lr if self.alive else math.nan


def space(**changes) -> Space:
    settings = {
        "low": 1e-4,
        "high": 0.2,
        "steps": 200,
        "budget": 10.0,
        "seed": 0,
        "decays": False,
        "untrained": 1.0,
    }
    return Space(**{**settings, **changes})


def observed(asked: Round, before: list[Member]) -> tuple[list[Member], list[Standing]]:
    """Return the members after a round, and where they stand."""
    if asked.take is None:
        decays = asked.weight_decays or (None,) * len(asked.lrs)
        start = [Member(weight_decay=decay) for decay in decays]
    else:
        start = [before[member] for member in asked.take]
    after = [member.trained(lr, asked.steps) for member, lr in zip(start, asked.lrs, strict=True)]
    copies = asked.annealing.members if asked.annealing else ()
    standings = []
    for place, (member, lr) in enumerate(zip(after, asked.lrs, strict=True)):
        copy = member.trained(lr, asked.annealing.steps // 2) if place in copies else None
        standings.append(
            Standing(
                lr=lr,
                step=member.step,
                value=member.loss(lr),
                annealed=math.nan if copy is None else copy.loss(0.0),
                weight_decay=member.weight_decay,
            )
        )
    return after, standings


def played(strategy, asked: Space, *, fresh=None):
    """Play a strategy; return for each decision its rounds, the state after it, and where members stand.

    Args:
        strategy: What decides.
        asked: The question.
        fresh: Makes another strategy for each decision, and the state goes through JSON in between.
    """
    state, standings, members, told = strategy.start(asked), [], [], []
    for _ in range(500):
        if fresh is not None:
            strategy, state = fresh(), json.loads(json.dumps(state, allow_nan=False))
        rounds, state = strategy.decide(state, standings)
        if not rounds:
            return told
        standings = []
        for one in rounds:
            members, seen = observed(one, members)
            standings += seen
        told.append((tuple(rounds), state, standings))
    raise RuntimeError("the strategy does not end")


def resumed(strategy, told, number: int):
    """Return what a new strategy decides from the state and the observations of decision `number`."""
    _, state, standings = told[number]
    return strategy.decide(json.loads(json.dumps(state)), standings)
