"""One population of a comparison: the rates of one contender, side by side under one seed."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from rightrate.comparison.judging import Judge, stops
from rightrate.population.factory import Populations
from rightrate.schedules import FloatArray
from rightrate.search.compare_record import CompareCurves, CompareTrial, Contender
from rightrate.search.driver import Progress, Stopped
from rightrate.search.space import Action
from rightrate.store.journal import Journal

__all__ = ["Piece", "Trained", "Trainer"]

_BLOCK_SECONDS = 1.0
_FIRST_BLOCK, _LARGEST_BLOCK = 8, 1024
_KEPT_POINTS = 200


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What is trained together.

    Args:
        number: Which piece of the comparison it is, for those who watch.
        contender: Optimizer and schedule.
        lrs: The peak rates of its members.
        seed: Of weights, batches and draws.
        shape: Fraction of the peak at each step, shape (S,).
    """

    number: int
    contender: Contender
    lrs: tuple[float, ...]
    seed: int
    shape: FloatArray

    @property
    def key(self) -> str:
        """Its name in the journal."""
        return f"run/{self.contender.optimizer}/{self.contender.schedule}/{self.seed}"

    @property
    def name(self) -> str:
        """Its name for those who watch."""
        return f"{self.contender.optimizer}, {self.contender.schedule}, seed {self.seed}"

    @property
    def steps(self) -> int:
        """Length in optimizer steps."""
        return len(self.shape)

    @property
    def action(self) -> Action:
        """The same, for those who watch."""
        return Action(kind="probe", rung=self.number, lrs=self.lrs, steps=self.steps, seed=self.seed)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a piece came to.

    Args:
        trials: One for each rate.
        train_seconds: Wall time of training steps.
        judge_seconds: Wall time of judging.
        forwards: Batches that were judged, counted by member.
    """

    trials: tuple[CompareTrial, ...]
    train_seconds: float
    judge_seconds: float
    forwards: int


@dataclass
class Trainer:
    """Trains pieces in blocks of about a second, judges them on the way, and writes checkpoints.

    Args:
        journal: Says when a checkpoint is due, and keeps it.
        watch: Called between blocks; may raise `rightrate.search.driver.Stopped`.
        allowance: Member-steps that are planned in all, for those who watch.
        spent: Member-steps so far.
    """

    journal: Journal
    watch: Callable[[Progress], None]
    allowance: int
    spent: int = 0
    _began: float = field(default_factory=time.perf_counter)

    def run(self, populations: Populations, piece: Piece) -> Trained:
        """Train a piece from its start, or from its newest checkpoint, to its end.

        Raises:
            Stopped: If `watch` asks for it; a checkpoint is written first.
        """
        population: Any = populations.make(len(piece.lrs), piece.seed)
        judge = Judge(populations, len(piece.lrs), piece.seed, piece.steps)
        path = _Path.start(len(piece.lrs), self.journal.resume(piece.key), population)
        table = piece.shape[:, None] * np.array(piece.lrs)
        self.spent += population.step * len(piece.lrs)
        for stop in stops(populations.prepared, piece.steps):
            if stop in path.judged_steps:
                continue
            self._advance(population, table[:stop], piece, path)
            began = time.perf_counter()
            path.judged(stop, judge.valid(population), judge.seen(population))
            path.judge_seconds += time.perf_counter() - began
        batches = sum(1 for _ in populations.prepared.valid) + judge.seen_count
        return Trained(
            trials=_trials(piece, path),
            train_seconds=path.train_seconds,
            judge_seconds=path.judge_seconds,
            forwards=len(path.judged_steps) * batches * len(piece.lrs),
        )

    def _advance(self, population: Any, table: FloatArray, piece: Piece, path: "_Path") -> None:
        block = _FIRST_BLOCK
        while population.step < len(table):
            began = time.perf_counter()
            part = table[population.step : population.step + block]
            path.losses = np.concatenate([path.losses, population.advance(part)])
            elapsed = time.perf_counter() - began
            path.train_seconds += elapsed
            self.spent += part.size
            block = int(min(_LARGEST_BLOCK, max(1, len(part) * _BLOCK_SECONDS / max(elapsed, 1e-6))))
            if self.journal.due():
                self.journal.checkpoint(piece.key, path.state(population))
            try:
                self._show(piece, population.step)
            except Stopped:
                self.journal.checkpoint(piece.key, path.state(population))
                raise

    def _show(self, piece: Piece, done: int) -> None:
        self.watch(
            Progress(
                action=piece.action,
                done=done,
                spent=self.spent,
                allowance=self.allowance,
                seconds=time.perf_counter() - self._began,
                name=piece.name,
            )
        )


@dataclass
class _Path:
    """What was measured of a piece so far."""

    losses: FloatArray
    judged_steps: list[int] = field(default_factory=list)
    valid: list[dict[str, list[float]]] = field(default_factory=list)
    seen: list[dict[str, list[float]]] = field(default_factory=list)
    train_seconds: float = 0.0
    judge_seconds: float = 0.0

    @classmethod
    def start(cls, size: int, state: Mapping[str, Any] | None, population: Any) -> "_Path":
        """Return what a checkpoint holds, and put the population there; an empty path where there is none."""
        if state is None:
            return cls(losses=np.empty((0, size)))
        population.load_state_dict(state["population"])
        return cls(
            losses=state["losses"].numpy().copy(),
            judged_steps=[int(step) for step in state["judged_steps"]],
            valid=[dict(item) for item in state["valid"]],
            seen=[dict(item) for item in state["seen"]],
            train_seconds=float(state["train_seconds"]),
            judge_seconds=float(state["judge_seconds"]),
        )

    def state(self, population: Any) -> dict[str, object]:
        """Return all that is needed to go on."""
        return {
            "population": population.state_dict(),
            "losses": torch.from_numpy(self.losses.astype(np.float64)),
            "judged_steps": list(self.judged_steps),
            "valid": list(self.valid),
            "seen": list(self.seen),
            "train_seconds": self.train_seconds,
            "judge_seconds": self.judge_seconds,
        }

    def judged(self, step: int, valid: Mapping[str, FloatArray], seen: Mapping[str, FloatArray]) -> None:
        """Add one judgement."""
        self.judged_steps.append(step)
        self.valid.append({name: [float(number) for number in column] for name, column in valid.items()})
        self.seen.append({name: [float(number) for number in column] for name, column in seen.items()})


def _trials(piece: Piece, path: _Path) -> tuple[CompareTrial, ...]:
    steps = _thinned(piece.steps)
    return tuple(
        CompareTrial(
            contender=piece.contender,
            lr=lr,
            seed=piece.seed,
            valid=_at_end(path, path.valid, member),
            seen=_at_end(path, path.seen, member),
            curves=CompareCurves(
                steps=steps,
                train=tuple(float(path.losses[step, member]) for step in steps),
                judged_steps=tuple(path.judged_steps),
                valid=_column(path.valid, member),
                seen=_column(path.seen, member),
            ),
        )
        for member, lr in enumerate(piece.lrs)
    )


def _at_end(path: _Path, judged: Sequence[Mapping[str, list[float]]], member: int) -> dict[str, float]:
    """Return the last judgement; NaN for a member whose last training loss was not finite."""
    dead = not math.isfinite(path.losses[-1, member])
    return {name: math.nan if dead else column[member] for name, column in judged[-1].items()}


def _column(judged: Sequence[Mapping[str, list[float]]], member: int) -> dict[str, tuple[float, ...]]:
    return {name: tuple(item[name][member] for item in judged) for name in judged[-1]}


def _thinned(steps: int) -> tuple[int, ...]:
    places = np.unique(np.round(np.linspace(0, steps - 1, min(steps, _KEPT_POINTS))).astype(int))
    return tuple(int(place) for place in places)
