"""What needs no package: grids of full runs, the framework's default rate, constants."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import CONSTANTS, Case
from benchmarks.quality.runs import Run
from benchmarks.quality.tools.replay import Replay, replay, span
from benchmarks.quality.tools.tool import FIVE, THREE
from rightrate.optimizers.catalogue import named

__all__ = ["TOOLS", "Constant", "Default", "Grid", "WholeGrid"]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A few full runs; the lowest final loss wins. Replayed.

    The range is cut into equal parts, by ratio, and each part is tried at its centre: no run is wasted on the
    ends of the range.
    """

    runs: int
    wide: bool = False
    seeds: tuple[int, ...] = FIVE
    package: str = ""

    @property
    def rows(self) -> tuple[str, ...]:
        """The row of the table."""
        return (f"grid of {self.runs}" + " (1e-6 to 1)" * self.wide,)

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the best of the grid."""
        kept = replay(case)
        low, high = np.log(span(case, self.wide))
        centres = np.exp(low + (high - low) * (np.arange(self.runs) + 0.5) / self.runs)
        runs = [kept.run(float(lr), seed, trial) for trial, lr in enumerate(centres)]
        return [_best(self.rows[0], kept, runs, seed)]


@dataclass(frozen=True, kw_only=True)
class WholeGrid:
    """All recorded rates, one run each; the lowest final loss wins. Shows what one seed can tell at best."""

    rows: tuple[str, ...] = ("grid, one seed a rate",)
    seeds: tuple[int, ...] = THREE
    package: str = ""

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the best of the runs of one seed."""
        kept = replay(case)
        runs = [runs[seed] for runs in kept.table.values() if seed in runs]
        if not runs:
            raise SystemExit(
                f"No run of seed {seed} is recorded of {case}. Train them:"
                f" python -m benchmarks.quality.truth --tasks {case.task}"
            )
        return [_best(self.rows[0], kept, runs, seed)]


def _best(row: str, kept: Replay, runs: Sequence[Run], seed: int) -> Answer:
    best = min(runs, key=lambda run: kept.finite(run.losses[-1]))
    return Answer(
        tool=row,
        case=kept.case,
        seed=seed,
        lr=best.lr,
        steps=kept.steps * len(runs),
        seconds=sum(run.seconds for run in runs),
    )


@dataclass(frozen=True, kw_only=True)
class Default:
    """The rate that torch uses when none is given."""

    rows: tuple[str, ...] = ("default",)
    seeds: tuple[int, ...] = (0,)
    package: str = "torch"

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the default, which costs nothing."""
        lr = named(case.optimizer).default_lr
        return [Answer(tool=self.rows[0], case=case, seed=seed, lr=lr, steps=0, seconds=0.0)]


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A rate that people use without a search, for the optimizers it is used with."""

    lr: float
    seeds: tuple[int, ...] = (0,)
    package: str = ""

    @property
    def rows(self) -> tuple[str, ...]:
        """The row of the table, such as "constant 1e-3"."""
        digits, power = f"{self.lr:.0e}".split("e")
        return (f"constant {digits}e{int(power)}",)

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the rate, or nothing if it is not one for the optimizer."""
        if self.lr not in CONSTANTS.get(case.optimizer, ()):
            return []
        return [Answer(tool=self.rows[0], case=case, seed=seed, lr=self.lr, steps=0, seconds=0.0)]


TOOLS = (
    *(Grid(runs=runs, wide=wide) for wide in (False, True) for runs in (4, 8)),
    WholeGrid(),
    Default(),
    *(Constant(lr=lr) for lr in sorted({lr for lrs in CONSTANTS.values() for lr in lrs})),
)
