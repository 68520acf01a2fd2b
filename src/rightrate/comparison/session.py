"""One comparison: searching where it is asked for, and training every piece."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from rightrate.comparison.asked import rates
from rightrate.comparison.memory import measured_state
from rightrate.comparison.question import Question
from rightrate.comparison.recording import Done, recorded
from rightrate.comparison.training import Piece, Trained, Trainer
from rightrate.comparison.within import Within
from rightrate.finder.interrupt import Interrupt
from rightrate.finder.session import Question as FindQuestion
from rightrate.finder.session import Session as FindSession
from rightrate.population.calibrate import Calibration, calibrate
from rightrate.population.factory import Populations
from rightrate.population.prepare import Prepared
from rightrate.schedules import FloatArray, resolve, shape_values
from rightrate.search.compare_record import (
    CompareRecord,
    Contender,
    Found,
)
from rightrate.search.driver import Progress, Stopped
from rightrate.search.levels import untrained_metrics
from rightrate.search.probe import Probe
from rightrate.store.frozen import from_plain, to_plain
from rightrate.store.journal import Journal

__all__ = ["Session"]


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
        done = Done(
            optimizers=self.optimizers,
            question=self.question,
            planned=sum(len(piece.lrs) for piece in self._pieces()),
            found=tuple(self._found.values()),
            engines=self._engines,
            states=self._states,
            trained=self._trained,
        )
        seconds = time.perf_counter() - began
        return recorded(done, untrained, said, interrupted=interrupted, seconds=seconds)

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
        named = _named(f"find for {contender.optimizer}, {contender.schedule}", self.progress)
        session = FindSession(self.optimizers[contender.optimizer], question, named)
        record = session.run(interrupt, (), Within(journal=self.journal, name=key))
        if record.answer.status == "interrupted" or interrupt.requested:
            raise Stopped
        found = Found(
            contender=contender,
            lr=record.answer.lr,
            status=record.answer.status,
            message=record.answer.message,
            steps=sum(record.cost.steps.values()),
            seconds=record.cost.seconds["total"],
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


def _watcher(interrupt: Interrupt, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    def watch(state: Progress) -> None:
        if progress is not None:
            progress(state)
        if interrupt.requested:
            raise Stopped

    return watch


def _named(name: str, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None] | None:
    """Return what says of everything that is shown whose it is; None where nothing is."""
    return None if progress is None else lambda state: progress(replace(state, name=name))
