"""Judging K stacked members on the whole validation set, together or one after the other."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from rightrate.population.evaluate import call_metric, gathered, validation_draws
from rightrate.population.members import Members
from rightrate.population.program import Program, evaluating, own_draws
from rightrate.population.setup import Setup
from rightrate.schedules import FloatArray
from rightrate.tasks.batches import batch_size_of
from rightrate.tasks.nest import copied
from rightrate.tasks.task import Metric

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

    def run(
        self, members: Members, chunk: int, batches: Iterable[Any] | None = None
    ) -> dict[str, FloatArray]:
        """Return metric name -> (K,), NaN for members whose loss is not finite.

        Args:
            members: Who is judged.
            chunk: How many at a time.
            batches: What their loss is judged on; the validation data, with every metric, if None.
        """
        metrics = self._setup.metrics if batches is None else {}
        judged = self._setup.valid if batches is None else batches
        names = ("loss", *metrics)
        values = {name: np.full(members.size, np.nan) for name in names}
        step = chunk if self.together else 1
        with torch.no_grad(), evaluating(self.base), own_draws(self.base.device):
            for start in range(0, members.size, step):
                indices = range(start, min(start + step, members.size))
                part = members.pick(indices) if len(indices) < members.size else members
                for name, column in self._part(part, judged, metrics).items():
                    values[name][indices.start : indices.stop] = column
        return values

    def _part(
        self, members: Members, batches: Iterable[Any], metrics: Mapping[str, Metric]
    ) -> dict[str, FloatArray]:
        total = torch.zeros(members.size, dtype=torch.float64, device=members.alive.device)
        samples = 0
        outputs: list[list[Any]] = [[] for _ in range(members.size)]
        targets: list[Any] = []
        for index, batch in enumerate(batches):
            losses, rows = self._forward(
                members, batch, validation_draws(self._setup.seed, index), bool(metrics)
            )
            count = batch_size_of(batch)
            total += losses.double() * count
            samples += count
            if metrics:
                for own, row in zip(outputs, rows, strict=True):
                    own.append(row)
                targets.append(batch[1])
        loss = (total / samples).cpu().numpy()
        loss[~np.isfinite(loss)] = np.nan
        values: dict[str, FloatArray] = {"loss": loss}
        if not metrics:
            return values
        target = gathered(targets)
        values.update({name: np.full(members.size, np.nan) for name in metrics})
        for member in np.flatnonzero(np.isfinite(loss)):
            output = gathered(outputs[member])
            for name, metric in metrics.items():
                values[name][member] = call_metric(metric, output, target)
        return values

    def _forward(
        self, members: Members, batch: Any, draws: int, wants_output: bool
    ) -> tuple[Tensor, list[Any]]:
        """Return (K,) losses and, where wanted, each member's output."""

        def one(params: dict[str, Tensor], buffers: dict[str, Tensor]) -> tuple[Tensor, Any]:
            loss, output = functional_call(self.base, {**params, **buffers}, (batch,))
            return loss, output if wants_output else loss

        if self.together:
            self.base.seed_draws(draws)
            losses, stacked = vmap(one, randomness="same")(members.params, members.buffers)
            return losses, [_row(stacked, member) for member in range(members.size)]
        rows = []
        for member in range(members.size):
            self.base.seed_draws(draws)
            rows.append(one(*_single(members, member)))
        return torch.stack([loss for loss, _ in rows]), [output for _, output in rows]

    def update_buffers(self, members: Members, which: slice, batch: Any, draws: int) -> None:
        """Put one batch through some members in training mode and keep what it does to their buffers."""

        def one(params: dict[str, Tensor], buffers: dict[str, Tensor]) -> dict[str, Tensor]:
            own = {name: value.clone() for name, value in buffers.items()}
            functional_call(self.base, {**params, **own}, (copied(batch),))
            return own

        part = members.pick(range(which.start, which.stop))
        if self.together:
            self.base.seed_draws(draws)
            after = [vmap(one, randomness="same")(part.params, part.buffers)]
        else:
            after = []
            for member in range(part.size):
                self.base.seed_draws(draws)
                own = one(*_single(part, member))
                after.append({name: value.unsqueeze(0) for name, value in own.items()})
        for name, value in members.buffers.items():
            value[which] = torch.cat([row[name] for row in after])


def _single(members: Members, index: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    params = {name: value[index] for name, value in members.params.items()}
    return params, {name: value[index] for name, value in members.buffers.items()}


def _row(stacked: Any, member: int) -> Any:
    """Return one member's part of stacked outputs: a tensor, or tuples, lists and dicts of them."""
    if isinstance(stacked, Tensor):
        return stacked[member]
    if isinstance(stacked, dict):
        return {key: _row(value, member) for key, value in stacked.items()}
    if isinstance(stacked, (tuple, list)):
        return type(stacked)(_row(value, member) for value in stacked)
    return stacked
