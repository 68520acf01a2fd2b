"""One optimizer call for K stacked members with a learning rate each."""

from typing import Any

import torch
from torch import Tensor

from rightrate.errors import EngineError, describe
from rightrate.optimizers.probe import UpdateRule, set_unit_rate
from rightrate.optimizers.template import bare_step
from rightrate.population.members import Members
from rightrate.population.setup import Setup

__all__ = ["Workspace"]


class Workspace:
    """The tensors one optimizer object works on, for a fixed number of members.

    The optimizer steps `stepped`: a zero at rate 1 ("delta"), or a copy of the parameters at the row's
    largest rate ("scaled"). The outcome is scaled by each member's own rate.

    Args:
        setup: What is trained.
        rule: How one optimizer call serves many members.
        members: The members the tensors are shaped after.
        fixed: Whether gradients are copied into tensors that stay the same, as compiled code needs it.

    Raises:
        EngineError: If the members have weight decays of their own and the rule cannot apply them.
    """

    def __init__(self, setup: Setup, rule: UpdateRule, members: Members, *, fixed: bool = False) -> None:
        self.members = members
        self._rule = rule
        self._fixed = fixed
        self._clip_norm = setup.training.clip_norm
        template = setup.template(decayed=members.decay is not None)
        if members.decay is not None and any(template.decays) and rule.decay == "none":
            allowed = "None where one optimizer call cannot apply a decay for each member"
            advice = "Use setup.rule(decayed=True), and separate models where that is not of kind 'delta'."
            raise EngineError(describe("StackedPopulation(weight_decay=...)", allowed, rule, advice))
        self._stepped = {name: torch.zeros_like(members.params[name]) for name in template.names}
        self._optimizer = template.over(self._stepped)
        self._bare = bare_step(self._optimizer)
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
        if fixed:
            for tensor in self._stepped.values():
                tensor.grad = torch.zeros_like(tensor)

    def fits(self, members: Members, size: int) -> bool:
        """Say whether it has `size` rows and is made for members of this kind."""
        own = self.members
        return own.size == size and (own.decay is None) == (members.decay is None)

    def load_slots(self) -> None:
        """Give the optimizer the members' slots, by reference."""
        self.clear()
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

    def clear(self) -> None:
        """Set the deltas to zero, as every step leaves them and a step that failed may not have."""
        if self._rule.kind == "delta":
            for tensor in self._stepped.values():
                tensor.zero_()

    @property
    def traceable(self) -> bool:
        """Whether a step changes nothing but tensors, so that a compiled one does the same every time.

        A count or a rate that is a Python number would be compiled in as it was.
        """
        slots = [value for own in self._optimizer.state.values() for value in own.values()]
        return (
            self._rule.kind == "delta"
            and self._bare is not None
            and all(value is None or isinstance(value, Tensor) for value in slots)
        )

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
        if self._bare is None:
            self._optimizer.step()
        else:
            self._bare(self._optimizer)
        for group, ratio, base in zip(self._groups, self._ratios, self._decays, strict=True):
            for name in group:
                value, moved = members.params[name], self._stepped[name]
                rate = _column(lr, value)
                if self._rule.kind == "scaled":
                    new = value + (moved - value) * rate
                else:
                    new = self._decayed(value, rate * ratio, base) + rate * ratio * moved
                value.copy_(torch.where(_column(alive, value), new, value))
                if self._rule.kind == "delta":
                    moved.zero_()  # after its use: compiled code must not change it before the optimizer does
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
                elif self._rule.decay == "coupled" and base:
                    grad = grad + self._amount(value, base) * value
                if self._fixed and tensor.grad is not None:
                    tensor.grad.copy_(grad)
                else:
                    tensor.grad = grad

    def _decayed(self, value: Tensor, rate: Tensor, base: float) -> Tensor:
        if self._rule.decay != "decoupled" or not base:
            return value
        return value * (1 - rate * self._amount(value, base))

    def _amount(self, value: Tensor, base: float) -> Tensor | float:
        decay = self.members.decay
        return base if decay is None else base * _column(decay, value)


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
