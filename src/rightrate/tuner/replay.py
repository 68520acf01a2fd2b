"""Replaying a schedule that was found: from scratch, as an ordinary run."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from rightrate.population.factory import Populations
from rightrate.schedules import FloatArray, Schedule
from rightrate.search.record import Curve
from rightrate.search.rounds import Round
from rightrate.search.space import Action
from rightrate.search.tune_record import Replay
from rightrate.tuner.members import new_members
from rightrate.tuner.trainer import Trainer

__all__ = ["Replayer"]

_POINTS = 240


class Replayer:
    """Trains new members by one schedule.

    With the seed of the search it retraces the winner, as that saw the same batches and draws: what it
    reaches is the same, up to how rounding differs between few members and many. With another seed it says
    what the schedule is worth by itself.

    Args:
        populations: Make the members.
        trainer: Trains.
        schedule: The rates.
        size: The members of the search, which decide how one is trained.
        weight_decay: The winner's; None for the optimizer's own.
    """

    def __init__(
        self,
        populations: Populations,
        trainer: Trainer,
        schedule: Schedule,
        *,
        size: int,
        weight_decay: float | None,
    ) -> None:
        self._populations = populations
        self._trainer = trainer
        self._schedule = schedule
        self._size = size
        self._weight_decay = weight_decay

    def replay(self, seed: int) -> Replay:
        """Return what the schedule reaches with a seed; it is a piece of the journal of its own."""
        began = time.perf_counter()
        key, journal = f"replay {seed}", self._trainer.journal
        known = journal.finished(key)
        if known is not None:
            return Replay.from_dict(known)
        steps = self._schedule.total_steps
        decays = None if self._weight_decay is None else (self._weight_decay,) * self._size
        rates = self._schedule(np.arange(steps))
        peak = self._schedule.peak
        root = Round(take=None, lrs=(peak,) * self._size, steps=steps, seed=seed, weight_decays=decays)
        population = new_members(self._populations, root).take([0])
        kept: Mapping[str, Any] | None = journal.resume(key)
        before: FloatArray | None = None
        if kept is not None:
            population.load_state_dict(kept["population"])
            before = kept["losses"].numpy()
            began -= kept.get("seconds", 0.0)

        def save(losses: FloatArray) -> None:
            state = {
                "population": population.state_dict(),
                "losses": torch.from_numpy(losses),
                "seconds": time.perf_counter() - began,
            }
            journal.checkpoint(key, state)

        action = Action(kind="probe", rung=0, lrs=(peak,), steps=steps, seed=seed)
        losses = self._trainer.train(
            population, rates[:, None], action, name=f"replay, seed {seed}", before=before, save=save
        )[:, 0]
        places = sorted({round(place) for place in np.linspace(0, steps - 1, min(steps, _POINTS))})
        made = Replay(
            seed=seed,
            metrics={name: float(column[0]) for name, column in population.evaluate().items()},
            curve=Curve(
                steps=tuple(places),
                lr=tuple(float(rates[place]) for place in places),
                train=tuple(float(losses[place]) for place in places),
            ),
            seconds=time.perf_counter() - began,
        )
        journal.finish(key, asdict(made))
        return made
