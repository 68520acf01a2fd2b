"""Optuna on the recorded curves: TPE with Hyperband pruning and with none.

`TPESampler(seed)`, `HyperbandPruner(min_resource=1, max_resource=27)` and `NopPruner()`; everything else at
its default, the resource being the points of a curve. The trials of one study are trained one after the other
until the budget is spent, and the trial that is running then is stopped. What a smaller budget would have
answered is read off the same study when it had spent that much, since nothing that Optuna decides depends on
the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import optuna
from optuna.trial import TrialState

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools.replay import Replay, replay, span
from benchmarks.quality.tools.tool import FIVE, measured
from benchmarks.quality.training import POINTS

__all__ = ["TOOLS", "Optuna"]


@dataclass(frozen=True, kw_only=True)
class Optuna:
    """TPE over the range of the optimizer, or over 1e-6 to 1.

    The answer is the rate of `study.best_trial`; as long as no trial is complete, that of the lowest loss
    reported so far.
    """

    pruned: bool
    wide: bool = False
    budgets: tuple[int, ...] = (1, 2, 4, 8)
    seeds: tuple[int, ...] = FIVE
    package: str = "optuna"

    @property
    def rows(self) -> tuple[str, ...]:
        """One row a budget, in run equivalents."""
        name = "Optuna TPE" + "+Hyperband" * self.pruned
        return tuple(f"{name} {budget}x" + " (1e-6 to 1)" * self.wide for budget in self.budgets)

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the answers of one study, one a budget."""
        search = _Search(
            kept=replay(case), seed=seed, stops=tuple(POINTS * budget for budget in self.budgets)
        )
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        _, seconds, note = measured(lambda: search.go(self.pruned, span(case, self.wide)))
        answers = []
        for row, stop in zip(self.rows, search.stops, strict=True):
            lr, trained = search.found.get(stop, (None, search.seconds))
            share = min(1.0, stop / max(1, search.points))
            answers.append(
                Answer(
                    tool=row,
                    case=case,
                    seed=seed,
                    lr=lr,
                    steps=search.kept.spent(min(stop, search.points)),
                    seconds=trained + seconds * share,
                    note="" if lr else note,
                )
            )
        return answers


@dataclass(kw_only=True)
class _Search:
    """One study and what it has spent.

    Args:
        kept: The recorded runs.
        seed: Of the answer.
        stops: The points at which an answer is due, ascending.
    """

    kept: Replay
    seed: int
    stops: tuple[int, ...]
    points: int = 0
    seconds: float = 0.0
    found: dict[int, tuple[float, float]] = field(default_factory=dict)

    def go(self, pruned: bool, rates: tuple[float, float]) -> None:
        # Hyperband draws the bracket of a trial from the name of the study, so the name must repeat.
        study = optuna.create_study(
            study_name=f"{self.kept.case} {self.seed}",
            sampler=optuna.samplers.TPESampler(seed=self.seed),
            pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=POINTS)
            if pruned
            else optuna.pruners.NopPruner(),
        )
        while self.points < self.stops[-1]:
            study.optimize(lambda trial: self._train(study, trial, rates), n_trials=1)

    def _train(self, study: optuna.Study, trial: optuna.Trial, rates: tuple[float, float]) -> float:
        lr = trial.suggest_float("lr", *rates, log=True)
        run = self.kept.run(lr, self.seed, trial.number)
        curve = self.kept.curve(run)
        for point, loss in enumerate(curve, 1):
            self.points += 1
            self.seconds += run.seconds / POINTS
            trial.report(loss, point)
            if self.points in self.stops:
                self.found[self.points] = (self._best(study, lr, loss, point == POINTS), self.seconds)
            if self.points == self.stops[-1] and point < POINTS:
                raise optuna.TrialPruned
            if point < POINTS and trial.should_prune():
                raise optuna.TrialPruned
        return curve[-1]

    def _best(self, study: optuna.Study, lr: float, loss: float, complete: bool) -> float:
        """Return the answer at this moment, the running trial complete or stopped."""
        finished = [trial for trial in study.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE]
        if complete:
            best = lr if not finished or loss < study.best_value else float(study.best_params["lr"])
        elif finished:
            best = float(study.best_params["lr"])
        else:
            reported = [
                (value, float(trial.params["lr"]))
                for trial in study.get_trials(deepcopy=False)
                for value in trial.intermediate_values.values()
            ]
            best = min(reported)[1]
        return self.kept.nearest(best)


TOOLS = tuple(Optuna(pruned=pruned, wide=wide) for wide in (False, True) for pruned in (False, True))
