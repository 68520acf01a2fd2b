"""The fast engine: K members as stacked tensors, one forward, backward and optimizer call for all."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightrate.errors import ConfigError, describe
from rightrate.population.kernel import Kernel
from rightrate.population.members import Members
from rightrate.population.program import own_draws
from rightrate.population.recalibrate import recalibrating
from rightrate.population.setup import Setup
from rightrate.population.stacked_evaluation import StackedEvaluation
from rightrate.population.table import check_members, check_table, check_tensors
from rightrate.schedules import FloatArray
from rightrate.tasks.seeds import mix

__all__ = ["StackedPopulation"]

_BLOCK_STEPS = 32


class StackedPopulation:
    """A `Population` whose members are rows of stacked tensors.

    Args:
        setup: What to train.
        size: K, the number of members, >= 1.
        kernel: Takes the steps; shared by all populations of a run.
        evaluation: Judges the members; shared likewise.
        chunk: Most members put through the kernel at once.
        weight_decay: One weight decay for each member, or None for the optimizer's own.
    """

    def __init__(
        self,
        setup: Setup,
        size: int,
        *,
        kernel: Kernel,
        evaluation: StackedEvaluation,
        chunk: int,
        weight_decay: Sequence[float] | None = None,
    ) -> None:
        self._setup = setup
        self._kernel = kernel
        self._evaluation = evaluation
        self._chunk = chunk
        self._members = Members.start(setup.program, setup.template().names, size, weight_decay)
        self._step = 0
        self._batches: Iterator[Any] | None = None

    @property
    def size(self) -> int:
        """K, the number of members."""
        return self._members.size

    @property
    def step(self) -> int:
        """Optimizer steps taken so far."""
        return self._step

    @property
    def alive(self) -> tuple[bool, ...]:
        """Whether each member's loss has been finite so far."""
        return tuple(bool(flag) for flag in self._members.alive.tolist())

    @property
    def chunk(self) -> int:
        """Most members put through the kernel at once; halved when memory runs out."""
        return self._chunk

    def advance(self, lr: FloatArray) -> FloatArray:
        """Take one optimizer step for each row of rates; see `Population.advance`."""
        table = check_table(lr, self.size)
        losses: list[Tensor] = []
        with own_draws(self._setup.program.device), torch.no_grad():
            for start in range(0, len(table), _BLOCK_STEPS):
                rows = table[start : start + _BLOCK_STEPS]
                try:
                    batches = [self._next_batches() for _ in rows]
                    draws = [mix(self._setup.seed, self._step + row) for row in range(len(rows))]
                    losses.append(self._block(batches, rows, draws))
                except BaseException:
                    self._batches = None  # its place is behind that of the members, which have not moved
                    raise
                self._step += len(rows)
        if not losses:
            return np.empty((0, self.size))
        return torch.cat(losses).double().cpu().numpy()

    def _next_batches(self) -> list[Any]:
        accumulate = self._setup.training.accumulate
        if self._batches is None:
            self._batches = self._setup.train.stream(self._setup.seed, self._step * accumulate)
        return [next(self._batches) for _ in range(accumulate)]

    def _block(self, batches: Sequence[Sequence[Any]], lr: FloatArray, draws: Sequence[int]) -> Tensor:
        """Run one block in chunks of members, in smaller ones for good once memory has run out."""
        columns: list[Tensor] = []
        moved: list[Members] = []
        start = 0
        while start < self.size:
            members = slice(start, min(start + self._chunk, self.size))
            part = self._members.pick(range(members.start, members.stop))
            try:
                columns.append(self._kernel.run(part, batches, lr[:, members], draws))
            except (torch.OutOfMemoryError, MemoryError) as error:
                self._halve(error)
                continue
            moved.append(part)
            start = members.stop
        self._members = Members.joined(moved)
        return torch.cat(columns, dim=1)

    def _halve(self, error: BaseException) -> None:
        if self._chunk == 1 or self.size == 1:
            raise error
        self._chunk = max(1, min(self._chunk, self.size) // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def evaluate(self, batches: Iterable[Any] | None = None) -> Mapping[str, FloatArray]:
        """Return metric name -> (K,) on the validation data; the loss alone on other batches."""
        judged = None if batches is None else list(batches)
        while True:
            try:
                return self._evaluation.run(self._members, self._chunk, judged)
            except (torch.OutOfMemoryError, MemoryError) as error:
                self._halve(error)

    def take(self, members: Sequence[int]) -> "StackedPopulation":
        """Return a new population with copies of the named members; this one stays usable."""
        new = copy.copy(self)
        new._members = self._members.pick(check_members(members, self.size))
        new._batches = None
        return new

    def recalibrate(self, batches: int) -> None:
        """Re-estimate normalisation statistics in place over `batches` training batches."""

        def forward(batch: Any, draws: int) -> None:
            start = 0
            while start < self.size:
                members = slice(start, min(start + self._chunk, self.size))
                try:
                    self._evaluation.update_buffers(self._members, members, batch, draws)
                except (torch.OutOfMemoryError, MemoryError) as error:
                    self._halve(error)
                    continue
                start = members.stop

        recalibrating(self._evaluation.base, self._setup, batches, forward)

    def state_dict(self) -> dict[str, object]:
        """Return step, parameters, buffers and optimizer state of every member."""
        return {"engine": "stacked", "step": self._step, **self._members.state_dict()}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Set this population to a saved state of the same task, optimizer, size and seed."""
        rest: Any = {key: value for key, value in state.items() if key not in ("engine", "step")}
        size = len(rest.get("alive", ()))
        if state.get("engine") != "stacked" or size != self.size:
            allowed = f"the state of a stacked population with {self.size} members"
            received = f"{state.get('engine')} with {size} members"
            raise ConfigError(describe("load_state_dict(state)", allowed, received))
        check_tensors(_tensors(rest), _tensors(vars(self._members)))
        self._members = Members.from_state(rest, self._setup.program.device)
        self._step = int(state["step"])  # type: ignore[call-overload]
        self._batches = None

    @property
    def members(self) -> Members:
        """The stacked state itself, for comparison with other engines."""
        return self._members

    @members.setter
    def members(self, members: Members) -> None:
        self._members = members


def _tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a state that are there from the first step on."""
    decay = {} if state["decay"] is None else {"weight decay": state["decay"]}
    return {**state["params"], **state["buffers"], **decay}
