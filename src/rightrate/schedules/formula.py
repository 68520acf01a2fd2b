"""Schedules that are one formula: a fraction of the peak for every step."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules._few import few, multiples
from rightrate.schedules.base import FloatArray, Schedule

__all__ = ["Decay", "Formula"]


@dataclass(frozen=True, kw_only=True)
class Formula(Schedule):
    """One formula over the whole run.

    `peak` defaults to 1, so that a formula without one is a *shape*.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
    """

    peak: float = 1.0
    total_steps: int

    def __post_init__(self) -> None:
        _fields.number(self, "peak", above=0.0)
        _fields.integer(self, "total_steps", low=1, advice="Count optimizer steps, not epochs.")
        _fields.length(self, self.total_steps)

    def __mul__(self, factor: float) -> Self:
        """Return the same schedule with its peak multiplied by `factor`."""
        return replace(self, peak=self.peak * _fields.factor(self, factor))

    def _rates(self, steps: FloatArray) -> FloatArray:
        return self.peak * self._fraction(steps, self.total_steps)

    @abstractmethod
    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        """Return the fraction of the peak, in [0, 1], at steps in [0, length)."""


@dataclass(frozen=True, kw_only=True)
class Decay(Formula):
    """One formula that starts at the peak, after an optional linear warm-up.

    At step `i < warmup_steps` the rate is `peak * (i + 1) / (warmup_steps + 1)`, so it is never zero and
    arrives at the peak at `step == warmup_steps`. The formula counts its steps from there.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, warm-up included, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
    """

    warmup_steps: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integer(self, "warmup_steps", low=0)
        if self.warmup_steps >= self.total_steps:
            allowed = f"less than total_steps={self.total_steps}"
            advice = "The warm-up is part of total_steps."
            where = _fields.where(self, "warmup_steps")
            raise ConfigError(describe(where, allowed, self.warmup_steps, advice))

    def _rates(self, steps: FloatArray) -> FloatArray:
        after = np.maximum(steps - self.warmup_steps, 0.0)
        rising = (steps + 1.0) / (self.warmup_steps + 1.0)
        falling = self._fraction(after, self.total_steps - self.warmup_steps)
        return self.peak * np.where(steps < self.warmup_steps, rising, falling)

    def _marks(self, start: int) -> Iterable[int]:
        return (self.warmup_steps,)

    def _falls(self, every_steps: int, start: int) -> list[int]:
        """Return the steps from `start` on at multiples of `every_steps` after the warm-up."""
        return few(multiples(self.warmup_steps + every_steps, every_steps, start, self.total_steps))
