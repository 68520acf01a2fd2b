"""Cosine decay with warm restarts."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules._few import few, multiples
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["CosineRestarts"]


@dataclass(frozen=True, kw_only=True)
class CosineRestarts(Decay):
    """Half a cosine from the peak to `floor * peak`, again and again, each cycle `growth` times as long.

    `lr(t) = peak * (floor + (1 - floor) * (1 + cos(pi * u / L)) / 2)` at step `u` of a cycle of
    `L = cycle_steps * growth ** k` steps, k = 0, 1, ...: Loshchilov and Hutter, SGDR (2017), equation 5, with
    `growth` their T_mult, 1 or 2. Cycles are counted after the warm-up; the run may end inside one.

    torch's `CosineAnnealingWarmRestarts(T_0, T_mult=1, eta_min)` has the same values, and Keras's
    `CosineDecayRestarts(first_decay_steps, t_mul=2.0, m_mul=1.0, alpha)` too, which also takes a fractional
    growth, and a factor for the peaks. optax's `sgdr_schedule` takes a list of cycles.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        cycle_steps: The length of the first cycle in optimizer steps, >= 1.
        growth: How many times as long each cycle is as the one before, a whole number >= 1.
        floor: The fraction of the peak that a cycle falls towards, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> again = CosineRestarts(peak=1.0, total_steps=30, cycle_steps=10, growth=2)
        >>> round(again(5), 12), again(10), round(again(20), 12)
        (0.5, 1.0, 0.5)
    """

    cycle_steps: int
    growth: int = 1
    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integer(self, "cycle_steps", low=1)
        _fields.integer(self, "growth", low=1)
        _fields.number(self, "floor", low=0.0, high=1.0)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        passed = self._passed(step, length)
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + np.cos(np.pi * passed))

    def _passed(self, step: FloatArray, length: int) -> FloatArray:
        """Return the fraction of its cycle that has passed at each step."""
        if self.growth == 1:
            inside: FloatArray = np.mod(step, self.cycle_steps)
            return inside / self.cycle_steps
        starts = np.array(self._starts(length), dtype=np.float64)
        cycle = np.searchsorted(starts, step, side="right") - 1
        passed: FloatArray = (step - starts[cycle]) / (self.cycle_steps * np.power(float(self.growth), cycle))
        return passed

    def _starts(self, length: int) -> list[int]:
        """Return the first steps of cycles that grow: there are never many."""
        starts, start, cycle = [], 0, self.cycle_steps
        while start < length:
            starts.append(start)
            start, cycle = start + cycle, cycle * self.growth
        return starts

    def _marks(self, start: int) -> Iterable[int]:
        if self.growth == 1:
            return few(multiples(self.warmup_steps, self.cycle_steps, start, self.total_steps))
        starts = self._starts(self.total_steps - self.warmup_steps)
        return [self.warmup_steps + first for first in starts]
