"""An optimizer read off once, to be set up again over other tensors."""

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.optim.optimizer as _wrapping
from torch import Tensor, nn

from rightrate.errors import ConfigError, ModelError, UnsupportedOptimizerError, describe

__all__ = ["OptimizerTemplate", "bare_step", "copied_optimizer"]


class OptimizerTemplate:
    """The settings of an optimizer over a model, by parameter name.

    It can be set up over any tensors that carry those names: a copy of the model, or tensors with K members
    along a leading axis. The optimizer given is read and never stepped.

    Args:
        optimizer: An optimizer without state, over parameters of `module`.
        module: The model.

    Attributes:
        groups: The parameter names of each group.
        ratios: The learning rate of each group divided by the first group's; a table of rates scales all
            groups together.
        decays: The weight decay of each group, 0.0 where there is none.
        has_modes: Whether it has `train()` or `eval()`: it serves other weights than it trains, as
            Schedule-Free ones do.

    Raises:
        ModelError: If the optimizer holds no trainable parameter of the model.
        ConfigError: If it holds a parameter that is not of the model.
        UnsupportedOptimizerError: If it has no learning rate.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, module: nn.Module) -> None:
        by_id = {id(parameter): name for name, parameter in module.named_parameters()}
        self._optimizer = optimizer
        self._parameters: dict[str, Tensor] = {}
        groups: list[tuple[str, ...]] = []
        for group in optimizer.param_groups:
            names = []
            for parameter in group["params"]:
                name = by_id.get(id(parameter))
                if name is None:
                    allowed = "an optimizer over parameters of the model it is given"
                    advice = "Write a factory f(params) or f(module) that uses its argument."
                    label = type(optimizer).__name__
                    raise ConfigError(describe("find(optimizer=...)", allowed, label, advice))
                if parameter.requires_grad:
                    names.append(name)
                self._parameters[name] = parameter
            groups.append(tuple(names))
        self.groups: tuple[tuple[str, ...], ...] = tuple(groups)
        if not any(self.groups):
            advice = "Set requires_grad=True on what should be trained."
            raise ModelError(describe("model", "a module with a trainable parameter", "none", advice))
        self.label = type(optimizer).__name__
        if not all("lr" in group for group in optimizer.param_groups):
            allowed = 'an optimizer whose parameter groups have a learning rate, "lr"'
            advice = "There is nothing to find for one that makes up its rate by itself."
            raise UnsupportedOptimizerError(describe("find(optimizer=...)", allowed, self.label, advice))
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        first = rates[0] if rates[0] > 0 else 1.0
        self.ratios: tuple[float, ...] = tuple(rate / first if rates[0] > 0 else 1.0 for rate in rates)
        self.decays: tuple[float, ...] = tuple(
            float(group.get("weight_decay", 0.0) or 0.0) for group in optimizer.param_groups
        )
        self.has_modes = any(callable(getattr(optimizer, mode, None)) for mode in ("train", "eval"))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all parameters that are trained."""
        return tuple(name for group in self.groups for name in group)

    def over(self, tensors: Mapping[str, Tensor]) -> torch.optim.Optimizer:
        """Return a new optimizer with the same settings over the named tensors, which it then owns.

        Parameters that are not trained are left out. State made at construction (as Adagrad does) is
        spread over the members of a tensor with one more leading axis.
        """
        memo: dict[int, Any] = {}
        for name, parameter in self._parameters.items():
            memo[id(parameter)] = tensors.get(name, parameter)
        new = copied_optimizer(self._optimizer, memo)
        for group, names in zip(new.param_groups, self.groups, strict=True):
            group["params"] = [tensors[name] for name in names]
        for name, tensor in tensors.items():
            slots = new.state.get(tensor, {}) if name in self._parameters else {}
            for key, value in slots.items():
                per_element = isinstance(value, Tensor) and value.ndim == self._parameters[name].ndim
                if per_element and key != "step" and tensor.ndim >= value.ndim:
                    slots[key] = _fitted(value, tensor)
        return new


def copied_optimizer(optimizer: torch.optim.Optimizer, memo: dict[int, Any]) -> torch.optim.Optimizer:
    """Return a deep copy of an optimizer with the attributes of its own, which torch's copying leaves out.

    Args:
        optimizer: What to copy.
        memo: As in `copy.deepcopy`: what stands for the parameters in the copy.
    """
    new = copy.deepcopy(optimizer, memo)
    for name, value in vars(optimizer).items():
        # A function over a method is a wrapper that some scheduler put there; it would step the original.
        if name not in vars(new) and not (callable(value) and hasattr(type(optimizer), name)):
            setattr(new, name, copy.deepcopy(value, memo))
    return new


def bare_step(optimizer: torch.optim.Optimizer) -> Callable[..., object] | None:
    """Return `f(optimizer)`, a torch optimizer's step without what is wrapped around it, or None.

    The wrapping reports to profilers, calls hooks, switches gradients off and breaks compiled graphs; it
    takes a good part of a small model's step. None for optimizers of others, whose `step` may be wrapped for
    a reason, for differentiable ones, and where hooks are to be called.
    """
    own = (optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks)
    everyones = (_wrapping._global_optimizer_pre_hooks, _wrapping._global_optimizer_post_hooks)
    torchs = type(optimizer).__module__.startswith("torch.optim.")
    if any(own) or any(everyones) or not torchs or optimizer.defaults.get("differentiable"):
        return None
    bare: Callable[..., object] = inspect.unwrap(type(optimizer).step)
    return bare


def _fitted(value: Tensor, target: Tensor) -> Tensor:
    """Return state made at construction in the shape of `target`: cut to its sides, repeated over members."""
    sides = target.shape[target.ndim - value.ndim :]
    cut = value[tuple(slice(side) for side in sides)]
    return cut.to(target.dtype).expand(target.shape).clone()
