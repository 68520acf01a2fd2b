"""One search, from the first check of the engine to the record of what was concluded."""

import math
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import torch

from rightrate.finder.interrupt import Interrupt
from rightrate.optimizers.catalogue import named
from rightrate.population.calibrate import Calibration, Engine, calibrate
from rightrate.population.factory import Populations
from rightrate.population.prepare import Prepared
from rightrate.schedules import FloatArray, Schedule, Shape, resolve, shape_name, shape_values
from rightrate.search.compress import warmup_of
from rightrate.search.curve import expected_curve
from rightrate.search.driver import Driver, Progress, Stopped
from rightrate.search.levels import untrained_metrics
from rightrate.search.probe import plan
from rightrate.search.range_test import RangeTest
from rightrate.search.reading import Reading
from rightrate.search.recommend import Context, recommend
from rightrate.search.record import Answer, Cost, Fit, Levels, Provenance, Record, Settings, Trial
from rightrate.search.rungs import telling_rungs
from rightrate.search.space import Action, Observation, Space
from rightrate.search.strategy import Strategy
from rightrate.store.fingerprint import fingerprint
from rightrate.store.frozen import from_plain, to_plain
from rightrate.store.journal import Journal
from rightrate.tasks.parts import divisible

__all__ = ["Question", "Session"]

