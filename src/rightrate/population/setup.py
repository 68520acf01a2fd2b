"""Everything populations of one run are built from."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from rightrate.optimizers.probe import UpdateRule, probe
from rightrate.optimizers.template import OptimizerTemplate
from rightrate.population.program import Program
from rightrate.tasks.batches import BatchSource, ValidationBatches
from rightrate.tasks.task import Metric, Training

__all__ = ["Setup"]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One task with its optimizer, ready to be trained; never changed by the populations made from it.

    Args:
        program: Model and loss at the start; populations copy it.
        build_optimizer: From a copy of the program to a new optimizer over its parameters.
        train: Training batches, a function of (seed, index).
        valid: Validation batches, always the same.
        metrics: Name to `f(outputs, targets) -> float` over the whole validation set.
        training: Accumulation, clipping, precision.
        seed: Of batches and random draws.
    """

    program: Program
    build_optimizer: Callable[[Program], torch.optim.Optimizer]
    train: BatchSource
    valid: ValidationBatches
    metrics: Mapping[str, Metric]
    training: Training
    seed: int

    def template(self, *, decayed: bool = False) -> OptimizerTemplate:
        """Return the optimizer's settings over the program.

        Args:
            decayed: Whether members get weight decays of their own: groups with a decay keep their ratios to
                the largest, and where there is none every group takes part.
        """
        optimizer = self.build_optimizer(self.program)
        if decayed:
            scale_decay(optimizer, 1.0)
        return OptimizerTemplate(optimizer, self.program)

    def rule(self, *, decayed: bool = False) -> UpdateRule:
        """Return how one call of the optimizer can serve many members, by a probe."""
        shapes = {name: tuple(value.shape) for name, value in self.program.named_parameters()}
        return probe(self.template(decayed=decayed), shapes)

    def copy_program(self) -> Program:
        """Return a deep copy of the program (which keeps tied weights tied)."""
        return copy.deepcopy(self.program)

    def with_seed(self, seed: int) -> "Setup":
        """Return the same setup with another seed of batches and draws."""
        return replace(self, seed=seed)

    def with_program(self, program: Program) -> "Setup":
        """Return the same setup from another start."""
        return replace(self, program=program)


def scale_decay(optimizer: torch.optim.Optimizer, amount: float) -> None:
    """Set the weight decay of an optimizer to `amount`, groups keeping their ratios to the largest."""
    groups: list[dict[str, Any]] = [group for group in optimizer.param_groups if "weight_decay" in group]
    largest = max((float(group["weight_decay"]) for group in groups), default=0.0)
    for group in groups:
        group["weight_decay"] = amount * (float(group["weight_decay"]) / largest if largest else 1.0)
