"""Polynomial decay."""

from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["Polynomial"]


@dataclass(frozen=True, kw_only=True)
class Polynomial(Decay):
    """A power of the run that is left, from the peak to `floor * peak`.

    `lr(t) = peak * (floor + (1 - floor) * (1 - t / T) ** power)`, with `t` counted after the warm-up and
    `T = total_steps - warmup_steps`. Segmentation networks use `power=0.9` (DeepLab: Chen et al., 2018);
    `power=1` is `Linear`.

    torch's `PolynomialLR(total_iters=T, power)`, Keras's `PolynomialDecay` and optax's `polynomial_schedule`
    have the same values; torch's has no floor.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        power: The exponent, > 0; above 1 it falls fast at first, below 1 at the end.
        floor: The fraction of the peak at the end, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> Polynomial(peak=1.0, total_steps=4, power=2.0)(2)
        0.25
    """

    power: float = 1.0
    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.number(self, "power", above=0.0)
        _fields.number(self, "floor", low=0.0, high=1.0)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        return self.floor + (1.0 - self.floor) * np.power(1.0 - step / length, self.power)
