"""Inverse-time decay."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["InverseTime"]


@dataclass(frozen=True, kw_only=True)
class InverseTime(Decay):
    """The peak divided by one plus the time that has passed, "time-based decay".

    Use it for stochastic approximation, whose convergence proofs want rates that sum to infinity while
    their squares do not (Robbins and Monro, 1951).

    `lr(t) = peak / (1 + rate * t / decay_steps)`, with `t` counted after the warm-up; with `staircase` the
    quotient `t / decay_steps` is rounded down, so that the rate falls once every `decay_steps`.

    Keras's `InverseTimeDecay(initial_learning_rate, decay_steps, decay_rate, staircase)` has the same values
    and goes on falling after `total_steps`. The `decay=d` of old Keras optimizers is `decay_steps=1, rate=d`.
    torch and optax have none.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        decay_steps: The optimizer steps after which the peak is divided by `1 + rate`, >= 1.
        rate: How fast it falls, > 0; 1 halves the peak after `decay_steps`.
        staircase: Whether it falls in steps.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> InverseTime(peak=1.0, total_steps=100, decay_steps=10)(30)
        0.25
    """

    decay_steps: int
    rate: float = 1.0
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integer(self, "decay_steps", low=1)
        _fields.number(self, "rate", above=0.0)
        _fields.flag(self, "staircase")

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        passed = step / self.decay_steps
        return 1.0 / (1.0 + self.rate * (np.floor(passed) if self.staircase else passed))

    def _marks(self, start: int) -> Iterable[int]:
        return (self.warmup_steps, *(self._falls(self.decay_steps, start) if self.staircase else ()))
