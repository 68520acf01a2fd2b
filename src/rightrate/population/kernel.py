"""One optimizer step for K stacked members: gradients, one optimizer call, a learning rate each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightrate.errors import EngineError, describe
from rightrate.optimizers.probe import UpdateRule, set_unit_rate
from rightrate.population.gradients import Form, Gradients, compiled, gradients
from rightrate.population.members import Members
from rightrate.population.setup import Setup
from rightrate.schedules import FloatArray
from rightrate.tasks.nest import copied

__all__ = ["Kernel", "Workspace"]


class Workspace:
    """The tensors one optimizer object works on, for a fixed number of members.

    The optimizer steps `stepped`: a zero at rate 1 ("delta"), or a copy of the parameters at the row's
    largest rate ("scaled"). The outcome is scaled by each member's own rate.

    Args:
        setup: What is trained.
        rule: How one optimizer call serves many members.
        members: The members the tensors are shaped after.

    Raises:
        EngineError: If the members have weight decays of their own and the rule cannot apply them.
    """

    def __init__(self, setup: Setup, rule: UpdateRule, members: Members) -> None:
        self.members = members
        self._rule = rule
        self._clip_norm = setup.training.clip_norm
        template = setup.template(decayed=members.decay is not None)
        if members.decay is not None and any(template.decays) and rule.decay == "none":
            allowed = "None where one optimizer call cannot apply a decay for each member"
            advice = "Use setup.rule(decayed=True), and separate models where that is not of kind 'delta'."
            raise EngineError(describe("StackedPopulation(weight_decay=...)", allowed, rule, advice))
        self._stepped = {name: torch.zeros_like(members.params[name]) for name in template.names}
        self._optimizer = template.over(self._stepped)
        self._groups = template.groups
        self._ratios = template.ratios
        self._decays = template.decays
        self._initial = {
            name: {key: _cloned(value) for key, value in self._optimizer.state[tensor].items()}
            for name, tensor in self._stepped.items()
            if tensor in self._optimizer.state
        }
        if rule.kind == "delta":
            set_unit_rate(self._optimizer)

    def fits(self, members: Members) -> bool:
        """Say whether it can work on other members than those it was made for."""
        own = self.members
        return own.size == members.size and (own.decay is None) == (members.decay is None)

    def load_slots(self) -> None:
        """Give the optimizer the members' slots, by reference."""
        state = self._optimizer.state
        state.clear()
        for name, tensor in self._stepped.items():
            slots = self.members.slots.get(name)
            if slots is None:
                slots = {key: _cloned(value) for key, value in self._initial.get(name, {}).items()}
            if slots:
                state[tensor] = slots

    def save_slots(self) -> None:
        """Hand the optimizer's state over to the members, by reference."""
        state = self._optimizer.state
        self.members.slots = {
            name: dict(state[tensor]) for name, tensor in self._stepped.items() if tensor in state
        }

    def set_largest(self, rate: float) -> None:
        """Set the rate the optimizer steps at, for the "scaled" rule."""
        if self._rule.kind == "scaled":
            for group, ratio in zip(self._optimizer.param_groups, self._ratios, strict=True):
                group["lr"] = rate * ratio

    def update(
        self, grads: dict[str, Tensor], losses: Tensor, after: dict[str, Tensor], lr: Tensor
    ) -> Tensor:
        """Move all members by one step and return their losses, NaN for the dead.

        Args:
            grads: Gradient of each parameter, (K, ...).
            losses: (K,) losses before the step.
            after: Buffers after the forward pass, each (K, ...).
            lr: (K,) rates for the "delta" rule; rates divided by the row's largest for the "scaled" one.
        """
        members = self.members
        alive = members.alive & torch.isfinite(losses)
        if self._clip_norm is not None:
            grads = _clipped(grads, self._clip_norm)
        self._feed(grads)
        self._optimizer.step()
        for group, ratio, base in zip(self._groups, self._ratios, self._decays, strict=True):
            for name in group:
                value, moved = members.params[name], self._stepped[name]
                rate = _column(lr, value)
                if self._rule.kind == "scaled":
                    new = value + (moved - value) * rate
                else:
                    new = self._decayed(value, rate * ratio, base) + rate * ratio * moved
                value.copy_(torch.where(_column(alive, value), new, value))
        for name, buffer in members.buffers.items():
            buffer.copy_(torch.where(_column(alive, buffer), after[name], buffer))
        members.alive.copy_(alive)
        return torch.where(alive, losses, torch.nan)

    def _feed(self, grads: dict[str, Tensor]) -> None:
        for group, base in zip(self._groups, self._decays, strict=True):
            for name in group:
                tensor, value, grad = self._stepped[name], self.members.params[name], grads[name]
                if self._rule.kind == "scaled":
                    tensor.copy_(value)
                else:
                    tensor.zero_()
                    if self._rule.decay == "coupled" and base:
                        grad = grad + self._amount(value, base) * value
                tensor.grad = grad

    def _decayed(self, value: Tensor, rate: Tensor, base: float) -> Tensor:
        if self._rule.decay != "decoupled" or not base:
            return value
        return value * (1 - rate * self._amount(value, base))

    def _amount(self, value: Tensor, base: float) -> Tensor | float:
        decay = self.members.decay
        return base if decay is None else base * _column(decay, value)


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
        self._workspace: Workspace | None = None
        self._eager_workspace: Workspace | None = None
        self._shapes: Any = None
        self._compiled_gradients: Gradients = self.gradients
        self._compiled_update = None
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
        if not members.slots:
            head = 1
            rows.append(self._eager(members, batches[:1], lr[:1], draws[:1]))
        if len(lr) > head:
            rows.append(self._compiled(members, batches[head:], lr[head:], draws[head:]))
        return torch.cat(rows)

    def _eager(
        self, members: Members, batches: Sequence[Sequence[Any]], lr: FloatArray, draws: Sequence[int]
    ) -> Tensor:
        workspace = self._eager_workspace
        if workspace is None or not workspace.fits(members):
            workspace = self._eager_workspace = Workspace(self._setup, self._rule, members)
        workspace.members = members
        workspace.load_slots()
        rows = self._steps(workspace, self.gradients, workspace.update, batches, lr, draws)
        workspace.save_slots()
        return rows

    def _compiled(
        self, members: Members, batches: Sequence[Sequence[Any]], lr: FloatArray, draws: Sequence[int]
    ) -> Tensor:
        size = self.size or members.size
        padded = members.pick([*range(members.size), *[0] * (size - members.size)])
        padded.alive[members.size :] = False
        for slots in padded.slots.values():
            # Compiled code computes with this tensor where eager code computes with a Python float.
            if isinstance(slots.get("step"), Tensor):
                slots["step"] = slots["step"].double()
        table = np.pad(lr, ((0, 0), (0, size - members.size)))
        if self._workspace is None or not self._workspace.fits(padded):
            self._workspace = Workspace(self._setup, self._rule, padded)
            self._workspace.load_slots()
            self._compiled_update = compiled(_bound(self._workspace), fullgraph=False)  # type: ignore[assignment]
        else:
            _copy_into(self._workspace.members, padded)
        update: Any = self._compiled_update
        rows = self._steps(self._workspace, self._compiled_gradients, update, batches, table, draws)
        _copy_back(members, self._workspace.members)
        return rows[:, : members.size]

    def _steps(
        self,
        workspace: Workspace,
        compute: Gradients,
        update: Any,
        batches: Sequence[Sequence[Any]],
        lr: FloatArray,
        draws: Sequence[int],
    ) -> Tensor:
        members = workspace.members
        first = next(iter(members.params.values()))
        largest = lr.max(axis=1)
        shared = np.where(largest > 0, largest, 1.0)
        scaled = lr / shared[:, None] if self._rule.kind == "scaled" else lr
        rates = torch.from_numpy(np.ascontiguousarray(scaled)).to(device=first.device, dtype=first.dtype)
        rows: list[Tensor] = []
        for row, group in enumerate(batches):
            self._setup.program.seed_draws(draws[row])
            grads, losses, after = self._averaged(compute, members, group)
            workspace.set_largest(float(shared[row]))
            rows.append(update(grads, losses, after, rates[row]))
        return torch.stack(rows)

    def _averaged(
        self, compute: Gradients, members: Members, group: Sequence[Any]
    ) -> tuple[dict[str, Tensor], Tensor, dict[str, Tensor]]:
        grads, losses, after = self._gradients(compute, members, members.buffers, group[0])
        if len(group) == 1:
            return grads, losses, after
        for batch in group[1:]:
            more, loss, after = self._gradients(compute, members, after, batch)
            grads = {name: value + more[name] for name, value in grads.items()}
            losses = losses + loss
        count = len(group)
        return {name: value / count for name, value in grads.items()}, losses / count, after

    def _gradients(
        self, compute: Gradients, members: Members, buffers: dict[str, Tensor], batch: Any
    ) -> tuple[dict[str, Tensor], Tensor, dict[str, Tensor]]:
        """Compute, compiled only for the shapes compiled for, on a batch that a model may change in place."""
        if compute is not self.gradients:
            shapes = _shapes(batch)
            if self._shapes is None:
                self._shapes = shapes
            compute = compute if shapes == self._shapes else self.gradients
        return compute(members.params, buffers, copied(batch))


