"""Members that take the training steps of another framework, one member after the other."""

import copy
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from rightrate.errors import ConfigError, EngineError, describe
from rightrate.population.evaluate import evaluate_program
from rightrate.population.program import Program, own_draws
from rightrate.population.recalibrate import recalibrate_program
from rightrate.population.setup import Setup
from rightrate.population.table import check_members, check_table
from rightrate.population.verdict import Verdict
from rightrate.schedules import FloatArray
from rightrate.tasks.nest import copied
from rightrate.tasks.own_step import OwnStep

__all__ = ["OwnStepPopulation", "own_step_verdict"]

_ROWS = 16  # steps a member takes at a time: what is kept of the batches meanwhile
_TIMED = 4


class OwnStepPopulation:
    """A `Population` of models that take their training steps themselves.

    Args:
        setup: What to train; its model is an `OwnStep`, its optimizer is never built.
        size: K, the number of members, >= 1.
    """

    def __init__(self, setup: Setup, size: int) -> None:
        self._setup = setup
        self._members = [_Member(setup.copy_program()) for _ in range(size)]
        self._step = 0
        self._batches: Iterator[Any] | None = None

    @property
    def size(self) -> int:
        """K, the number of members."""
        return len(self._members)

    @property
    def step(self) -> int:
        """Optimizer steps taken so far."""
        return self._step

    @property
    def alive(self) -> tuple[bool, ...]:
        """Whether each member's loss has been finite so far."""
        return tuple(member.alive for member in self._members)

    def advance(self, lr: FloatArray) -> FloatArray:
        """Take one optimizer step for each row of rates; see `Population.advance`."""
        table = check_table(lr, self.size)
        losses = np.full(table.shape, np.nan)
        with own_draws(torch.device("cpu")):
            for first in range(0, len(table), _ROWS):
                rates = table[first : first + _ROWS]
                batches = [self._next_batch() for _ in rates]
                for index, member in enumerate(self._members):
                    if member.alive:
                        losses[first : first + len(rates), index] = member.train(batches, rates[:, index])
                self._step += len(rates)
        return losses

    def _next_batch(self) -> Any:
        if self._batches is None:
            self._batches = self._setup.train.stream(self._setup.seed, self._step)
        return next(self._batches)

    def evaluate(self, batches: Iterable[Any] | None = None) -> Mapping[str, FloatArray]:
        """Return metric name -> (K,) on the validation data; the loss alone on other batches."""
        setup = self._setup
        judged, metrics = (setup.valid, setup.metrics) if batches is None else (list(batches), {})
        rows = [
            evaluate_program(member.program, judged, metrics, seed=setup.seed) for member in self._members
        ]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def take(self, members: Sequence[int]) -> "OwnStepPopulation":
        """Return a new population with copies of the named members; this one stays usable."""
        new = copy.copy(self)
        new._members = [self._members[index].copy() for index in check_members(members, self.size)]
        new._batches = None
        return new

    def recalibrate(self, batches: int) -> None:
        """Re-estimate normalisation statistics in place over `batches` training batches."""
        for member in self._members:
            recalibrate_program(member.program, self._setup, batches)

    def state_dict(self) -> dict[str, object]:
        """Return step and state of every member."""
        states = {str(index): member.state_dict() for index, member in enumerate(self._members)}
        return {"engine": "own step", "step": self._step, "members": states}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Set this population to a saved state of the same task, size and seed."""
        saved: Any = state.get("members", {})
        if state.get("engine") != "own step" or len(saved) != self.size:
            received = f"{state.get('engine')} with {len(saved)} members"
            allowed = f"the state of a population with {self.size} members that take their own steps"
            raise ConfigError(describe("load_state_dict(state)", allowed, received))
        self._step = int(state["step"])  # type: ignore[call-overload]
        self._batches = None
        for index, member in enumerate(self._members):
            member.load_state_dict(saved[str(index)])


class _Member:
    """One model, and whether its loss has been finite so far."""

    def __init__(self, program: Program, alive: bool = True) -> None:
        self.program = program
        self.alive = alive

    @property
    def model(self) -> OwnStep:
        return self.program.model  # type: ignore[return-value]

    def train(self, batches: Sequence[Any], rates: FloatArray) -> FloatArray:
        """Take a few steps; after the first that fails the state is the one before it."""
        before = self.model.state()
        own = [copied(batch) for batch in batches]
        losses = np.full(len(rates), np.nan)
        found = self.model.train_steps(own, [float(rate) for rate in rates])
        losses[: len(found)] = found
        if not math.isfinite(found[-1]):
            self.alive = False
            losses[len(found) - 1] = math.nan
            self.model.load(before)
            right = len(found) - 1
            self.model.train_steps(own[:right], [float(rate) for rate in rates[:right]])
        return losses

    def copy(self) -> "_Member":
        return _Member(copy.deepcopy(self.program), self.alive)

    def state_dict(self) -> dict[str, object]:
        return {"alive": self.alive, "model": self.model.state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.alive = bool(state["alive"])
        self.model.load(state["model"])


def own_step_verdict(setup: Setup, engine: str) -> tuple[Verdict, int, float]:
    """Return the verdict of a model that takes its own steps, the steps it took to time it, and their time.

    Raises:
        EngineError: If stacked members are asked for.
    """
    label = getattr(setup.program.model, "label", "")
    if engine == "stacked":
        message = f"find(engine='stacked') cannot train {label}, whose training step is its framework's own."
        raise EngineError(f"{message} Use engine='auto'.")
    population = OwnStepPopulation(setup, 1)
    rows = np.zeros((_TIMED, 1))
    population.advance(rows)
    began = time.perf_counter()
    population.advance(rows)
    seconds = (time.perf_counter() - began) / _TIMED
    reason = f"{label} takes its framework's own training step"
    return Verdict(reason=reason, threads=torch.get_num_threads()), 2 * _TIMED, seconds
