"""Which optimizers can serve many members in one call: probed, not listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from rightrate.optimizers.template import OptimizerTemplate

__all__ = ["UpdateRule", "probe"]

_STEPS = 12
_MEMBERS = 3
_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """How one optimizer call can move K members that have K learning rates.

    Args:
        kind: "delta": it steps a zero at rate 1 and the engine scales the outcome by each member's rate;
            "scaled": it steps the parameters at the row's largest rate and the engine scales the difference;
            "whole": neither is exact, so each member needs an optimizer of its own.
        decay: How weight decay enters where the engine applies it ("delta"): "coupled" into the gradient,
            "decoupled" as `p *= 1 - lr * weight_decay`, or "none".
        reason: Why it is "whole", as a sentence; empty otherwise.
    """

    kind: Literal["delta", "scaled", "whole"]
    decay: Literal["none", "coupled", "decoupled"] = "none"
    reason: str = ""


def probe(template: OptimizerTemplate, shapes: Mapping[str, Sequence[int]]) -> UpdateRule:
    """Step the optimizer alone, twelve times in float64, and say how it can be shared.

    The gradients are random with sizes from 1e-3 to 1e3, the rates change from step to step and differ from
    member to member; a rule is accepted when every parameter of every member agrees with an optimizer of its
    own to a relative 1e-9.

    Args:
        template: The optimizer over the model.
        shapes: Parameter name to shape; only the number of axes is used, each cut to at most 3.
    """
    if template.has_modes:
        reason = f"{template.label} serves other weights than it trains: it has train() and eval()"
        return UpdateRule(kind="whole", reason=reason)
    small = {
        name: tuple(min(3, int(side)) for side in shapes[name]) for name in _few_per_group(template, shapes)
    }
    draw = np.random.default_rng(0)
    start = {name: _random(draw, shape) for name, shape in small.items()}
    gradients = [
        {
            name: _random(draw, (_MEMBERS, *shape)) * 10.0 ** draw.uniform(-3, 3)
            for name, shape in small.items()
        }
        for _ in range(_STEPS)
    ]
    rates = torch.from_numpy(10.0 ** draw.uniform(-3, 0, size=(_STEPS, _MEMBERS)))
    try:
        expected = _separately(template, start, gradients, rates)
    except (RuntimeError, ValueError, TypeError, KeyError, IndexError) as error:
        return UpdateRule(kind="whole", reason=f"{template.label} cannot be probed alone ({error})")
    decays: tuple[Literal["none", "coupled", "decoupled"], ...] = ("coupled", "decoupled")
    candidates = [UpdateRule(kind="delta", decay=decay) for decay in decays if any(template.decays)]
    if not any(template.decays):
        candidates.append(UpdateRule(kind="delta"))
    candidates.append(UpdateRule(kind="scaled"))
    worst = np.inf
    for rule in candidates:
        try:
            together, counts = _together(template, rule, start, gradients, rates)
        except (RuntimeError, ValueError, TypeError, KeyError, IndexError):
            continue
        error_size = _difference(together, expected)
        if error_size <= _TOLERANCE and counts:
            reason = f"{template.label} counts in its parameter groups ({counts}), which members would share"
            return UpdateRule(kind="whole", reason=reason)
        if error_size <= _TOLERANCE:
            return rule
        worst = min(worst, error_size)
    found = f"relative error {worst:.1g}" if np.isfinite(worst) else "it fails on stacked tensors"
    reason = f"{template.label} is not linear in the learning rate, element by element ({found})"
    return UpdateRule(kind="whole", reason=reason)


def _few_per_group(template: OptimizerTemplate, shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Return a few names of each group: some optimizers treat vectors, matrices and kernels differently."""
    chosen: list[str] = []
    for group in template.groups:
        first_by_axes = {len(shapes[name]): name for name in reversed(group)}
        chosen += [*group[:2], *group[-1:], *first_by_axes.values()]
    return list(dict.fromkeys(chosen))


def _random(draw: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.asarray(draw.standard_normal(shape), dtype=np.float64))


