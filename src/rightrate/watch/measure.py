"""What gradients and updates tell: norms, the directions of two steps in a row, and what did not move."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Measured", "Reading"]

_ALONE = 6


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


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a `Sampler` read off at one step, in words.

    Args:
        measured: Norms, cosines and fractions.
        curvature: The curvature along the step; NaN if not measured.
        still: For each tensor, whether the step changed nothing of it.
        flat: For each tensor, whether its gradient is zero everywhere (its norm is, in the precision of the
            tensor), or missing.
    """

    measured: Measured
    curvature: float
    still: tuple[bool, ...]
    flat: tuple[bool, ...]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Reading":
        """Return the reading of the numbers of a `Sampler`.

        Args:
            numbers: Norm of the weights; curvature; the products of gradient and update with those of the
                step before, and the squares of those; the norm of each tensor's gradient, that of its update.
        """
        weight_norm, curvature, along, together, gradient_then, update_then = numbers[:_ALONE]
        half = (len(numbers) - _ALONE) // 2
        gradients, updates = numbers[_ALONE : _ALONE + half], numbers[_ALONE + half :]
        gradient_norm, update_norm = math.hypot(*gradients), math.hypot(*updates)
        flat, still = (tuple(norm == 0.0 for norm in norms) for norms in (gradients, updates))
        measured = Measured(
            gradient_norm=gradient_norm,
            update_norm=update_norm,
            weight_norm=weight_norm,
            gradient_cosine=_ratio(along, gradient_norm * math.sqrt(gradient_then)),
            update_cosine=_ratio(together, update_norm * math.sqrt(update_then)),
            still_fraction=_ratio(sum(still), len(still)),
            flat_fraction=_ratio(sum(flat), len(flat)),
        )
        return cls(measured=measured, curvature=curvature, still=still, flat=flat)


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
