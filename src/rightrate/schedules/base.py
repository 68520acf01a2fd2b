"""What a schedule is: a pure, frozen, printable `step -> lr`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from rightrate import _check
from rightrate.errors import ConfigError, describe

__all__ = ["FloatArray", "Schedule"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """A learning rate for every optimizer step.

    Calling a schedule with a step (0-based, counted in optimizer updates) returns the rate used at that
    step; an array of steps returns an array of the same shape. Past the end the last value is held.
    `peak` defaults to 1, so that a schedule without one is a *shape*; `shape * 3e-4` binds it.

    All shipped schedules share `warmup_steps`: at step `i < warmup_steps` the rate is
    `peak * (i + 1) / (warmup_steps + 1)`, so it is never zero and arrives at the peak at
    `step == warmup_steps`.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
    """

    peak: float = 1.0
    total_steps: int
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "peak", _check.number(f"{name}(peak=...)", self.peak, above=0.0))
        _check.integer(
            f"{name}(total_steps=...)", self.total_steps, low=1, advice="Count optimizer steps, not epochs."
        )
        _check.integer(f"{name}(warmup_steps=...)", self.warmup_steps, low=0)
        if self.warmup_steps >= self.total_steps:
            allowed = f"less than total_steps={self.total_steps}"
            advice = "The warm-up is part of total_steps."
            raise ConfigError(describe(f"{name}(warmup_steps=...)", allowed, self.warmup_steps, advice))

    @overload
    def __call__(self, step: float) -> float: ...
    @overload
    def __call__(self, step: NDArray[Any]) -> FloatArray: ...
    def __call__(self, step: float | NDArray[Any]) -> float | FloatArray:
        """Return the learning rate at `step` (a number or an array of numbers, each >= 0)."""
        steps = np.minimum(np.asarray(step, dtype=np.float64), self.total_steps - 1)
        if not np.all(steps >= 0):
            _check.number(f"{type(self).__name__}(step)", float(steps.min()), low=0.0)
        decay_steps = self.total_steps - self.warmup_steps
        after = np.clip((steps - self.warmup_steps) / decay_steps, 0.0, 1.0)
        rising = (steps + 1.0) / (self.warmup_steps + 1.0)
        values = self.peak * np.where(steps < self.warmup_steps, rising, self._decay(after))
        return float(values) if values.ndim == 0 else values

    def __mul__(self, factor: float) -> Self:
        """Return the same schedule with its peak multiplied by `factor`."""
        return replace(self, peak=self.peak * factor)

    __rmul__ = __mul__

    @abstractmethod
    def _decay(self, progress: FloatArray) -> FloatArray:
        """Return the fraction of the peak at `progress` in [0, 1] of the steps after the warm-up."""
