"""Judging K stacked members on the whole validation set, together or one after the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from rightrate.population.evaluate import call_metric, gathered
from rightrate.population.members import Members
from rightrate.population.program import Program, evaluating
from rightrate.population.setup import Setup
from rightrate.schedules import FloatArray
from rightrate.tasks.batches import batch_size_of

__all__ = ["StackedEvaluation"]


class StackedEvaluation:
    """Evaluation of stacked members.

    Some operations have no rule for `vmap` without gradients where they have one with them (LSTM), so
    evaluation has a verdict of its own and falls back to a loop over members.

    Args:
        setup: What is judged on what.
        together: Whether members go through `vmap`; otherwise one after the other.

    Attributes:
        base: The program's copy that carries modes and structure, not weights.
    """

    def __init__(self, setup: Setup, *, together: bool) -> None:
        self.base: Program = setup.copy_program()
        self.together = together
        self._setup = setup

    def run(self, members: Members, chunk: int) -> dict[str, FloatArray]:
        """Return metric name -> (K,), NaN for members whose loss is not finite."""
        names = ("loss", *self._setup.metrics)
        values = {name: np.full(members.size, np.nan) for name in names}
        step = chunk if self.together else 1
        with torch.no_grad(), evaluating(self.base):
            for start in range(0, members.size, step):
                indices = range(start, min(start + step, members.size))
                part = members.pick(indices) if len(indices) < members.size else members
                for name, column in self._part(part).items():
                    values[name][indices.start : indices.stop] = column
        return values

    def _part(self, members: Members) -> dict[str, FloatArray]:
        total = torch.zeros(members.size, dtype=torch.float64, device=members.alive.device)
        samples = 0
        outputs: list[Tensor] = []
        targets: list[Any] = []
        for batch in self._setup.valid:
            losses, output = self._forward(members, batch)
            count = batch_size_of(batch)
            total += losses.double() * count
            samples += count
            if self._setup.metrics:
                outputs.append(output)
                targets.append(batch[1])
        loss = (total / samples).cpu().numpy()
        loss[~np.isfinite(loss)] = np.nan
        values: dict[str, FloatArray] = {"loss": loss}
        if self._setup.metrics:
            joined, target = _joined_by_member(outputs), gathered(targets)
            for name, metric in self._setup.metrics.items():
                values[name] = np.array(
                    [
                        call_metric(metric, joined[member], target) if np.isfinite(loss[member]) else np.nan
                        for member in range(members.size)
                    ]
                )
        return values

    def _forward(self, members: Members, batch: Any) -> tuple[Tensor, Tensor]:
        wants_output = bool(self._setup.metrics)

        def one(params: dict[str, Tensor], buffers: dict[str, Tensor]) -> tuple[Tensor, Any]:
            loss, output = functional_call(self.base, {**params, **buffers}, (batch,))
            return loss, output if wants_output else loss

        if self.together:
            result: tuple[Tensor, Tensor] = vmap(one, randomness="same")(members.params, members.buffers)
            return result
        rows = [one(*_single(members, member)) for member in range(members.size)]
        return torch.stack([row[0] for row in rows]), torch.stack([row[1] for row in rows])

    def update_buffers(self, members: Members, batch: Any, chunk: int) -> None:
        """Put one batch through every member in training mode and keep what it does to the buffers."""

        def one(params: dict[str, Tensor], buffers: dict[str, Tensor]) -> dict[str, Tensor]:
            own = {name: value.clone() for name, value in buffers.items()}
            functional_call(self.base, {**params, **own}, (batch,))
            return own

        step = chunk if self.together else 1
        for start in range(0, members.size, step):
            indices = slice(start, min(start + step, members.size))
            part = members.pick(range(indices.start, indices.stop))
            if self.together:
                after = vmap(one, randomness="same")(part.params, part.buffers)
            else:
                after = {name: value.unsqueeze(0) for name, value in one(*_single(part, 0)).items()}
            for name, value in after.items():
                members.buffers[name][indices] = value


def _single(members: Members, index: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    params = {name: value[index] for name, value in members.params.items()}
    return params, {name: value[index] for name, value in members.buffers.items()}


def _joined_by_member(outputs: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(outputs), dim=1)
