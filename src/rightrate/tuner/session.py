"""One tuning, from the first check of the engine to the record and the winner."""

import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import torch

from rightrate.finder.interrupt import Interrupt
from rightrate.population.calibrate import calibrate
from rightrate.population.factory import Populations
from rightrate.population.prepare import Prepared
from rightrate.population.verdict import Verdict
from rightrate.schedules import FloatArray, resolve, shape_values
from rightrate.search.driver import Progress, Stopped
from rightrate.search.levels import untrained_metrics
from rightrate.search.record import Cost, Levels, Provenance, Settings, in_all
from rightrate.search.space import Space
from rightrate.search.tune_record import (
    Replay,
    RoundRecord,
    TuneAnswer,
    TuneRecord,
    TuneSettings,
    ancestry,
    rates_change,
)
from rightrate.store.journal import Journal
from rightrate.tuner.conclude import conclude, nothing, replayed, schedule_of
from rightrate.tuner.play import Player
from rightrate.tuner.question import Question
from rightrate.tuner.replay import Replayer
from rightrate.tuner.trainer import Trainer
from rightrate.tuner.winner import Winner

__all__ = ["Session"]

_FRACTION_OF_PEAK = 0.1


class Session:
    """One tuning.

    Args:
        prepared: What is trained.
        question: What is asked.
        journal: Remembers what is finished.
        progress: Called about once a second with where it is.
    """

    def __init__(
        self,
        prepared: Prepared,
        question: Question,
        journal: Journal,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._prepared = prepared
        self._question = question
        self._journal = journal
        self._progress = progress
        self._shape = resolve(question.schedule, total_steps=question.steps)
        self._values: FloatArray = shape_values(self._shape, question.steps)
        self._objective = prepared.task.objective

    def announce(self, message: str) -> None:
        """Print the one line after the first Ctrl-C, where it is in the way of no one's output."""
        print(message, file=sys.stderr, flush=True)

    def run(self, interrupt: Interrupt, notes: Sequence[str]) -> tuple[TuneRecord, Winner | None]:
        """Check, train, judge and conclude."""
        began = time.perf_counter()
        question, prepared = self._question, self._prepared
        untrained = untrained_metrics(prepared, prepared.setup(question.seed))
        said = (*notes, untrained.note) if untrained.note else tuple(notes)
        space = self._space(untrained.metrics[self._objective.name])
        planned = question.strategy.planned(space)
        engine = self._engine(planned)
        verdict = Verdict.from_dict(engine["verdict"])
        torch.set_num_threads(verdict.threads)  # put back when it is over
        populations = Populations(prepared, verdict)
        trainer = Trainer(journal=self._journal, watch=_watcher(interrupt, self._progress), allowance=planned)
        player = Player(
            populations, self._values, objective=self._objective, journal=self._journal, trainer=trainer
        )
        player.play(question.strategy, space)
        answer, winner, replays = self._concluded(player, space, populations, trainer)
        answer = replace(answer, reasons=(*answer.reasons, *self._remarks(said)))
        record = TuneRecord(
            settings=self._settings(planned, notes),
            answer=answer,
            rounds=tuple(player.rounds),
            replays=replays,
            levels=Levels(untrained=untrained.metrics[self._objective.name], best=answer.score),
            cost=self._cost(player.rounds, replays, engine, time.perf_counter() - began),
            provenance=self._provenance(verdict),
        )
        return record, winner

    def _space(self, untrained: float) -> Space:
        question = self._question
        return Space(
            low=question.low,
            high=question.high,
            steps=question.steps,
            budget=float(question.strategy.size),
            seed=question.seed,
            decays=bool(self._values[-1] < _FRACTION_OF_PEAK * self._values.max()),
            untrained=self._objective.worse_first(untrained),
        )

    def _engine(self, planned: int) -> Mapping[str, Any]:
        """Return the engine's verdict, decided once for a study."""
        known: Mapping[str, Any] | None = self._journal.finished("engine")
        if known is not None:
            return known
        made = calibrate(
            self._prepared,
            size=self._question.strategy.size,
            member_steps=planned,
            seed=self._question.seed,
            engine=self._question.engine,
        )
        decided = {
            "verdict": made.verdict.to_dict(),
            "member_steps": made.member_steps,
            "seconds": made.seconds,
        }
        self._journal.finish("engine", decided)
        return decided

    def _concluded(
        self, player: Player, space: Space, populations: Populations, trainer: Trainer
    ) -> tuple[TuneAnswer, Winner | None, tuple[Replay, ...]]:
        best, rounds, question = player.best, player.rounds, self._question
        if best is None:
            return nothing(rounds, interrupted=player.interrupted), None, ()
        path = ancestry(rounds, best.round, best.member)
        schedule = schedule_of(rounds, path, self._shape, self._values)
        answer = conclude(
            best,
            rounds,
            path=path,
            schedule=schedule,
            space=space,
            objective=self._objective,
            interrupted=player.interrupted,
        )
        member = rounds[best.round].members[best.member]
        winner = Winner(
            population=best.population,
            populations=populations,
            seed=space.seed,
            schedule=schedule,
            metrics=member.metrics,
        )
        if answer.status != "found" or not rates_change(rounds):
            return answer, winner, ()
        again = Replayer(
            populations, trainer, schedule, size=question.strategy.size, weight_decay=member.weight_decay
        )
        seeds = (space.seed, space.seed + 1)
        trainer.allowance += len(seeds) * space.steps
        try:
            replays = tuple(again.replay(seed) for seed in seeds)
        except Stopped:
            said = "Stopped while its schedule was replayed from scratch."
            return replace(answer, status="interrupted", reasons=(*answer.reasons, said)), winner, ()
        reasons = (*answer.reasons, *replayed(answer, replays, self._objective))
        return replace(answer, reasons=reasons), winner, replays

    def _remarks(self, notes: Sequence[str]) -> tuple[str, ...]:
        held = "A fifth of the training data was held out for validation."
        return (held, *notes) if self._prepared.held_out else tuple(notes)

    def _settings(self, planned: int, notes: Sequence[str]) -> TuneSettings:
        question, prepared = self._question, self._prepared
        info = prepared.task.info
        run = Settings(
            task=info.name,
            description=info.description,
            optimizer=prepared.spec.label,
            schedule=question.schedule_name,
            steps=question.steps,
            budget=planned / question.steps,
            objective=self._objective.name,
            direction=self._objective.direction,
            notes=tuple(notes),
        )
        return TuneSettings(run=run, method=question.strategy.name, options=question.options)

    def _cost(
        self,
        rounds: Sequence[RoundRecord],
        replays: Sequence[Replay],
        engine: Mapping[str, Any],
        seconds: float,
    ) -> Cost:
        steps = {
            "train": sum(len(done.members) * done.steps for done in rounds),
            "anneal": sum(done.annealed for done in rounds),
            "replay": len(replays) * self._question.steps,
        }
        judged = sum(
            len(done.members) + sum(member.annealed is not None for member in done.members) for done in rounds
        )
        batches = sum(1 for _ in self._prepared.valid)
        parts = {
            "check": float(engine["seconds"]),
            "rounds": sum(done.seconds for done in rounds),
            "replays": sum(replay.seconds for replay in replays),
        }
        return Cost(
            steps=steps,
            run_equivalents=sum(steps.values()) / self._question.steps,
            overhead_steps=int(engine["member_steps"]),
            evaluation_forwards=(judged + len(replays)) * batches,
            seconds=in_all(parts, seconds),
        )

    def _provenance(self, verdict: Verdict) -> Provenance:
        return Provenance(
            versions={
                "rightrate": version("rightrate"),
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            seed=self._question.seed,
            device=str(self._prepared.device),
            threads=verdict.threads,
            engine=verdict.sentence(),
            verdict=verdict.to_dict(),
        )


def _watcher(interrupt: Interrupt, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    def watch(state: Progress) -> None:
        if progress is not None:
            progress(state)
        if interrupt.requested:
            raise Stopped

    return watch
