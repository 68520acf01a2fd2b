"""What the picked rates reach at full length, and what that says of the rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.cases import CONSTANTS
from benchmarks.quality.replays.pair import Pair
from benchmarks.quality.replays.rules import RULES, Pick, space_of
from rightrate.optimizers.catalogue import named

__all__ = ["FAILURE", "Row", "Summary", "constant_rows", "replay", "summary"]

FAILURE = 0.5
_CONSTANT_NAMES = ("constant 1e-3 (Adam), 1e-2 (SGD)", "constant 3e-3 (Adam), 1e-1 (SGD)")
_CONSTANTS_OF = {"adam": "adamw"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One answer of one rule.

    Args:
        rule: Its name.
        rates: "usual", the range `find` starts with, or "all" recorded rates.
        budget: What it might spend, in run equivalents; 0 where nothing is trained.
        problem: Name of the problem.
        optimizer: Name of the optimizer.
        lr: The rate it chose; where it chose none, the framework's default, and `status` says so.
        best_lr: The rate whose full run ended at the lowest test loss.
        distance: log10 of their quotient; negative where the choice is too low.
        regret: Regret of the test loss, in [0, 1].
        accuracy_regret: In percentage points, or None.
        loss: Test loss it reaches at full length.
        spent: Training steps it took.
        steps: Length of the full run.
        status: How sure it says it is, "no answer", or "".
    """

    rule: str
    rates: str
    budget: float
    problem: str
    optimizer: str
    lr: float
    best_lr: float
    distance: float
    regret: float
    accuracy_regret: float | None
    loss: float
    spent: int
    steps: int
    status: str

    @property
    def cost(self) -> float:
        """Run equivalents it took."""
        return self.spent / self.steps


def replay(pair: Pair, rule: str, budget: float, rates: str) -> Row:
    """Return what a rule chooses on a pair and what that reaches."""
    low, high = pair.search_range() if rates == "usual" else (pair.lrs[0], pair.lrs[-1])
    pick = RULES[rule](pair, space_of(pair, budget, low=low, high=high))
    return _row(pair, pick, rule=rule, rates=rates, budget=budget)


def constant_rows(pair: Pair) -> list[Row]:
    """Return what rates reach that people use without a search."""
    rates = CONSTANTS[_CONSTANTS_OF.get(pair.optimizer, pair.optimizer)]
    return [
        _row(pair, Pick(lr=lr, spent=0), rule=name, rates="", budget=0.0)
        for name, lr in zip(_CONSTANT_NAMES, rates, strict=True)
    ]


def _row(pair: Pair, pick: Pick, *, rule: str, rates: str, budget: float) -> Row:
    truth = pair.truth()
    lr = named(pair.optimizer).default_lr if pick.lr is None else pick.lr
    between = truth.between(lr)
    if between is None:
        # Beside a cliff, and beyond the records, the nearest recorded rate stands for it.
        lr_there = pair.lrs[pair.nearest(lr)]
        loss = float(truth.mean[pair.nearest(lr)])
    else:
        lr_there, loss = lr, between
    accuracy = truth.accuracy_regret(lr_there)
    best_lr = truth.lr[int(truth.mean.argmin())]
    return Row(
        rule=rule,
        rates=rates,
        budget=budget,
        problem=pair.problem,
        optimizer=pair.optimizer,
        lr=lr,
        best_lr=best_lr,
        distance=float(np.log10(lr / best_lr)),
        regret=truth.regret_of(loss),
        accuracy_regret=None if accuracy is None else 100 * accuracy,
        loss=loss,
        spent=pick.spent,
        steps=pair.steps,
        status="no answer" if pick.lr is None else pick.status,
    )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One rule over all pairs: (mean, median, worst) of each measure.

    Args:
        rule: Its name.
        rates: Which rates it chose from.
        budget: What it might spend.
        regret: Of the test loss.
        accuracy_regret: In points, over the pairs that have an accuracy; NaN where none has.
        distance: Absolute log10 distance to the best rate.
        high: Mean signed distance; positive where the rule chooses too high.
        failures: Pairs with a regret above `FAILURE`.
        pairs: How many.
        cost: Mean run equivalents.
    """

    rule: str
    rates: str
    budget: float
    regret: tuple[float, float, float]
    accuracy_regret: tuple[float, float, float]
    distance: tuple[float, float, float]
    high: float
    failures: int
    pairs: int
    cost: float


def summary(rows: Iterable[Row]) -> list[Summary]:
    """Return one summary a rule, range and budget, in order of appearance."""
    groups: dict[tuple[str, str, float], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.rule, row.rates, row.budget), []).append(row)
    return [
        Summary(
            rule=rule,
            rates=rates,
            budget=budget,
            regret=_three([row.regret for row in group]),
            accuracy_regret=_three([row.accuracy_regret for row in group if row.accuracy_regret is not None]),
            distance=_three([abs(row.distance) for row in group]),
            high=float(np.mean([row.distance for row in group])),
            failures=sum(row.regret > FAILURE for row in group),
            pairs=len(group),
            cost=float(np.mean([row.cost for row in group])),
        )
        for (rule, rates, budget), group in groups.items()
    ]


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    if not values:
        return (float("nan"),) * 3
    return float(np.mean(values)), float(np.median(values)), float(max(values))
