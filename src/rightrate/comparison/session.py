"""One comparison, from the first check of the engines to the record of what was concluded."""

import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import torch

from rightrate.comparison.analysis import analysed
from rightrate.comparison.asked import FoundTimes, rates
from rightrate.comparison.conclude import conclude
from rightrate.comparison.memory import measured_state
from rightrate.comparison.training import Piece, Trained, Trainer
from rightrate.comparison.within import Within
from rightrate.finder.interrupt import Interrupt
from rightrate.finder.session import Question as FindQuestion
from rightrate.finder.session import Session as FindSession
from rightrate.population.calibrate import Calibration, Engine, calibrate
from rightrate.population.factory import Populations
from rightrate.population.prepare import Prepared
from rightrate.schedules import FloatArray, Shape, resolve, shape_values
from rightrate.search.compare_record import (
    CompareRecord,
    CompareSettings,
    CompareTrial,
    Contender,
    Found,
    OptimizerFacts,
)
from rightrate.search.driver import Progress, Stopped
from rightrate.search.levels import Untrained, untrained_metrics
from rightrate.search.probe import Probe
from rightrate.search.record import Cost, Provenance, Settings
from rightrate.store.frozen import from_plain, to_plain
from rightrate.store.journal import Journal

__all__ = ["Question", "Session"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, all of it checked.

    Args:
        steps: Length of every run in optimizer steps.
        schedules: By the name that a report calls them.
        lrs: The rates that are asked for.
        seeds: Of everything random.
        tolerance: The regret up to which a rate is good.
        target: The objective whose time is measured; None for a regret of a tenth.
        engine: "auto", "serial" or "stacked".
    """

    steps: int
    schedules: Mapping[str, str | Shape]
    lrs: tuple[float | FoundTimes, ...]
    seeds: tuple[int, ...]
    tolerance: float
    target: float | None
    engine: Engine

    @property
    def finds(self) -> bool:
        """Whether `find` is to be asked."""
        return any(isinstance(lr, FoundTimes) for lr in self.lrs)


@dataclass
class Session:
    """One comparison.

    Args:
        optimizers: By label: the task with each of them.
        question: What is asked.
        journal: Remembers what is finished.
        progress: Called about once a second with where it is.
    """

    optimizers: Mapping[str, Prepared]
    question: Question
    journal: Journal
    progress: Callable[[Progress], None] | None
    _engines: dict[str, Calibration] = field(default_factory=dict)
    _states: dict[str, tuple[float | None, int]] = field(default_factory=dict)
    _found: dict[Contender, Found] = field(default_factory=dict)
    _trained: list[tuple[Piece, Trained]] = field(default_factory=list)

    def announce(self, message: str) -> None:
        """Print the one line after the first Ctrl-C, where it is in the way of no one's output."""
        print(message, file=sys.stderr, flush=True)

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Every optimizer under every schedule."""
        return tuple(
            Contender(optimizer=label, schedule=schedule)
            for label in self.optimizers
            for schedule in self.question.schedules
        )

    def run(self, interrupt: Interrupt, notes: Sequence[str]) -> CompareRecord:
        """Search where it is asked for, train, judge and conclude."""
        began = time.perf_counter()
        prepared = next(iter(self.optimizers.values()))
        untrained = untrained_metrics(prepared, prepared.setup(self.question.seeds[0]))
        said = (*notes, untrained.note) if untrained.note else tuple(notes)
        interrupted = False
        try:
            for contender in self.contenders:
                if self.question.finds:
                    self._found[contender] = self._find(contender, interrupt)
            self._train(_watcher(interrupt, self.progress))
        except Stopped:
            interrupted = True
        return self._record(untrained, said, interrupted, time.perf_counter() - began)

    def _find(self, contender: Contender, interrupt: Interrupt) -> Found:
        """Return what `find` answers for a contender, with the first seed."""
        key = f"find/{contender.optimizer}/{contender.schedule}"
        known = self.journal.finished(key)
        if known is not None:
            return from_plain(Found, known)
        question = FindQuestion(
            steps=self.question.steps,
            schedule=self.question.schedules[contender.schedule],
            budget=1.0,
            seed=self.question.seeds[0],
            tolerance=self.question.tolerance,
            engine=self.question.engine,
            strategy=Probe(),
        )
        session = FindSession(self.optimizers[contender.optimizer], question, self.progress)
        record = session.run(interrupt, (), Within(journal=self.journal, name=key))
        if record.answer.status == "interrupted" or interrupt.requested:
            raise Stopped
        found = Found(
            contender=contender,
            lr=record.answer.lr,
            status=record.answer.status,
            message=record.answer.message,
            steps=sum(record.cost.steps.values()),
        )
        self.journal.finish(key, to_plain(found))
        return found

    def _train(self, watch: Callable[[Progress], None]) -> None:
        """Train every piece, one seed after the other."""
        pieces = self._pieces()
        planned = sum(piece.steps * len(piece.lrs) for piece in pieces)
        trainer = Trainer(journal=self.journal, watch=watch, allowance=planned)
        populations: dict[str, Populations] = {}
        for piece in pieces:
            label = piece.contender.optimizer
            self._prepare(label, pieces)
            known = self.journal.finished(piece.key)
            if known is not None:
                trained = from_plain(Trained, known)
                trainer.spent += piece.steps * len(piece.lrs)
            else:
                verdict = self._engines[label].verdict
                torch.set_num_threads(verdict.threads)  # put back when it is over
                made = populations.setdefault(label, Populations(self.optimizers[label], verdict))
                trained = trainer.run(made, piece)
                self.journal.finish(piece.key, to_plain(trained))
            self._trained.append((piece, trained))

    def _pieces(self) -> tuple[Piece, ...]:
        shapes: dict[str, FloatArray] = {
            name: shape_values(resolve(schedule, total_steps=self.question.steps), self.question.steps)
            for name, schedule in self.question.schedules.items()
        }
        lrs = {
            contender: rates(self.question.lrs, found.lr if (found := self._found.get(contender)) else None)
            for contender in self.contenders
        }
        wanted = [
            (contender, seed)
            for seed in self.question.seeds
            for contender in self.contenders
            if lrs[contender]
        ]
        return tuple(
            Piece(
                number=number,
                contender=contender,
                lrs=lrs[contender],
                seed=seed,
                shape=shapes[contender.schedule],
            )
            for number, (contender, seed) in enumerate(wanted)
        )

    def _prepare(self, label: str, pieces: Sequence[Piece]) -> None:
        """Decide how an optimizer's members are trained, and measure its state, once for a study."""
        if label in self._engines:
            return
        own = [piece for piece in pieces if piece.contender.optimizer == label]
        key = f"engine/{label}"
        known = self.journal.finished(key)
        if known is None:
            prepared = self.optimizers[label]
            made = calibrate(
                prepared,
                size=max(len(piece.lrs) for piece in own),
                member_steps=sum(piece.steps * len(piece.lrs) for piece in own),
                seed=self.question.seeds[0],
                engine=self.question.engine,
            )
            state = measured_state(prepared.setup(self.question.seeds[0]))
            known = {"calibration": to_plain(made), "state": list(state)}
            self.journal.finish(key, known)
        self._engines[label] = from_plain(Calibration, known["calibration"])
        self._states[label] = (known["state"][0], known["state"][1])

    def _record(
        self, untrained: Untrained, notes: Sequence[str], interrupted: bool, seconds: float
    ) -> CompareRecord:
        prepared = next(iter(self.optimizers.values()))
        objective = prepared.task.objective
        facts = tuple(self._facts(label) for label in self.optimizers if label in self._engines)
        trials, seeds = self._judged(interrupted)
        analysis = analysed(
            trials,
            objective=objective,
            untrained=untrained.metrics,
            tolerance=self.question.tolerance,
            target=self.question.target,
            step_seconds={item.optimizer: item.step_seconds for item in facts},
        )
        settings = self._settings(notes, seeds)
        answer = conclude(settings, analysis, interrupted=interrupted, planned=len(self.question.seeds))
        return CompareRecord(
            settings=settings,
            answer=answer,
            trials=trials,
            analysis=analysis,
            facts=facts,
            cost=self._cost(seconds),
            provenance=self._provenance(),
        )

    def _judged(self, interrupted: bool) -> tuple[tuple[CompareTrial, ...], tuple[int, ...]]:
        """Return the trials that are compared with their seeds: whole seeds, where one is whole."""
        seeds = self.question.seeds
        if interrupted:
            count = {seed: sum(piece.seed == seed for piece, _ in self._trained) for seed in seeds}
            most = max(count.values())
            seeds = tuple(seed for seed in seeds if count[seed] == most > 0)
        trials = [trial for piece, done in self._trained for trial in done.trials if piece.seed in seeds]
        return tuple(trials), seeds

    def _facts(self, label: str) -> OptimizerFacts:
        own = [(piece, done) for piece, done in self._trained if piece.contender.optimizer == label]
        steps = sum(piece.steps * len(piece.lrs) for piece, _ in own)
        verdict = self._engines[label].verdict
        state_bytes, parameters = self._states[label]
        return OptimizerFacts(
            optimizer=label,
            step_seconds=sum(done.train_seconds for _, done in own) / steps if steps else None,
            state_bytes=state_bytes,
            parameters=parameters,
            engine=verdict.sentence(),
            verdict=verdict.to_dict(),
        )

    def _settings(self, notes: Sequence[str], seeds: tuple[int, ...]) -> CompareSettings:
        prepared = next(iter(self.optimizers.values()))
        question, info, objective = self.question, prepared.task.info, prepared.task.objective
        held = ("A fifth of the training data was held out for validation.",) if prepared.held_out else ()
        planned = sum(len(piece.lrs) for piece in self._pieces())
        return CompareSettings(
            run=Settings(
                task=info.name,
                description=info.description,
                optimizer=", ".join(self.optimizers),
                schedule=", ".join(question.schedules),
                steps=question.steps,
                budget=float(planned + len(self._found)),
                objective=objective.name,
                direction=objective.direction,
                notes=(*held, *notes),
            ),
            optimizers=tuple(self.optimizers),
            schedules=tuple(question.schedules),
            lrs=tuple(str(lr) if isinstance(lr, FoundTimes) else f"{lr:g}" for lr in question.lrs),
            seeds=seeds,
            tolerance=question.tolerance,
            found=tuple(self._found.values()),
        )

    def _cost(self, seconds: float) -> Cost:
        steps = {
            "find": sum(found.steps for found in self._found.values()),
            "train": sum(piece.steps * len(piece.lrs) for piece, _ in self._trained),
        }
        return Cost(
            steps=steps,
            run_equivalents=sum(steps.values()) / self.question.steps,
            overhead_steps=sum(made.member_steps for made in self._engines.values()),
            evaluation_forwards=sum(done.forwards for _, done in self._trained),
            seconds={
                "check": sum(made.seconds for made in self._engines.values()),
                "train": sum(done.train_seconds for _, done in self._trained),
                "evaluate": sum(done.judge_seconds for _, done in self._trained),
                "total": seconds,
            },
        )

    def _provenance(self) -> Provenance:
        prepared = next(iter(self.optimizers.values()))
        verdicts = {label: made.verdict for label, made in self._engines.items()}
        sentences = dict.fromkeys(verdict.sentence() for verdict in verdicts.values())
        return Provenance(
            versions={
                "rightrate": version("rightrate"),
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            seed=self.question.seeds[0],
            device=str(prepared.device),
            threads=max((verdict.threads for verdict in verdicts.values()), default=torch.get_num_threads()),
            engine="; ".join(sentences) or "not decided",
            verdict={label: verdict.to_dict() for label, verdict in verdicts.items()},
        )


def _watcher(interrupt: Interrupt, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    def watch(state: Progress) -> None:
        if progress is not None:
            progress(state)
        if interrupt.requested:
            raise Stopped

    return watch
