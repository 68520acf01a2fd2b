"""The plain reference: K real models, each with the user's real optimizer, one after the other."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightrate.errors import ConfigError, UnsupportedOptimizerError, describe
from rightrate.optimizers.template import bare_step, copied_optimizer
from rightrate.population.evaluate import evaluate_program
from rightrate.population.program import Program, own_draws, seed_draws
from rightrate.population.recalibrate import recalibrate_program
from rightrate.population.setup import Setup, scale_decay
from rightrate.population.table import check_members, check_table, check_tensors
from rightrate.schedules import FloatArray
from rightrate.tasks.nest import copied
from rightrate.tasks.seeds import mix

__all__ = ["SerialPopulation"]


class SerialPopulation:
    """A `Population` as a Python loop over K models: the reference every fast path is held to.

    Args:
        setup: What to train.
        size: K, the number of members, >= 1.
        weight_decay: One weight decay for each member, or None for the optimizer's own.
    """

    def __init__(self, setup: Setup, size: int, *, weight_decay: Sequence[float] | None = None) -> None:
        self._setup = setup
        self._members: list[_Member] = []
        for index in range(size):
            program = setup.copy_program()
            optimizer = setup.build_optimizer(program)
            if weight_decay is not None:
                scale_decay(optimizer, float(weight_decay[index]))
            self._members.append(_Member(program, optimizer))
        self._ratios = setup.template().ratios
        self._device = setup.program.device
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
        with own_draws(self._device), torch.enable_grad():
            for row, rates in enumerate(table):
                batches = self._next_batches()
                draws = mix(self._setup.seed, self._step)
                for index, member in enumerate(self._members):
                    if member.alive:
                        losses[row, index] = self._train(member, batches, float(rates[index]), draws)
                self._step += 1
        return losses

    def _next_batches(self) -> list[Any]:
        accumulate = self._setup.training.accumulate
        if self._batches is None:
            self._batches = self._setup.train.stream(self._setup.seed, self._step * accumulate)
        return [next(self._batches) for _ in range(accumulate)]

    def _train(self, member: "_Member", batches: Sequence[Any], rate: float, draws: int) -> float:
        buffers = member.buffers()
        seed_draws(self._device, draws)
        member.clear_gradients()
        total, count = 0.0, len(batches)
        for batch in batches:
            loss, _ = member.program(copied(batch))  # a model may change its input in place
            (loss if count == 1 else loss / count).backward()
            total += loss.item() / count
        if not math.isfinite(total):
            member.alive = False
            member.put_back(buffers)
            return math.nan
        if self._setup.training.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(member.trained, self._setup.training.clip_norm)
        for group, ratio in zip(member.optimizer.param_groups, self._ratios, strict=True):
            group["lr"] = rate * ratio
        member.step()
        return total

    def evaluate(self, batches: Iterable[Any] | None = None) -> Mapping[str, FloatArray]:
        """Return metric name -> (K,) on the validation data; the loss alone on other batches."""
        rows = []
        setup = self._setup
        judged, metrics = (setup.valid, setup.metrics) if batches is None else (list(batches), {})
        for member in self._members:
            with _serving(member.optimizer):
                rows.append(evaluate_program(member.program, judged, metrics, seed=setup.seed))
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def take(self, members: Sequence[int]) -> "SerialPopulation":
        """Return a new population with copies of the named members; this one stays usable."""
        new = copy.copy(self)
        new._members = [self._members[index].copy() for index in check_members(members, self.size)]
        new._batches = None
        return new

    def recalibrate(self, batches: int) -> None:
        """Re-estimate normalisation statistics in place over `batches` training batches."""
        for member in self._members:
            with _serving(member.optimizer):
                recalibrate_program(member.program, self._setup, batches)

    def state_dict(self) -> dict[str, object]:
        """Return step, parameters, buffers and optimizer state of every member."""
        return {
            "engine": "serial",
            "step": self._step,
            "members": {str(index): member.state_dict() for index, member in enumerate(self._members)},
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Set this population to a saved state of the same task, optimizer, size and seed."""
        saved: Any = state.get("members", {})
        if state.get("engine") != "serial" or len(saved) != self.size:
            received = f"{state.get('engine')} with {len(saved)} members"
            allowed = f"the state of a serial population with {self.size} members"
            raise ConfigError(describe("load_state_dict(state)", allowed, received))
        for index, member in enumerate(self._members):
            check_tensors(saved[str(index)]["program"], member.values())
        self._step = int(state["step"])  # type: ignore[call-overload]
        self._batches = None
        for index, member in enumerate(self._members):
            member.load_state_dict(saved[str(index)])

    def programs(self) -> tuple[Program, ...]:
        """Return the members' own programs, for comparison with other engines."""
        return tuple(member.program for member in self._members)

    def optimizers(self) -> tuple[torch.optim.Optimizer, ...]:
        """Return the members' own optimizers, for comparison with other engines."""
        return tuple(member.optimizer for member in self._members)


