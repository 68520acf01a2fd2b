"""Warm-ups: the parts that lead up to a peak."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Formula

__all__ = ["CosineWarmup", "ExponentialWarmup", "LinearWarmup", "Warmup"]


@dataclass(frozen=True, kw_only=True)
class Warmup(Formula):
    """What the three warm-ups share: they lead from `start * peak` up to the peak.

    The peak would come at `step == total_steps`, and is left to the schedule that follows:
    `LinearWarmup(total_steps=w) + Cosine(total_steps=n)` is `Cosine(total_steps=w + n, warmup_steps=w)`.

    Args:
        peak: The learning rate it leads to, > 0.
        total_steps: The length of the warm-up in optimizer steps, >= 1.
        start: The fraction of the peak at the first step, in [0, 1], or None for `1 / (total_steps + 1)`.
    """

    start: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start is not None:
            _fields.number(self, "start", low=0.0, high=1.0)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        first = 1.0 / (length + 1.0) if self.start is None else self.start
        return self._rising(first, step / length)

    @abstractmethod
    def _rising(self, first: float, passed: FloatArray) -> FloatArray:
        """Return the fraction of the peak where a fraction `passed` of the warm-up is over."""


@dataclass(frozen=True, kw_only=True)
class LinearWarmup(Warmup):
    """A straight line up to the peak.

    `lr(t) = peak * (start + (1 - start) * t / total_steps)`; without a `start` that is
    `peak * (t + 1) / (total_steps + 1)`, never zero (Goyal et al., Accurate, Large Minibatch SGD, 2017).

    torch's `LinearLR(start_factor=start, total_iters=total_steps)` has the same values, with a default of
    1/3; optax's `linear_schedule(start * peak, peak, total_steps)` too. Hugging Face's warm-ups have
    `start=0`, so that their first step changes nothing.

    Args:
        peak: The learning rate it leads to, > 0.
        total_steps: The length of the warm-up in optimizer steps, >= 1.
        start: The fraction of the peak at the first step, in [0, 1], or None for `1 / (total_steps + 1)`.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> warm = LinearWarmup(peak=1.0, total_steps=3)
        >>> warm(0), warm(1), warm(2)
        (0.25, 0.5, 0.75)
    """

    def _rising(self, first: float, passed: FloatArray) -> FloatArray:
        return first + (1.0 - first) * passed


@dataclass(frozen=True, kw_only=True)
class ExponentialWarmup(Warmup):
    """Up to the peak by the same factor at every step.

    `lr(t) = peak * start ** (1 - t / total_steps)`. optax's
    `exponential_decay(start * peak, total_steps, 1 / start)` has the same values. torch and Keras have none.

    Args:
        peak: The learning rate it leads to, > 0.
        total_steps: The length of the warm-up in optimizer steps, >= 1.
        start: The fraction of the peak at the first step, in (0, 1], or None for `1 / (total_steps + 1)`.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> warm = ExponentialWarmup(peak=1.0, total_steps=2, start=0.25)
        >>> warm(0), warm(1)
        (0.25, 0.5)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start is not None:
            _fields.number(self, "start", above=0.0, high=1.0)

    def _rising(self, first: float, passed: FloatArray) -> FloatArray:
        return np.power(first, 1.0 - passed)


@dataclass(frozen=True, kw_only=True)
class CosineWarmup(Warmup):
    """Half a cosine up to the peak, without a corner at either end.

    `lr(t) = peak * (start + (1 - start) * (1 - cos(pi * t / total_steps)) / 2)`. torch, Keras and optax have
    none by itself; it is the rise of torch's `OneCycleLR`.

    Args:
        peak: The learning rate it leads to, > 0.
        total_steps: The length of the warm-up in optimizer steps, >= 1.
        start: The fraction of the peak at the first step, in [0, 1], or None for `1 / (total_steps + 1)`.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> round(CosineWarmup(peak=1.0, total_steps=4, start=0.0)(2), 12)
        0.5
    """

    def _rising(self, first: float, passed: FloatArray) -> FloatArray:
        return first + (1.0 - first) * 0.5 * (1.0 - np.cos(np.pi * passed))
