"""What gradients and updates tell, sampled: norms, and the directions of two steps in a row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.optim import Optimizer

from rightrate.watch.arriving import Arriving, arriving
from rightrate.watch.curvature import Curvature

__all__ = ["FLAT", "STILL", "Measured", "Sampler", "trained_of"]

STILL, FLAT = 1, 2
"""The marks of a tensor that did not move, and of one without a gradient; one may have both."""
_LARGEST = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured at one step; NaN where it could not be.

    Args:
        gradient_norm: Euclidean norm of the gradient that the step used.
        update_norm: Euclidean norm of what the step changed.
        weight_norm: Euclidean norm of the weights before the step.
        gradient_cosine: Cosine between this gradient and that of the step before.
        update_cosine: Cosine between this update and that of the step before.
        still_fraction: Fraction of the tensors that the step did not change at all.
        flat_fraction: Fraction of the tensors whose gradient is zero everywhere, or missing.
    """

    gradient_norm: float
    update_norm: float
    weight_norm: float
    gradient_cosine: float
    update_cosine: float
    still_fraction: float
    flat_fraction: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Measured":
        """Return what `Sampler` measured, from its numbers in the order of the fields."""
        return cls(**{field.name: number for field, number in zip(fields(cls), numbers, strict=False)})


class Sampler:
    """Measures two steps in a row, every so many steps.

    A tensor of more than 65,536 numbers is represented by evenly spread ones, each weighted by how many it
    stands for, so that norms and products stay unbiased estimates while the cost of a sample is bounded.

    Args:
        every: A pair of steps is measured every so many steps, >= 2; 0 measures nothing.
        curvature: Measures the curvature along the second step of a pair, or None.
    """

    def __init__(self, every: int, curvature: Curvature | None = None) -> None:
        self._every = every
        self._curvature = curvature
        self._gradient: Tensor | None = None
        self._weights: Tensor | None = None
        self._former: _Directions | None = None

    def wants(self, step: int) -> bool:
        """Return whether a step is measured."""
        return self._every > 0 and step % self._every < 2

    @torch.no_grad()
    def before(self, optimizer: Optimizer, step: int) -> None:
        """Look at weights and gradients before a step."""
        tensors = _trained(optimizer)
        if step % self._every == 0:
            self._former = None
        elif self._curvature is not None:
            self._curvature.before(tensors)
        self._weights = _sampled(tensors)
        self._gradient = _sampled(_gradients(tensors))

    @torch.no_grad()
    def after(self, optimizer: Optimizer, *, fresh: bool = False) -> Arriving | list[float] | None:
        """Return what the step did; None if nothing was looked at.

        These are the fields of `Measured` in their order, the curvature along the step, and for each tensor
        the sum of its marks.

        Args:
            optimizer: The one that stepped.
            fresh: Whether its gradients were made during the step, by a closure.
        """
        weights, gradient = self._weights, self._gradient
        self._weights = self._gradient = None
        tensors = _trained(optimizer)
        if weights is None or gradient is None or not tensors:
            return None
        if fresh:
            gradient = _sampled(_gradients(tensors))
        now = _sampled(tensors)
        if now.shape != weights.shape:
            return None
        update = now - weights
        scale = getattr(
            optimizer, "grad_scale", None
        )  # a fused optimizer divides by the scaler's scale itself
        if isinstance(scale, Tensor):
            gradient = gradient / scale
        former, self._former = self._former, _Directions.of(gradient, update)
        norms = [*self._former.norms, vector_norm(weights)]
        zero = _zero((update, gradient), [_length(tensor) for tensor in tensors]).to(now.dtype)
        marks = STILL * zero[0] + FLAT * zero[1]
        unknown = now.new_full((), math.nan)
        cosines = [unknown, unknown] if former is None else self._former.cosines(former, unknown)
        curvature = self._curved(tensors, unknown)
        alone = torch.stack([*norms, *cosines])
        return arriving(torch.cat([alone, zero.mean(1), curvature.reshape(1), marks]))

    def _curved(self, tensors: Sequence[Tensor], unknown: Tensor) -> Tensor:
        """Return the curvature along the step, if it is measured; what failed once is not measured again."""
        if self._curvature is None:
            return unknown
        try:
            return self._curvature.after(tensors).to(unknown)
        except BaseException:
            self._curvature = None
            raise


@dataclass(frozen=True, kw_only=True)
class _Directions:
    """The gradient and the update of a step, and their norms."""

    vectors: tuple[Tensor, Tensor]
    norms: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, gradient: Tensor, update: Tensor) -> "_Directions":
        return cls(vectors=(gradient, update), norms=(vector_norm(gradient), vector_norm(update)))

    def cosines(self, former: "_Directions", unknown: Tensor) -> list[Tensor]:
        """Return the cosines with those of the step before."""
        if former.vectors[0].shape != self.vectors[0].shape:
            return [unknown, unknown]
        pairs = zip(self.vectors, former.vectors, self.norms, former.norms, strict=True)
        return [torch.dot(now, then) / (norm * before) for now, then, norm, before in pairs]


def trained_of(optimizer: Optimizer) -> list[tuple[int, Tensor]]:
    """Return the tensors that an optimizer trains, each with the place of its parameter group."""
    return [
        (place, tensor)
        for place, group in enumerate(optimizer.param_groups)
        for tensor in group["params"]
        if tensor.requires_grad
    ]


def _trained(optimizer: Optimizer) -> list[Tensor]:
    return [tensor for _, tensor in trained_of(optimizer)]


def _gradients(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return a gradient for every tensor, zeros where there is none."""
    return [
        torch.zeros_like(tensor)
        if tensor.grad is None
        else tensor.grad.to_dense()
        if tensor.grad.is_sparse
        else tensor.grad
        for tensor in tensors
    ]


def _stride(tensor: Tensor) -> int:
    """Return the distance between the numbers looked at: odd, so that it fits no row length."""
    return max(1, math.ceil(tensor.numel() / _LARGEST)) | 1


def _length(tensor: Tensor) -> int:
    return math.ceil(tensor.numel() / _stride(tensor))


def _zero(vectors: Sequence[Tensor], lengths: Sequence[int]) -> Tensor:
    """Return for every vector and each of its parts whether all of it is zero; NaN is not."""
    counts = [part.count_nonzero() for vector in vectors for part in vector.split_with_sizes(lengths)]
    return torch.stack(counts).reshape(len(vectors), -1) == 0


def _sampled(tensors: Sequence[Tensor]) -> Tensor:
    """Return the numbers that stand for some tensors, as one vector."""
    parts = []
    for tensor in tensors:
        stride = _stride(tensor)
        part = tensor.detach().reshape(-1)
        if stride == 1 and part.dtype is torch.float32:  # the usual case, for the sake of speed
            parts.append(part)
            continue
        part = part[::stride]
        part = part.abs() if part.is_complex() else part
        part = part.to(torch.promote_types(part.dtype, torch.float32))
        parts.append(part if stride == 1 else part * math.sqrt(stride))
    if len({part.device for part in parts}) > 1:
        parts = [part.to(parts[0].device) for part in parts]
    return torch.cat(parts) if parts else torch.zeros(0)
