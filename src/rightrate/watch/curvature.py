"""The curvature of the loss along a step, from forward passes alone."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rightrate.errors import ConfigError, describe
from rightrate.watch.snapshot import put_random_back, random_states

__all__ = ["Curvature", "curvature_of"]

_ROUNDING = 16.0


class Curvature:
    r"""Measures u'Hu / u'u along a step u that was taken from w, with the Hessian H of the loss.

    (L(w + u) + L(w - u) - 2 L(w)) / u'u, the central difference: three forward passes. It holds whatever made
    u of the gradient: momentum, clipping, accumulation. What drowns in rounding is NaN.

    All three passes see the same buffers and random states, and both are as they were afterwards, bit for
    bit, as are the weights.

    Args:
        loss: Computes the loss of the batch at hand, as training does; it takes no new data, calls no
            `backward`, and changes nothing but buffers of the model and random states.
        model: The model it uses.
    """

    def __init__(self, loss: Callable[[], Tensor], model: nn.Module) -> None:
        self._loss = loss
        self._model = model
        self._before: list[Tensor] = []
        self.forwards = 0
        self.seconds = 0.0

    def before(self, tensors: Sequence[Tensor]) -> None:
        """Keep the weights as they are before a step."""
        self._before = [tensor.detach().clone() for tensor in tensors]

    def after(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return the curvature along the step that was taken since, on its device; NaN without one."""
        before, self._before = self._before, []
        if not before or len(before) != len(tensors):
            return torch.tensor(math.nan)
        began = time.perf_counter()
        try:
            return self._measured(before, tensors)
        finally:
            self.seconds += time.perf_counter() - began

    @torch.no_grad()
    def _measured(self, before: Sequence[Tensor], tensors: Sequence[Tensor]) -> Tensor:
        after = [tensor.detach().clone() for tensor in tensors]
        random = random_states()
        try:
            ahead = self._evaluated(random)
            _write(tensors, before)
            middle = self._evaluated(random)
            _write(tensors, [2 * old - new for old, new in zip(before, after, strict=True)])
            behind = self._evaluated(random)
        finally:
            _write(tensors, after)
        rise = (ahead - middle) + (behind - middle)
        size = torch.stack([ahead, middle, behind]).abs().max()
        drowned = rise.abs() <= _ROUNDING * torch.finfo(rise.dtype).eps * size
        moved = [(new - old).to(rise.device) for old, new in zip(before, after, strict=True)]
        length = torch.nn.utils.get_total_norm(moved)
        return torch.where(drowned, math.nan, rise / length**2)

    def _evaluated(self, random: Mapping[str, Any]) -> Tensor:
        """Return the loss as the weights are now; buffers and random states are left as they were."""
        kept = [
            (module, name, buffer, buffer.clone())
            for module in self._model.modules()
            for name, buffer in module.named_buffers(recurse=False)
        ]
        self.forwards += 1
        try:
            return self._loss().detach().reshape(())
        finally:
            put_random_back(random)
            for module, name, buffer, values in kept:
                module._buffers[name] = buffer
                buffer.copy_(values)
            torch.clear_autocast_cache()


def curvature_of(loss: Callable[[], Tensor] | None, model: nn.Module | None) -> Curvature | None:
    """Return what measures the curvature of a loss; None without one.

    Raises:
        ConfigError: If the model is not known, whose buffers have to be put back.
    """
    if loss is None:
        return None
    if model is None:
        allowed = "the model whose loss Measure(curvature=...) computes"
        raise ConfigError(describe("watch(model=...)", allowed, None))
    return Curvature(loss, model)


def _write(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)
