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

    Example:
        >>> Constant(peak=0.1, total_steps=10)(9)
        0.1
    """

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        return np.ones_like(step)
