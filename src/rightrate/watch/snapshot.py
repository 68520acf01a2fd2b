"""The state of a training run at one step, to come back to."""

import copy
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

__all__ = ["Restorable", "Run", "Snapshot", "put_random_back", "random_states"]


class Restorable(Protocol):
    """What trains, in any framework: its state can be taken, and put back later."""

    def state(self) -> Mapping[str, Any]:
        """Return a copy of the state, as tensors, arrays and plain data; nothing is changed by it."""
        ...

    def put_back(self, state: Mapping[str, Any]) -> None:
        """Put a state back; what trains stays the same objects."""
        ...


@dataclass(frozen=True, kw_only=True)
class Run:
    """What trains: the parts whose state a snapshot holds.

    Args:
        optimizers: The optimizers.
        model: The model, or None; then the optimizers' own tensors are all that is known of it.
        schedulers: What sets the optimizers' rates and has a state of its own.
    """

    optimizers: tuple[Optimizer, ...]
    model: nn.Module | None = None
    schedulers: tuple[Any, ...] = ()

    def tensors(self) -> list[Tensor]:
        """Return the weights, and the buffers where the model is known; each once."""
        known: list[Tensor] = [] if self.model is None else [*self.model.parameters(), *self.model.buffers()]
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        known += [tensor for group in groups for tensor in group["params"]]
        return list({id(tensor): tensor for tensor in known}.values())

    def state(self) -> Mapping[str, Any]:
        """Return weights, buffers, states of optimizers and schedulers, and random states."""
        return {
            "tensors": [tensor.detach().clone() for tensor in self.tensors()],
            "optimizers": [copy.deepcopy(optimizer.state_dict()) for optimizer in self.optimizers],
            "schedulers": [copy.deepcopy(scheduler.state_dict()) for scheduler in self.schedulers],
            "random": random_states(),
        }

    @torch.no_grad()
    def put_back(self, state: Mapping[str, Any]) -> None:
        """Put everything back as it was; the tensors stay the same objects.

        The rates of the groups go back with the schedulers. Where no scheduler is known they stay as they
        are, because whoever sets them goes on from there.
        """
        schedulers = state["schedulers"] if len(state["schedulers"]) == len(self.schedulers) else []
        for tensor, kept in zip(self.tensors(), state["tensors"], strict=True):
            tensor.copy_(kept)
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            rates = [group.get("lr") for group in optimizer.param_groups]
            optimizer.load_state_dict(copy.deepcopy(kept))
            if not schedulers:
                _put(optimizer, rates)
        for scheduler, kept in zip(self.schedulers, schedulers, strict=bool(schedulers)):
            scheduler.load_state_dict(copy.deepcopy(kept))
        put_random_back(state["random"])


class Snapshot:
    """The state of a run as it was at one step.

    Args:
        run: What to take the state of; nothing in it is changed.
        step: The optimizer steps taken so far.
    """

    def __init__(self, run: Restorable, step: int) -> None:
        self.step = step
        self.state = run.state()

    def restore(self, run: Restorable) -> None:
        """Put everything back as it was."""
        run.put_back(self.state)

    def drop(self) -> None:
        """Do nothing: memory is let go of with the object."""


def _put(optimizer: Optimizer, rates: Sequence[Any]) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        if rate is not None:
            group["lr"] = rate


def random_states() -> Mapping[str, Any]:
    """Return the states of the generators of Python, NumPy and torch."""
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    numpy = np.random.get_state(legacy=False)
    return {"python": random.getstate(), "numpy": numpy, "cpu": torch.get_rng_state(), "cuda": gpus}


def put_random_back(states: Mapping[str, Any]) -> None:
    """Put the states of `random_states` back."""
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["cpu"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