def _restricted(
    template: OptimizerTemplate, tensors: Mapping[str, Tensor]
) -> tuple[torch.optim.Optimizer, list[list[str]]]:
    names = [[name for name in group if name in tensors] for group in template.groups]
    every = {name: tensors.get(name, torch.zeros((), dtype=torch.float64)) for name in template.names}
    optimizer = template.over(every)
    for group, kept in zip(optimizer.param_groups, names, strict=True):
        group["params"] = [tensors[name] for name in kept]
    return optimizer, names


def _separately(
    template: OptimizerTemplate,
    start: Mapping[str, Tensor],
    gradients: Sequence[Mapping[str, Tensor]],
    rates: Tensor,
) -> dict[str, Tensor]:
    members: list[dict[str, Tensor]] = []
    for member in range(_MEMBERS):
        tensors = {name: value.clone().requires_grad_() for name, value in start.items()}
        optimizer, _ = _restricted(template, tensors)
        for row, gradient in zip(rates, gradients, strict=True):
            for name, tensor in tensors.items():
                tensor.grad = gradient[name][member].clone()
            for group, ratio in zip(optimizer.param_groups, template.ratios, strict=True):
                group["lr"] = float(row[member]) * ratio
            optimizer.step()
        members.append({name: tensor.detach() for name, tensor in tensors.items()})
    return {name: torch.stack([tensors[name] for tensors in members]) for name in start}


def _together(
    template: OptimizerTemplate,
    rule: UpdateRule,
    start: Mapping[str, Tensor],
    gradients: Sequence[Mapping[str, Tensor]],
    rates: Tensor,
) -> tuple[dict[str, Tensor], str]:
    """Return the stepped parameters, and the setting that the optimizer changed by itself or ""."""
    values = {name: value.expand(_MEMBERS, *value.shape).clone() for name, value in start.items()}
    stepped = {name: torch.zeros_like(value) for name, value in values.items()}
    optimizer, names = _restricted(template, stepped)
    decay = {name: amount for group, amount in zip(names, template.decays, strict=True) for name in group}
    ratio = {name: factor for group, factor in zip(names, template.ratios, strict=True) for name in group}
    if rule.kind == "delta":
        set_unit_rate(optimizer)
    settings = [_settings(group) for group in optimizer.param_groups]
    for row, gradient in zip(rates, gradients, strict=True):
        largest = float(row.max())
        for name, tensor in stepped.items():
            tensor.grad = gradient[name].clone()
            if rule.kind == "delta":
                tensor.zero_()
                if rule.decay == "coupled":
                    tensor.grad += decay[name] * values[name]
            else:
                tensor.copy_(values[name])
        if rule.kind == "scaled":
            for group, factor in zip(optimizer.param_groups, template.ratios, strict=True):
                group["lr"] = largest * factor
        optimizer.step()
        for name, tensor in stepped.items():
            column = row.view(-1, *([1] * (tensor.ndim - 1)))
            if rule.kind == "delta":
                kept = 1 - column * (ratio[name] * decay[name]) if rule.decay == "decoupled" else 1.0
                values[name] = values[name] * kept + column * ratio[name] * tensor
            else:
                values[name] = values[name] + (tensor - values[name]) * (column / largest)
    after = [_settings(group) for group in optimizer.param_groups]
    changed = [
        key for old, new in zip(settings, after, strict=True) for key in new if old.get(key) != new[key]
    ]
    return values, ", ".join(dict.fromkeys(changed))


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a group says besides its parameters and its rate, as text."""
    return {key: repr(value) for key, value in group.items() if key not in ("params", "lr")}


def set_unit_rate(optimizer: torch.optim.Optimizer) -> None:
    """Set every group of an optimizer that steps deltas to rate 1 without weight decay."""
    for group in optimizer.param_groups:
        group["lr"] = 1.0
        if "weight_decay" in group:
            group["weight_decay"] = 0.0


def _difference(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    worst = 0.0
    for name, value in expected.items():
        scale = value.abs().clamp_min(1e-6)
        worst = max(worst, float(((found[name] - value).abs() / scale).nan_to_num(nan=np.inf).max()))
    return worst
