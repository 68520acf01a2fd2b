"""rightrate itself, at several budgets."""

from collections.abc import Sequence
from dataclasses import dataclass

import rightrate as rr
from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tasks import load
from benchmarks.quality.tools.tool import FIVE, measured

__all__ = ["Find"]


@dataclass(frozen=True, kw_only=True)
class Find:
    """`rr.find` at one budget, everything else at its default."""

    budget: float
    seeds: tuple[int, ...] = FIVE
    package: str = "rightrate"

    @property
    def rows(self) -> tuple[str, ...]:
        """The row of the table."""
        return (f"rightrate {self.budget:g}x",)

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the answer of one search."""

        def ask() -> rr.Result:
            return rr.find(
                load(case.task),
                optimizer=case.optimizer,
                schedule=case.schedule,
                budget=self.budget,
                seed=seed,
            )

        result, seconds, note = measured(ask)
        if result is None:
            return [
                Answer(tool=self.rows[0], case=case, seed=seed, lr=None, steps=0, seconds=seconds, note=note)
            ]
        return [
            Answer(
                tool=self.rows[0],
                case=case,
                seed=seed,
                lr=result.lr,
                steps=sum(result.cost.steps.values()),
                seconds=seconds,
                low=result.low,
                high=result.high,
                tolerance=result.tolerance,
                status=result.status,
                note="" if result.lr else "no suggestion",
            )
        ]
