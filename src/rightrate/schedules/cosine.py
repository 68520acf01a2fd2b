"""Cosine decay."""

from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["Cosine"]


@dataclass(frozen=True, kw_only=True)
class Cosine(Decay):
    """Half a cosine from the peak to `floor * peak`, without restarts.

    `lr(t) = peak * (floor + (1 - floor) * (1 + cos(pi * t / T)) / 2)`, with `t` counted after the warm-up
    and `T = total_steps - warmup_steps`: Loshchilov and Hutter, SGDR (2017), equation 5, without restarts.
    torch's `CosineAnnealingLR(T_max=T)` has the same values up to step T, and rises again after it.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        floor: The fraction of the peak at the end, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> round(Cosine(peak=1.0, total_steps=4)(2), 12)
        0.5
    """

    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.number(self, "floor", low=0.0, high=1.0)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + np.cos(np.pi * step / length))
