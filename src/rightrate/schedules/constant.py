"""Constant learning rate."""

from dataclasses import dataclass

import numpy as np

from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["Constant"]


@dataclass(frozen=True, kw_only=True)
class Constant(Decay):
    """The peak at every step after the warm-up.

    Use it where the run has no planned end, or as the baseline of a comparison.

    torch's `ConstantLR(factor, total_iters)` is a sequence of two of these, the first of `factor * peak`.

    Args:
        peak: The learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> Constant(peak=0.1, total_steps=10)(9)
        0.1
    """

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        return np.ones_like(step)
