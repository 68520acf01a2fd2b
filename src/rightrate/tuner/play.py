"""Playing a strategy on a population that goes on, so that it can stop and go on anywhere."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from rightrate.population.factory import Populations
from rightrate.schedules import FloatArray
from rightrate.search.driver import Stopped
from rightrate.search.rounds import Round, RoundStrategy, Standing
from rightrate.search.space import Action, Space
from rightrate.search.tune_record import RoundRecord
from rightrate.store.journal import Journal
from rightrate.tasks.task import Objective
from rightrate.tuner.judge import annealed_table, metrics_of
from rightrate.tuner.members import new_members, restored_members
from rightrate.tuner.recorded import recorded, standings_of
from rightrate.tuner.trainer import Trainer

__all__ = ["Best", "Player"]

_PIECE, _COPIES = "population", "copies"


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best member so far, as a population of its own.

    Args:
        value: Its objective, smaller is better.
        round: The round it was judged in.
        member: Its place in that round.
        population: A copy of it alone.
    """

    value: float
    round: int
    member: int
    population: Any


class Player:
    """Plays one strategy.

    Pieces of the journal: each round; "population", whose checkpoints are the members within or at the end
    of a round, and whose end is the winner; and "copies" while annealed copies are trained.

    Args:
        populations: Make the members.
        shape: Fraction of the peak at each step of the run, shape (S,).
        objective: What members are judged by.
        journal: Remembers.
        trainer: Trains.
    """

    def __init__(
        self,
        populations: Populations,
        shape: FloatArray,
        *,
        objective: Objective,
        journal: Journal,
        trainer: Trainer,
    ) -> None:
        self.rounds: list[RoundRecord] = []
        self.best: Best | None = None
        self.interrupted = False
        self._populations = populations
        self._shape = shape
        self._objective = objective
        self._journal = journal
        self._trainer = trainer
        self._asked: list[Round] = []
        self._kept: Mapping[str, Any] | None = None
        self._population: Any = None
        self._losses: FloatArray = np.empty((0, 0))
        self._began = time.perf_counter()

    def play(self, strategy: RoundStrategy, space: Space) -> None:
        """Play to the end, or to a stop; what was finished before is not trained again."""
        self._kept = self._usable(self._journal.resume(_PIECE))
        ended = self._kept is not None and self._journal.finished(_PIECE) is not None
        state, standings = strategy.start(space), list[Standing]()
        try:
            while (decided := strategy.decide(state, standings))[0]:
                rounds, state = decided
                standings = []
                for asked in rounds:
                    self._asked.append(asked)
                    record = self._past() or self._trained(asked, space)
                    standings += standings_of(record, self._objective)
        except Stopped:
            self.interrupted = True
            self._judge_unfinished()
            return
        self._take_up(0)
        if not ended:
            self._journal.finish(_PIECE, {"rounds": len(self.rounds)}, self._state(population=None))

    def _usable(self, kept: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return a checkpoint if all rounds before it are known."""
        if kept is None:
            return None
        known = (self._journal.finished(_key(number)) is not None for number in range(kept["round"]))
        return kept if all(known) else None

    def _past(self) -> RoundRecord | None:
        """Return the present round as it was recorded, if the checkpoint lies behind it."""
        number = len(self.rounds)
        if self._kept is None or number >= self._kept["round"]:
            return None
        record = RoundRecord.from_dict(self._journal.finished(_key(number)))
        self.rounds.append(record)
        self._trainer.spent += len(record.members) * record.steps + record.annealed
        return record

    def _trained(self, asked: Round, space: Space) -> RoundRecord:
        """Train and judge the present round."""
        self._began = time.perf_counter()
        number = len(self.rounds)
        before = self._take_up(len(asked.lrs))
        if before is None:
            new = asked.take is None
            self._population = (
                new_members(self._populations, asked) if new else self._population.take(asked.take)
            )
        else:
            self._trainer.spent += before.size
        start = self._population.step - (0 if before is None else len(before))
        table = self._shape[start : start + asked.steps, None] * np.array(asked.lrs)
        self._losses = self._trainer.train(
            self._population,
            table,
            _shown(asked, number),
            name=f"round {number + 1}",
            before=before,
            save=self._save,
        )
        reached = self._annealed(asked, space) if asked.annealing else None
        record = self._judged(start, reached)
        if self._journal.finished(_key(number)) is None:
            self._journal.finish(_key(number), record.to_dict())
        return record

    def _root(self, number: int) -> Round:
        """Return the round with new members that those of a round descend from."""
        while self._asked[number].take is not None:
            number -= 1
        return self._asked[number]

    def _take_up(self, size: int) -> FloatArray | None:
        """Go on from the checkpoint if the present round is its own; return the losses before it.

        Args:
            size: Members of the present round; 0 at the end, where there is only a winner.
        """
        kept, number = self._kept, len(self.rounds)
        if kept is None or number != kept["round"]:
            return None
        self._kept = None
        if (best := kept["best"]) is not None:
            root = self._root(best["round"])
            population = restored_members(self._populations, root, 1, best["state"])
            place = {name: best[name] for name in ("value", "round", "member")}
            self.best = Best(**place, population=population)
        if not size or kept["population"] is None:
            return None
        self._population = restored_members(self._populations, self._root(number), size, kept["population"])
        self._began -= kept.get("seconds", 0.0)
        losses: FloatArray = kept["losses"].numpy()
        return losses

    def _save(self, losses: FloatArray) -> None:
        """Write a checkpoint of the members within or at the end of the present round."""
        self._losses = losses
        self._journal.checkpoint(_PIECE, self._state(population=self._population))

    def _state(self, population: Any) -> dict[str, object]:
        best = self.best
        return {
            "round": len(self.rounds),
            "population": None if population is None else population.state_dict(),
            "losses": torch.from_numpy(self._losses),
            "seconds": time.perf_counter() - self._began,
            "best": None
            if best is None
            else {
                "value": best.value,
                "round": best.round,
                "member": best.member,
                "state": best.population.state_dict(),
            },
        }

    def _annealed(self, asked: Round, space: Space) -> dict[int, float]:
        """Return what annealed copies of some members reach, by member."""
        if asked.annealing is None:
            return {}
        number, members = len(self.rounds), asked.annealing.members
        copies = self._population.take(members)
        kept: Mapping[str, Any] | None = self._journal.resume(_COPIES)
        before: FloatArray | None = None
        table = annealed_table(asked, self._population.step, self._shape, decays=space.decays)
        if kept is not None and kept["round"] == number:
            copies = restored_members(self._populations, self._root(number), len(members), kept["population"])
            before = kept["losses"].numpy()

        def save(losses: FloatArray) -> None:
            self._save(self._losses)
            state = {"round": number, "population": copies.state_dict(), "losses": torch.from_numpy(losses)}
            self._journal.checkpoint(_COPIES, state)

        name = f"round {number + 1}, annealed copies"
        losses = self._trainer.train(
            copies, table, _shown(asked, number), name=name, before=before, save=save
        )
        values = self._metrics(copies, losses)[self._objective.name]
        return dict(zip(members, (float(value) for value in values), strict=True))

    def _metrics(self, population: Any, losses: FloatArray) -> dict[str, FloatArray]:
        """Return every metric of every member, NaN where it does not train."""
        program = self._populations.setup(self._asked[-1].seed).program
        dead = ~np.isfinite(losses[-1])
        found = metrics_of(population, program, len(self._shape))
        return {name: np.where(dead, math.nan, column) for name, column in found.items()}

    def _judged(self, start: int, annealed: Mapping[int, float] | None) -> RoundRecord:
        """Record the present round as far as it was trained."""
        record = recorded(
            self._asked[-1],
            self._losses,
            self._metrics(self._population, self._losses),
            start=start,
            length=len(self._shape),
            annealed=annealed,
            weight_decays=self._decays(len(self._asked) - 1),
        )
        self.rounds.append(replace(record, seconds=time.perf_counter() - self._began))
        if record.end == len(self._shape) or (annealed is None and self.interrupted):
            self._consider(record)
        return self.rounds[-1]

    def _decays(self, number: int) -> Sequence[float] | None:
        """Return the members' own weight decays in a round."""
        asked = self._asked[number]
        if asked.take is None:
            return asked.weight_decays
        before = self._decays(number - 1)
        return None if before is None else [before[member] for member in asked.take]

    def _consider(self, record: RoundRecord) -> None:
        """Keep the best member of a round if it beats the best so far."""
        for member, standing in enumerate(standings_of(record, self._objective)):
            if standing.finite and (self.best is None or standing.value < self.best.value):
                self.best = Best(
                    value=standing.value,
                    round=len(self.rounds) - 1,
                    member=member,
                    population=self._population.take([member]),
                )

    def _judge_unfinished(self) -> None:
        """After a stop: record how far the present round came, and take its best if nothing was finished."""
        if self.best is None:
            self._judged(self._population.step - len(self._losses), None)


def _key(number: int) -> str:
    return f"round {number}"


def _shown(asked: Round, number: int) -> Action:
    return Action(kind="probe", rung=number, lrs=asked.lrs, steps=asked.steps, seed=asked.seed)
