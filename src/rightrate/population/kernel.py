"""One optimizer step for K stacked members: gradients, one optimizer call, a learning rate each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightrate.optimizers.probe import UpdateRule
from rightrate.population.gradients import Form, Gradients, Tensors, compiled, gradients
from rightrate.population.members import Members
from rightrate.population.setup import Setup
from rightrate.population.workspace import Workspace
from rightrate.schedules import FloatArray
from rightrate.tasks.nest import copied

__all__ = ["Kernel"]

Move = Callable[[Workspace, Sequence[Any], Tensor], Tensor]


class Kernel:
    """Steps of stacked members, eager or compiled.

    Args:
        setup: What is trained.
        rule: How one optimizer call serves many members; not "whole".
        form: Which of the two forms computes the gradients.
        size: Members a compiled call takes; fewer are padded. None is eager: any number.
    """

    def __init__(self, setup: Setup, rule: UpdateRule, form: Form, *, size: int | None = None) -> None:
        self._setup = setup
        self._rule = rule
        self.size = size
        base = setup.copy_program()
        self.gradients: Gradients = gradients(base, form)
        self._form = form
        self._workspace: Workspace | None = None
        self._eager_workspace: Workspace | None = None
        self._stateless = False  # known after the first step
        self._shapes: Any = None
        self._compiled_gradients: Gradients = self.gradients
        self._compiled_update: Callable[..., Tensor]
        self._compiled_step: Callable[..., Tensor] | None = None
        if size is not None:
            self._compiled_gradients = compiled(self.gradients, fullgraph=form == "A")

    def run(
        self, members: Members, batches: Sequence[Sequence[Any]], lr: FloatArray, draws: Sequence[int]
    ) -> Tensor:
        """Take one step for each row of `lr`, changing `members` in place.

        Args:
            members: The state, K members.
            batches: For each step the batches whose gradients are averaged.
            lr: (S, K) rates.
            draws: For each step the seed of its random draws.

        Returns:
            (S, K) losses, still on the device.
        """
        if self.size is None or members.size > self.size or 2 * members.size < self.size:
            return self._eager(members, batches, lr, draws)
        head = 0
        rows: list[Tensor] = []
        if not members.slots and not self._stateless:
            head = 1
            rows.append(self._eager(members, batches[:1], lr[:1], draws[:1]))
            self._stateless = not members.slots
        if len(lr) > head:
            rows.append(self._compiled(members, batches[head:], lr[head:], draws[head:]))
        return torch.cat(rows)

    def _eager(
        self, members: Members, batches: Sequence[Sequence[Any]], lr: FloatArray, draws: Sequence[int]
    ) -> Tensor:
        workspace = self._eager_workspace
        if workspace is None or not workspace.fits(members, members.size):
            workspace = self._eager_workspace = Workspace(self._setup, self._rule, members)
        workspace.members = members
        workspace.load_slots()
        rows = self._steps(workspace, self._eager_move, batches, lr, draws)
        workspace.save_slots()
        return rows

    def _compiled(
        self, members: Members, batches: Sequence[Sequence[Any]], lr: FloatArray, draws: Sequence[int]
    ) -> Tensor:
        size = self.size or members.size
        workspace = self._workspace
        if workspace is None or not workspace.fits(members, size):
            workspace = self._workspace = Workspace(self._setup, self._rule, members.padded(size), fixed=True)
            workspace.load_slots()
            self._compile(workspace)
        else:
            workspace.clear()
            workspace.members.overwrite(members)
        table = np.pad(lr, ((0, 0), (0, size - members.size)))
        rows = self._steps(workspace, self._compiled_move, batches, table, draws)
        members.overwrite(workspace.members)
        return rows[:, : members.size]

    def _compile(self, workspace: Workspace) -> None:
        """Compile a whole step as one graph where that is possible, else what can be."""
        self._shapes = None
        compute = self.gradients

        def update(grads: Tensors, losses: Tensor, after: Tensors, lr: Tensor) -> Tensor:
            return workspace.update(grads, losses, after, lr)

        def step(batch: Any, lr: Tensor) -> Tensor:
            members = workspace.members
            return workspace.update(*compute(members.params, members.buffers, copied(batch)), lr)

        self._compiled_step = None
        self._compiled_update = compiled(update, fullgraph=True) if workspace.traceable else update
        if workspace.traceable and self._form == "A" and self._setup.training.accumulate == 1:
            self._compiled_step = compiled(step, fullgraph=True)

    def _steps(
        self,
        workspace: Workspace,
        move: Move,
        batches: Sequence[Sequence[Any]],
        lr: FloatArray,
        draws: Sequence[int],
    ) -> Tensor:
        first = next(iter(workspace.members.params.values()))
        largest = lr.max(axis=1)
        shared = np.where(largest > 0, largest, 1.0)
        scaled = lr / shared[:, None] if self._rule.kind == "scaled" else lr
        rates = torch.from_numpy(np.ascontiguousarray(scaled)).to(device=first.device, dtype=first.dtype)
        rows: list[Tensor] = []
        for row, (group, rate) in enumerate(zip(batches, rates.unbind(), strict=True)):
            self._setup.program.seed_draws(draws[row])
            workspace.set_largest(float(shared[row]))
            rows.append(move(workspace, group, rate))
        return torch.stack(rows)

    def _eager_move(self, workspace: Workspace, group: Sequence[Any], lr: Tensor) -> Tensor:
        computes = [self.gradients] * len(group)
        return workspace.update(*_averaged(computes, workspace.members, group), lr)

    def _compiled_move(self, workspace: Workspace, group: Sequence[Any], lr: Tensor) -> Tensor:
        """Take one step with compiled code for the shapes it was compiled for, and without for others."""
        shapes = [_shapes(batch) for batch in group]
        if self._shapes is None:
            self._shapes = shapes[0]
        if self._compiled_step is not None:
            if shapes[0] == self._shapes:
                return self._compiled_step(group[0], lr)
            return self._eager_move(workspace, group, lr)
        computes = [self._compiled_gradients if own == self._shapes else self.gradients for own in shapes]
        return self._compiled_update(*_averaged(computes, workspace.members, group), lr)


def _averaged(
    computes: Sequence[Gradients], members: Members, group: Sequence[Any]
) -> tuple[Tensors, Tensor, Tensors]:
    grads, losses, after = computes[0](members.params, members.buffers, copied(group[0]))
    if len(group) == 1:
        return grads, losses, after
    for compute, batch in zip(computes[1:], group[1:], strict=True):
        more, loss, after = compute(members.params, after, copied(batch))
        grads = {name: value + more[name] for name, value in grads.items()}
        losses = losses + loss
    count = len(group)
    return {name: value / count for name, value in grads.items()}, losses / count, after


def _shapes(batch: Any) -> Any:
    if isinstance(batch, Tensor):
        return batch.shape, batch.stride(), batch.dtype
    if isinstance(batch, dict):
        return tuple((key, _shapes(value)) for key, value in batch.items())
    if isinstance(batch, (tuple, list)):
        return tuple(_shapes(value) for value in batch)
    return batch
