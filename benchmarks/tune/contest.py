"""The contestants, and what each reaches on a task with a seed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import rightrate as rr
from benchmarks.tune.cases import Case
from rightrate.search.grid import Grid
from rightrate.search.pbt import Pbt

__all__ = ["CONTESTANTS", "Contestant", "Outcome", "compete"]

MEMBERS = 10
_FRESH = 1000
_PLACES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A way to arrive at rates over time, each with ten members.

    Args:
        name: As the table has it.
        strategy: Makes the strategy.
        schedule: The schedule its rates are peaks of.
    """

    name: str
    strategy: Callable[[], Any]
    schedule: str = "constant"


CONTESTANTS = (
    Contestant(name="plain PBT", strategy=lambda: Pbt(members=MEMBERS, slow=0)),
    Contestant(name="PBT, 3 of 10 slow", strategy=lambda: Pbt(members=MEMBERS, slow=3)),
    Contestant(name="tuned constant rate", strategy=lambda: Grid(members=MEMBERS)),
    Contestant(name="tuned cosine", strategy=lambda: Grid(members=MEMBERS), schedule="cosine"),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one contestant reached.

    Args:
        case: The task.
        contestant: Its name.
        seed: Of weights, batches and draws.
        loss: The winner's validation loss.
        fresh: The validation loss of its schedule, trained from scratch with a seed of its own.
        rates: The rate after a tenth, half and nine tenths of the run.
        runs: What it cost, in run equivalents, without replays.
    """

    case: str
    contestant: str
    seed: int
    loss: float
    fresh: float
    rates: tuple[float, ...]
    runs: float


def compete(case: Case, contestant: Contestant, seed: int) -> tuple[Outcome, rr.schedules.Schedule]:
    """Return what a contestant reaches, and the schedule it found."""
    asked = {"optimizer": case.optimizer, "steps": case.steps}
    result = rr.tune(
        case.task(),
        contestant.strategy(),
        schedule=contestant.schedule,
        low=case.low,
        high=case.high,
        seed=seed,
        **asked,
    )
    found = result.schedule
    again = rr.tune(
        case.task(),
        Grid(lrs=(found.peak,)),
        schedule=found * (1 / found.peak),
        seed=_FRESH + seed,
        engine="serial",
        **asked,
    )
    steps = result.cost.steps
    outcome = Outcome(
        case=case.name,
        contestant=contestant.name,
        seed=seed,
        loss=float(result.score if result.score is not None else np.nan),
        fresh=float(again.winner.metrics["loss"]),
        rates=tuple(found(int(place * case.steps)) for place in _PLACES),
        runs=(steps["train"] + steps["anneal"]) / case.steps,
    )
    return outcome, found
