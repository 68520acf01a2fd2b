"""Constant learning rate."""

from dataclasses import dataclass

import numpy as np

from rightrate.schedules.base import FloatArray, Schedule

__all__ = ["Constant"]


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The peak at every step after the warm-up.

    Use it where the run has no planned end, or as the baseline of a comparison.

    Example:
        >>> Constant(peak=0.1, total_steps=10)(9)
        0.1
    """

    def _decay(self, progress: FloatArray) -> FloatArray:
        return np.ones_like(progress)
