"""Cyclical learning rates: triangles of equal, halving and exponentially falling height."""

import math
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules._few import MOST, few, multiples
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Formula

__all__ = ["ExpRange", "Triangles", "Triangular", "Triangular2"]


@dataclass(frozen=True, kw_only=True)
class Triangles(Formula):
    """What the three cyclical schedules share: a height in [0, 1] for every triangle.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, > half_cycle_steps.
        half_cycle_steps: The steps from the bottom to the top and from the top to the bottom ("stepsize"),
            in [1, total_steps).
        floor: The fraction of the peak at the bottom, in [0, 1].
    """

    half_cycle_steps: int
    floor: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integer(self, "half_cycle_steps", low=1)
        _fields.number(self, "floor", low=0.0, high=1.0)
        if self.half_cycle_steps >= self.total_steps:
            allowed = f"less than total_steps={self.total_steps}"
            advice = "The peak is reached after half a cycle."
            where = _fields.where(self, "half_cycle_steps")
            raise ConfigError(describe(where, allowed, self.half_cycle_steps, advice))

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        return self.floor + (1.0 - self.floor) * np.minimum(self._height(step), 1.0)

    def _triangle(self, step: FloatArray) -> FloatArray:
        """Return the triangles of height 1."""
        inside: FloatArray = np.mod(step, 2 * self.half_cycle_steps)
        return 1.0 - np.abs(inside - self.half_cycle_steps) / self.half_cycle_steps

    @abstractmethod
    def _height(self, step: FloatArray) -> FloatArray:
        """Return the fraction of the way from the bottom to the peak, in [0, 1]."""

    def _marks(self, start: int) -> Iterable[int]:
        return [*self._bottoms(start), *self._tops(start, self.half_cycle_steps)]

    def _bottoms(self, start: int) -> list[int]:
        return few(multiples(0, 2 * self.half_cycle_steps, start, self.total_steps))

    def _tops(self, start: int, first: int) -> list[int]:
        """Return the tops from `start` on; what is left out comes after a top, and none later is higher."""
        return few(multiples(first, 2 * self.half_cycle_steps, start, self.total_steps), MOST + 2)


@dataclass(frozen=True, kw_only=True)
class Triangular(Triangles):
    """Straight up to the peak and down again, over and over.

    `lr(t) = peak * (floor + (1 - floor) * max(0, 1 - x))` with `x = |t / s - 2 c + 1|`, the cycle
    `c = floor(1 + t / (2 s))` and `s = half_cycle_steps`: Smith, Cyclical Learning Rates (2017), section 3.1,
    who finds half cycles of 2 to 10 epochs good, and a bottom of a third or a quarter of the peak.

    torch's `CyclicLR(base_lr=floor * peak, max_lr=peak, step_size_up=s)` has the same values; it also cycles
    momentum, and takes another length for the way down. optax and Keras have none.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, > half_cycle_steps.
        half_cycle_steps: The steps from the bottom to the top and from the top to the bottom, in
            [1, total_steps).
        floor: The fraction of the peak at the bottom, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> waves = Triangular(peak=1.0, total_steps=100, half_cycle_steps=10, floor=0.0)
        >>> waves(0), waves(5), waves(10), waves(30)
        (0.0, 0.5, 1.0, 1.0)
    """

    def _height(self, step: FloatArray) -> FloatArray:
        return self._triangle(step)


@dataclass(frozen=True, kw_only=True)
class Triangular2(Triangles):
    """Like `Triangular`, each triangle half as high as the one before.

    `lr(t) = peak * (floor + (1 - floor) * max(0, 1 - x) / 2 ** (c - 1))` in the symbols of `Triangular`:
    Smith (2017), section 3.1. torch's `CyclicLR(mode="triangular2")` has the same values.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, > half_cycle_steps.
        half_cycle_steps: The steps from the bottom to the top and from the top to the bottom, in
            [1, total_steps).
        floor: The fraction of the peak at the bottom, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> waves = Triangular2(peak=1.0, total_steps=100, half_cycle_steps=10, floor=0.0)
        >>> waves(10), waves(30), waves(50)
        (1.0, 0.5, 0.25)
    """

    def _height(self, step: FloatArray) -> FloatArray:
        return self._triangle(step) * np.exp2(-np.floor(step / (2 * self.half_cycle_steps)))


@dataclass(frozen=True, kw_only=True)
class ExpRange(Triangles):
    """Like `Triangular`, with heights that fall by `gamma` at every step.

    `lr(t) = peak * (floor + (1 - floor) * max(0, 1 - x) * gamma ** t / m)` in the symbols of `Triangular`,
    where `m` is the largest value of `max(0, 1 - x) * gamma ** t`, so that the peak is reached: Smith (2017),
    section 3.1, where there is no `m` and the upper bound is never reached.

    torch's `CyclicLR(base_lr, max_lr, mode="exp_range", gamma=gamma)` has the same values for
    `base_lr = floor * peak` and `max_lr = base_lr + (peak - base_lr) / m`; `m = gamma ** half_cycle_steps`
    unless gamma is so small that the fall outweighs the rise. Its default gamma is 1, which is `Triangular`.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, > half_cycle_steps.
        half_cycle_steps: The steps from the bottom to the top and from the top to the bottom, in
            [1, total_steps).
        floor: The fraction of the peak at the bottom, in [0, 1].
        gamma: The factor of the height at every step, in [1e-9, 1]; the default is the paper's.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> waves = ExpRange(peak=1.0, total_steps=100, half_cycle_steps=10, floor=0.0, gamma=0.99)
        >>> waves(10), round(waves(30), 12) == round(0.99**20, 12)
        (1.0, True)
    """

    gamma: float = 0.99994

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.number(self, "gamma", low=1e-9, high=1.0)

    def _height(self, step: FloatArray) -> FloatArray:
        return self._falling(step) / self._falling(np.asarray(float(self._top())))

    def _falling(self, step: FloatArray) -> FloatArray:
        return self._triangle(step) * np.power(self.gamma, step)

    def _top(self) -> int:
        """Return the step of the first triangle's largest value, which the fall may bring before its top."""
        if self.gamma == 1.0:
            return self.half_cycle_steps
        turn = -1.0 / math.log(self.gamma)
        near = {min(max(step, 1), self.half_cycle_steps) for step in (math.floor(turn), math.ceil(turn))}
        return max(near, key=lambda step: float(self._falling(np.asarray(float(step)))))

    def _marks(self, start: int) -> Iterable[int]:
        return [*super()._marks(start), *self._tops(start, self._top())]