class _Member:
    """One model, its optimizer, and whether its loss has been finite so far."""

    def __init__(self, program: Program, optimizer: torch.optim.Optimizer, alive: bool = True) -> None:
        self.program = program
        self.optimizer = optimizer
        self.alive = alive
        self.trained: list[Tensor] = [value for group in optimizer.param_groups for value in group["params"]]
        self._bare = bare_step(optimizer)
        self._owners = _owners_of_buffers(program)
        _set_mode(optimizer, "train")

    def clear_gradients(self) -> None:
        """Do what `optimizer.zero_grad()` does, without reporting it to profilers where it is torch's."""
        if self._bare is None:
            self.optimizer.zero_grad(set_to_none=True)
            return
        for value in self.trained:
            value.grad = None

    def step(self) -> None:
        """Take the optimizer's step.

        Raises:
            UnsupportedOptimizerError: If it cannot take even its first one, as those that need a closure.
        """
        if self._bare is not None:
            with torch.no_grad():
                self._bare(self.optimizer)
            return
        try:
            self.optimizer.step()
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            if self.optimizer.state:
                raise
            allowed, label = "an optimizer that steps when it has gradients", type(self.optimizer).__name__
            said = f"It says: {str(error).rstrip('.')}."
            raise UnsupportedOptimizerError(describe("find(optimizer=...)", allowed, label, said)) from error

    def buffers(self) -> list[Tensor]:
        """Return copies of the buffers."""
        return [owner[name].clone() for owner, name in self._owners]

    def put_back(self, buffers: Sequence[Tensor]) -> None:
        """Set the buffers to what they were, those included that the forward pass re-assigned."""
        for (owner, name), before in zip(self._owners, buffers, strict=True):
            owner[name].copy_(before)

    def copy(self) -> "_Member":
        memo: dict[int, Any] = {}
        program = copy.deepcopy(self.program, memo)
        return _Member(program, copied_optimizer(self.optimizer, memo), self.alive)

    def values(self) -> dict[str, Tensor]:
        """Return parameters and all buffers, those that `state_dict` leaves out included."""
        named = chain(self.program.named_parameters(), self.program.named_buffers())
        return {name: value.detach() for name, value in named}

    def state_dict(self) -> dict[str, object]:
        return {
            "alive": self.alive,
            "program": {name: value.clone() for name, value in self.values().items()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.alive = bool(state["alive"])
        for name, value in self.values().items():
            value.copy_(state["program"][name])
        self._load_optimizer(copy.deepcopy(state["optimizer"]))

    def _load_optimizer(self, saved: dict[str, Any]) -> None:
        """Load a state, which the optimizer then owns, keeping dtypes: torch casts to the parameter's."""
        self.optimizer.load_state_dict(saved)
        for group, saved_group in zip(self.optimizer.param_groups, saved["param_groups"], strict=True):
            for parameter, index in zip(group["params"], saved_group["params"], strict=True):
                loaded = self.optimizer.state.get(parameter, {})
                for key, value in saved["state"].get(index, {}).items():
                    if isinstance(value, Tensor):
                        loaded[key] = value.to(loaded[key].device)


def _owners_of_buffers(module: torch.nn.Module) -> list[tuple[dict[str, Any], str]]:
    """Return where each buffer is kept, once each, as looking for them again at every step takes long."""
    found: dict[int, tuple[dict[str, Any], str]] = {}
    for part in module.modules():
        for name, value in part._buffers.items():
            if value is not None:
                found.setdefault(id(value), (part._buffers, name))
    return list(found.values())


def _set_mode(optimizer: torch.optim.Optimizer, mode: str) -> None:
    """Call `optimizer.train()` or `.eval()` where the optimizer defines them, as Schedule-Free ones do."""
    switch = getattr(optimizer, mode, None)
    if callable(switch):
        switch()


@contextmanager
def _serving(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Let an optimizer that trains at other weights than it serves put the served ones in place."""
    _set_mode(optimizer, "eval")
    try:
        yield
    finally:
        _set_mode(optimizer, "train")