_FRACTION_OF_PEAK = 0.1
_CONFIRMS_FROM = 2.0
_ENGINE = "engine"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a search is asked, all of it checked.

    Args:
        steps: Length of the real run in optimizer steps.
        schedule: Its schedule: a name, a shape with peak 1, or a function of the step.
        budget: What may be spent, in run equivalents.
        seed: Of everything random.
        tolerance: Expected regret allowed within the good range.
        engine: "auto", "serial" or "stacked".
        strategy: What decides the probes.
    """

    steps: int
    schedule: str | Shape
    budget: float
    seed: int
    tolerance: float
    engine: Engine
    strategy: Strategy


class Session:
    """One search.

    Args:
        prepared: What is trained.
        question: What is asked.
        progress: Called about once a second with where the search is.
    """

    def __init__(
        self, prepared: Prepared, question: Question, progress: Callable[[Progress], None] | None
    ) -> None:
        schedule, steps = question.schedule, question.steps
        self.shape = resolve(schedule, total_steps=steps)
        self._values: FloatArray = shape_values(self.shape, steps)
        self._schedule = schedule if isinstance(schedule, str) else shape_name(self.shape)
        self._prepared = prepared
        self._question = question
        self._progress = progress
        self._trials: list[Trial] = []

    @property
    def settings(self) -> dict[str, Any]:
        """What is asked, as plain data for people."""
        question, prepared = self._question, self._prepared
        low, high = prepared.spec.search_range
        return {
            "optimizer": prepared.spec.label,
            "schedule": self._schedule,
            "steps": int(question.steps),
            "budget": float(question.budget),
            "seed": int(question.seed),
            "tolerance": float(question.tolerance),
            "engine": question.engine,
            "strategy": type(question.strategy).__name__,
            "objective": f"{prepared.task.objective.name}:{prepared.task.objective.direction}",
            "low": low,
            "high": high,
            "training": {**asdict(prepared.task.training), "device": str(prepared.device)},
        }

    def fingerprint(self) -> dict[str, str]:
        """Return a digest of each part of what it is asked about."""
        question = self._question
        told = isinstance(question.schedule, str | Schedule)  # a function's name does not say what it does
        own = {} if told else {"schedule": self._values}
        return fingerprint(self._prepared, question.seed, {"strategy": question.strategy, **own})

    def announce(self, message: str) -> None:
        """Print the one line after the first Ctrl-C, where it is in the way of no one's output."""
        print(message, file=sys.stderr, flush=True)

    def run(self, interrupt: Interrupt, notes: Sequence[str], journal: Journal) -> Record:
        """Check, train, judge and conclude; what the journal remembers is not done again."""
        began = time.perf_counter()
        prepared, objective = self._prepared, self._prepared.task.objective
        sign = 1 if objective.direction == "min" else -1
        setup = prepared.setup(self._question.seed)
        untrained = untrained_metrics(prepared, setup)
        said = (*notes, untrained.note) if untrained.note else tuple(notes)
        low, high = prepared.spec.search_range
        begun = sign * untrained.start[objective.name]
        space = Space(
            low=low,
            high=high,
            steps=self._question.steps,
            budget=self._question.budget,
            seed=self._question.seed,
            decays=bool(self._values[-1] < _FRACTION_OF_PEAK * self._values.max()),
            untrained=sign * untrained.metrics[objective.name],
            start=begun if math.isfinite(begun) else None,
            own_decay=named(prepared.spec.name).own_decay if prepared.spec.name else 0.0,
            epoch=prepared.steps_per_epoch,
            divisible=divisible(prepared.train),
        )
        known = journal.finished(_ENGINE)
        calibration = self._calibrated(space, journal) if known is None else from_plain(Calibration, known)
        torch.set_num_threads(calibration.verdict.threads)  # put back when the search is over
        driver = Driver(
            Populations(prepared, calibration.verdict),
            self._values,
            _watcher(interrupt, self._progress),
            allowance=space.allowance,
            journal=journal,
        )
        read = Reading(name=objective.name, sign=sign, untrained=untrained.metrics)
        observations: list[Observation] = []
        interrupted = False
        try:
            self._search(driver, space, read, observations)
        except Stopped:
            interrupted = True
        context = Context(
            plan=plan(_rest(space, driver.spent["range"])),
            schedule=self._schedule,
            warmup_steps=warmup_of(self._values),
            tolerance=self._question.tolerance,
            sign=sign,
            name=objective.name,
            interrupted=interrupted,
        )
        answer, fit = recommend(space, observations, context)
        answer = replace(answer, reasons=(*answer.reasons, *self._remarks(said)))
        seconds = time.perf_counter() - began + driver.remembered_seconds
        seconds += 0.0 if known is None else calibration.seconds
        return self._record(
            answer, fit, untrained.metrics[objective.name], driver, calibration, seconds, notes
        )

    def _calibrated(self, space: Space, journal: Journal) -> Calibration:
        """Decide how members are trained, once for a study."""
        made = calibrate(
            self._prepared,
            size=len(plan(space).locate),
            member_steps=space.allowance,
            seed=self._question.seed,
            engine=self._question.engine,
        )
        journal.finish(_ENGINE, to_plain(made))
        return made

    def _search(self, driver: Driver, space: Space, read: Reading, observations: list[Observation]) -> None:
        self._play(RangeTest(), space, driver, read, observations)
        self._play(self._question.strategy, _rest(space, driver.spent["range"]), driver, read, observations)
        if space.budget >= _CONFIRMS_FROM:
            self._confirm(driver, space, read, observations)

    def _play(
        self, strategy: Strategy, space: Space, driver: Driver, read: Reading, observations: list[Observation]
    ) -> None:
        """Train what a strategy asks for until it asks for nothing, and add what is observed."""
        state = strategy.start(space)
        seen: list[Observation] = []
        while True:
            actions, state = strategy.decide(state, seen)
            if not actions:
                return
            seen = []
            for action in actions:
                trials = driver.run(action)
                self._trials += trials
                if action.kind != "range":
                    seen += read.observations(trials)
            observations += seen

    def _confirm(self, driver: Driver, space: Space, read: Reading, observations: list[Observation]) -> None:
        """Train the answer for the full length, which a budget of 2 or more keeps one run for."""
        rungs = telling_rungs(observations, space)
        if not rungs:
            return
        lr = float(f"{10 ** expected_curve(rungs, space, steps=space.steps).best():.3g}")
        action = Action(
            kind="confirm",
            rung=max(item.rung for item in observations) + 1,
            lrs=(lr,),
            steps=space.steps,
            seed=space.seed + 1,
        )
        trials = driver.run(action)
        self._trials += trials
        observations += read.observations(trials)

    def _remarks(self, notes: Sequence[str]) -> tuple[str, ...]:
        held = (
            ("A fifth of the training data was held out for validation.",) if self._prepared.held_out else ()
        )
        return (*held, *notes)

    def _record(
        self,
        answer: Answer,
        fit: Fit,
        untrained: float,
        driver: Driver,
        calibration: Calibration,
        seconds: float,
        notes: Sequence[str],
    ) -> Record:
        prepared, objective = self._prepared, self._prepared.task.objective
        reached = [
            trial.metrics[objective.name]
            for trial in self._trials
            if math.isfinite(trial.metrics.get(objective.name, math.nan))
        ]
        best = (min if objective.direction == "min" else max)(reached) if reached else None
        info = prepared.task.info
        return Record(
            settings=Settings(
                task=info.name,
                description=info.description,
                optimizer=prepared.spec.label,
                schedule=self._schedule,
                steps=self._question.steps,
                budget=self._question.budget,
                objective=objective.name,
                direction=objective.direction,
                notes=tuple(notes),
                setting=info.setting,
            ),
            answer=answer,
            trials=tuple(self._trials),
            levels=Levels(untrained=untrained, best=best),
            fit=fit,
            cost=Cost(
                steps=dict(driver.spent),
                run_equivalents=sum(driver.spent.values()) / self._question.steps,
                overhead_steps=calibration.member_steps,
                evaluation_forwards=driver.evaluation_forwards,
                seconds={**driver.seconds, "check": calibration.seconds, "total": seconds},
            ),
            provenance=Provenance(
                versions={
                    "rightrate": version("rightrate"),
                    "torch": torch.__version__,
                    "python": platform.python_version(),
                },
                seed=self._question.seed,
                device=str(prepared.device),
                threads=calibration.verdict.threads,
                engine=calibration.verdict.sentence(),
                verdict=calibration.verdict.to_dict(),
            ),
        )


def _rest(space: Space, spent: int) -> Space:
    """Return the space with what is left for probes after `spent` member-steps.

    From a budget of 2 on, one run is kept for confirmation; probes keep it themselves while they see as much.
    """
    left = space.budget - spent / space.steps
    kept = 1.0 if space.budget >= _CONFIRMS_FROM > left else 0.0
    return replace(space, budget=left - kept)


def _watcher(interrupt: Interrupt, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    def watch(state: Progress) -> None:
        if progress is not None:
            progress(state)
        if interrupt.requested:
            raise Stopped

    return watch
