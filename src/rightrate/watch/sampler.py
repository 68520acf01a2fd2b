"""Reads gradients and updates off, two steps in a row, every so many steps."""

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.optim import Optimizer

from rightrate.watch.arriving import Arriving, arriving
from rightrate.watch.curvature import Curvature

__all__ = ["Sampler", "trained_of"]

_LARGEST = 1 << 16
_PAIRS = 16


class Sampler:
    """Reads off two steps in a row, every so many steps; after 16 times every twice as many.

    A tensor of more than 65,536 numbers is represented by evenly spread ones, each weighted by how many it
    stands for, so that norms and products stay unbiased estimates while the cost of a sample is bounded.

    Args:
        every: A pair of steps is read every so many steps, >= 2; 0 reads nothing.
        curvature: Measures the curvature along the second step of a pair, or None.
    """

    def __init__(self, every: int, curvature: Curvature | None = None) -> None:
        self.every = every
        self._curvature = curvature
        self._gradient: Tensor | None = None
        self._weights: Tensor | None = None
        self._tensors: list[Tensor] = []
        self._former: tuple[Tensor, Tensor] | None = None

    def wants(self, step: int) -> bool:
        """Return whether a step is read off."""
        every = self.every if step < _PAIRS * self.every else 2 * self.every
        return every > 0 and step % every < 2

    @torch.no_grad()
    def before(self, optimizer: Optimizer, step: int) -> None:
        """Look at weights and gradients before a step."""
        tensors = self._tensors = [tensor for _, tensor in trained_of(optimizer)]
        if step % self.every == 0:
            self._former = None
        elif self._curvature is not None:
            self._curvature.before(tensors)
        self._weights = _sampled(tensors)
        self._gradient = _sampled(_gradients(tensors))

    @torch.no_grad()
    def after(self, optimizer: Optimizer, *, fresh: bool = False) -> Arriving | list[float] | None:
        """Return what the step did, in the order that `Reading.of` takes; None if nothing was looked at.

        Args:
            optimizer: The one that stepped.
            fresh: Whether its gradients were made during the step, by a closure.
        """
        weights, gradient, tensors = self._weights, self._gradient, self._tensors
        self._weights, self._gradient, self._tensors = None, None, []
        if weights is None or gradient is None or not tensors:
            return None
        if fresh:
            gradient = _sampled(_gradients(tensors))
        update = _sampled(tensors)
        if update.shape != weights.shape:
            return None
        update -= weights
        scale = getattr(optimizer, "grad_scale", None)
        if isinstance(scale, Tensor):  # a fused optimizer divides by the scaler's scale itself
            gradient = gradient / scale
        lengths = [_length(tensor) for tensor in tensors]
        parts = [*gradient.split_with_sizes(lengths), *update.split_with_sizes(lengths)]
        norm, *norms = torch._foreach_norm([weights, *parts])
        alone = [norm, *self._curved(tensors, norm), *self._products(gradient, update)]
        return arriving(torch.stack([*alone, *norms]))

    def _products(self, gradient: Tensor, update: Tensor) -> list[Tensor]:
        """Return the products with gradient and update of the step before, and the squares of those."""
        former, self._former = self._former, (gradient, update)
        if former is None or former[0].shape != gradient.shape:
            return [_unknown(update)] * 4
        pairs = [*zip(self._former, former, strict=True), *zip(former, former, strict=True)]
        self._former = None
        return [torch.dot(one, other) for one, other in pairs]

    def _curved(self, tensors: Sequence[Tensor], like: Tensor) -> list[Tensor]:
        """Return the curvature along the step, if it is measured; what failed once is not measured again."""
        if self._curvature is None:
            return [_unknown(like)]
        try:
            return [self._curvature.after(tensors).to(like)]
        except BaseException:
            self._curvature = None
            raise


@lru_cache(maxsize=8)
def _nan(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(math.nan, dtype=dtype, device=device)


def _unknown(like: Tensor) -> Tensor:
    return _nan(like.dtype, like.device)


def trained_of(optimizer: Optimizer) -> list[tuple[int, Tensor]]:
    """Return the tensors that an optimizer trains, but empty ones, each with its group's place."""
    return [
        (place, tensor)
        for place, group in enumerate(optimizer.param_groups)
        for tensor in group["params"]
        if tensor.requires_grad and tensor.numel()
    ]


def _gradients(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return a gradient for every tensor, zeros where there is none."""
    found = []
    for tensor in tensors:
        gradient = tensor.grad
        if gradient is None:
            gradient = torch.zeros_like(tensor)
        found.append(gradient.to_dense() if gradient.is_sparse else gradient)
    return found


def _stride(count: int) -> int:
    """Return the distance between the numbers looked at: odd, so that it fits no row length."""
    return max(1, math.ceil(count / _LARGEST)) | 1


def _length(tensor: Tensor) -> int:
    count = tensor.numel()
    return count if count <= _LARGEST else math.ceil(count / _stride(count))


def _sampled(tensors: Sequence[Tensor]) -> Tensor:
    """Return the numbers that stand for some tensors, as one new vector; call it without gradients."""
    if not tensors:
        return torch.zeros(0)
    parts = [
        tensor.reshape(-1) if tensor.dtype is torch.float32 and tensor.numel() <= _LARGEST else _part(tensor)
        for tensor in tensors
    ]
    device = parts[0].device
    if any(part.device != device for part in parts):
        parts = [part.to(device) for part in parts]
    return torch.cat(parts)


def _part(tensor: Tensor) -> Tensor:
    """Return evenly spread numbers of a tensor, as single precision at least, weighted by their distance."""
    stride = _stride(tensor.numel())
    part = tensor.reshape(-1)[::stride]
    part = part.abs() if part.is_complex() else part
    part = part.to(torch.promote_types(part.dtype, torch.float32))
    return part if stride == 1 else part * math.sqrt(stride)
