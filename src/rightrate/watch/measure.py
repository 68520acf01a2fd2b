"""What gradients and updates tell: norms, the directions of two steps in a row, and what did not move."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Measured", "Reading"]

_ALONE = 8


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
        flat: For each tensor, whether its gradient is zero everywhere, or missing.
    """

    measured: Measured
    curvature: float
    still: tuple[bool, ...]
    flat: tuple[bool, ...]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Reading":
        """Return the reading of the numbers of a `Sampler`.

        Args:
            numbers: Norms of the gradient, the update and the weights; the products of gradient and update
                with those of the step before; the norms of those; the curvature; for each tensor the largest
                absolute value in its update; for each the largest in its gradient.
        """
        gradient, update, weights, along, together, gradient_then, update_then, curvature = numbers[:_ALONE]
        peaks = numbers[_ALONE:]
        still, flat = (
            tuple(peak == 0.0 for peak in part)
            for part in (peaks[: len(peaks) // 2], peaks[len(peaks) // 2 :])
        )
        measured = Measured(
            gradient_norm=gradient,
            update_norm=update,
            weight_norm=weights,
            gradient_cosine=_ratio(along, gradient * gradient_then),
            update_cosine=_ratio(together, update * update_then),
            still_fraction=_ratio(sum(still), len(still)),
            flat_fraction=_ratio(sum(flat), len(flat)),
        )
        return cls(measured=measured, curvature=curvature, still=still, flat=flat)


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
