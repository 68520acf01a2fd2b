"""A model of another framework, which takes its training steps itself."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["OwnStep"]


class OwnStep(nn.Module, ABC):
    """A model whose optimizer is part of it: a batch and a learning rate go in, a loss comes out.

    As a module it only computes: `forward` gives what the loss of the task is applied to, without gradients.
    Copies are independent of each other and start where the original stands.

    Args:
        label: The optimizer, as reports name it, such as "keras.Adam".
        search_range: The learning rates a search starts with, (lowest, highest).
    """

    def __init__(self, *, label: str, search_range: tuple[float, float]) -> None:
        super().__init__()
        self.label = label
        self.search_range = search_range
        self._place = nn.Parameter(torch.empty(0), requires_grad=False)  # says where batches go: the CPU

    @abstractmethod
    def forward(self, inputs: Any) -> Tensor:
        """Return the outputs; in training mode running statistics take the inputs in, as in training."""

    @abstractmethod
    def train_step(self, inputs: Any, targets: Any, lr: float) -> float:
        """Take one optimizer step at a rate >= 0 and return the loss before it.

        It depends on the state and the arguments alone. A loss that is not finite, or a step that the
        framework refuses for its numbers, is NaN; what the parameters are then does not matter.
        """

    @abstractmethod
    def state(self) -> Mapping[str, Any]:
        """Return all that changes in training: tensors and numbers of its own, nested in dicts."""

    @abstractmethod
    def load(self, state: Mapping[str, Any]) -> None:
        """Set what changes in training to a state, which stays the caller's."""

    @abstractmethod
    def again(self) -> "OwnStep":
        """Return another model of the same settings in the same state."""

    def train_steps(self, batches: Sequence[tuple[Any, Any]], rates: Sequence[float]) -> list[float]:
        """Take one step on each batch and return their losses, up to the first that is not finite."""
        losses: list[float] = []
        for (inputs, targets), rate in zip(batches, rates, strict=True):
            losses.append(self.train_step(inputs, targets, rate))
            if not math.isfinite(losses[-1]):
                break
        return losses

    def normalisations(self) -> list[Any]:
        """Return what keeps running statistics, each with a `momentum` in torch's sense that can be set."""
        return []

    def __deepcopy__(self, memo: dict[int, Any]) -> "OwnStep":
        new = self.again()
        new.training = self.training
        memo[id(self)] = new
        return new

    def __copy__(self) -> "OwnStep":
        return copy.deepcopy(self)
