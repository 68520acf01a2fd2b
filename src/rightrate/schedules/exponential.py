"""Exponential decay."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["Exponential"]


@dataclass(frozen=True, kw_only=True)
class Exponential(Decay):
    """The peak times `rate` once every `decay_steps`, smoothly or in steps.

    `lr(t) = peak * rate ** (t / decay_steps)`, with `t` counted after the warm-up; with `staircase` the
    exponent is rounded down.

    torch's `ExponentialLR(gamma)` is `decay_steps=1, rate=gamma`. Keras's `ExponentialDecay` and optax's
    `exponential_decay` have the same arguments and values; all three go on falling after `total_steps`.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        decay_steps: The optimizer steps after which the peak is multiplied by `rate`, >= 1.
        rate: The fraction left after `decay_steps`, in (0, 1].
        staircase: Whether it falls in steps.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> Exponential(peak=1.0, total_steps=100, decay_steps=10, rate=0.5)(20)
        0.25
    """

    decay_steps: int
    rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integer(self, "decay_steps", low=1)
        _fields.number(self, "rate", above=0.0, high=1.0)
        _fields.flag(self, "staircase")

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        passed = step / self.decay_steps
        return np.power(self.rate, np.floor(passed) if self.staircase else passed)

    def _marks(self, start: int) -> Iterable[int]:
        return (self.warmup_steps, *(self._falls(self.decay_steps, start) if self.staircase else ()))
