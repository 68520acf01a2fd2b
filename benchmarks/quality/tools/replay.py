"""The recorded runs of the truth as a search sees them: a rate goes in, a validation curve comes out.

A search asks for any rate; it gets the run of the nearest recorded one, and that rate is what it is said to
have answered, so that no search is judged by a rate whose training it did not see. Rates beyond the grid
count as its ends. Which of a rate's recorded seeds a trial gets depends on the seed of the answer and the
number of the trial. The runs are those that the truth averages, which favours the searches a little.
Training costs what was recorded: k of the 27 points of a curve are k/27 of a run, in steps and in seconds.
"""

import functools
import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.cases import Case
from benchmarks.quality.runs import FOLDER, Run, read
from benchmarks.quality.training import POINTS, length, untrained
from rightrate.optimizers.catalogue import named

__all__ = ["WIDE", "Replay", "draw", "replay", "span"]

WIDE = (1e-6, 1.0)
"""The range of the second rows, whatever the optimizer."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The full-length runs of one case.

    Args:
        case: Which one.
        steps: Length of a run.
        worst: Stands for a loss that is not finite: the highest one recorded, at least untrained.
        table: Runs by rate, ascending, and by seed.
    """

    case: Case
    steps: int
    worst: float
    table: dict[float, dict[int, Run]]

    def nearest(self, lr: float) -> float:
        """Return the recorded rate nearest to a rate, by their ratio."""
        return min(self.table, key=lambda recorded: abs(math.log(recorded / lr)))

    def run(self, lr: float, seed: int, trial: int) -> Run:
        """Return the run that a trial of an answer gets for a rate."""
        runs = list(self.table[self.nearest(lr)].values())
        return runs[int(draw(seed, trial) * len(runs))]

    def curve(self, run: Run) -> list[float]:
        """Return the validation losses of a run, none of them without a value.

        Raises:
            SystemExit: If the run was recorded without its curve.
        """
        if len(run.losses) != POINTS:
            raise SystemExit(
                f"The runs of {self.case} were recorded without their curves, which pruning needs."
                f" Delete {FOLDER / self.case.task}.csv.gz, then: {_command(self.case)}"
            )
        return [self.finite(loss) for loss in run.losses]

    def finite(self, loss: float) -> float:
        """Return a loss, the worst one if it is not finite."""
        return loss if math.isfinite(loss) else self.worst

    def spent(self, points: float) -> int:
        """Return the training steps of a number of points."""
        return round(self.steps * points / POINTS)


@functools.cache
def replay(case: Case) -> Replay:
    """Return the recorded runs of a case.

    Raises:
        SystemExit: If none of full length is recorded.
    """
    steps = length(case)
    own = [run for run in read(case.task) if run.case == case and run.kind == "grid" and run.steps == steps]
    if not own:
        raise SystemExit(f"No run of {steps} steps is recorded of {case}. Train them: {_command(case)}")
    table: dict[float, dict[int, Run]] = defaultdict(dict)
    for run in sorted(own, key=lambda run: (run.lr, run.seed)):
        table[run.lr][run.seed] = run
    losses = [loss for run in own for loss in run.losses if math.isfinite(loss)]
    return Replay(case=case, steps=steps, worst=max([*losses, untrained(case)]), table=dict(table))


def draw(seed: int, trial: int) -> float:
    """Return where in the list of a rate's runs a trial finds its own, in [0, 1)."""
    return float(np.random.default_rng((seed, trial)).random())


def span(case: Case, wide: bool) -> tuple[float, float]:
    """Return the lowest and the highest rate of a search: those of the catalogue, or the wide ones."""
    return WIDE if wide else named(case.optimizer).search_range


def _command(case: Case) -> str:
    return f"python -m benchmarks.quality.truth --tasks {case.task}"