def _bound(workspace: Workspace) -> Any:
    def update(grads: dict[str, Tensor], losses: Tensor, after: dict[str, Tensor], lr: Tensor) -> Tensor:
        return workspace.update(grads, losses, after, lr)

    return update


def _column(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *([1] * (like.ndim - 1)))


def _clipped(grads: dict[str, Tensor], limit: float) -> dict[str, Tensor]:
    """Scale each member's whole gradient to a norm of at most `limit`, as `clip_grad_norm_` does."""
    norms = [torch.linalg.vector_norm(value.flatten(1), dim=1) for value in grads.values()]
    total = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    factor = (limit / (total + 1e-6)).clamp(max=1.0)
    return {name: value * _column(factor, value) for name, value in grads.items()}


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _shapes(batch: Any) -> Any:
    if isinstance(batch, Tensor):
        return tuple(batch.shape), batch.dtype
    if isinstance(batch, dict):
        return tuple((key, _shapes(value)) for key, value in batch.items())
    if isinstance(batch, (tuple, list)):
        return tuple(_shapes(value) for value in batch)
    return batch


def _copy_into(target: Members, source: Members) -> None:
    """Overwrite the tensors of `target` in place, so that compiled code keeps seeing the same ones."""
    for mine, theirs in ((target.params, source.params), (target.buffers, source.buffers)):
        for name, value in theirs.items():
            mine[name].copy_(value)
    target.alive.copy_(source.alive)
    if target.decay is not None and source.decay is not None:
        target.decay.copy_(source.decay)
    for name, slots in source.slots.items():
        for key, value in slots.items():
            if isinstance(value, Tensor):
                target.slots[name][key].copy_(value)
            else:
                target.slots[name][key] = value


def _copy_back(members: Members, workspace: Members) -> None:
    """Take the living rows of a compiled workspace over into the members they came from."""
    members.put(slice(0, members.size), workspace.pick(range(members.size)))
