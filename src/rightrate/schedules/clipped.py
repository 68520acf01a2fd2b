"""A schedule kept between two rates."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.highest import highest
from rightrate.schedules.wrapper import Wrapper

__all__ = ["Clipped", "clipped"]


@dataclass(frozen=True, kw_only=True)
class Clipped(Wrapper):
    """A schedule whose rates are never below `low` nor above `high`.

    Use it for a least rate under a decay that has no floor, such as `Exponential` (the `end_value` of optax's
    `exponential_decay`), or for a largest stable rate above any schedule.

    `lr(t) = min(max(schedule(t), low), high)`. Both are learning rates, not fractions of the peak, so that
    multiplying a clipped schedule multiplies them, too.

    Args:
        schedule: The schedule inside.
        low: The least learning rate, >= 0.
        high: The largest learning rate, > 0 and >= low, or None for no such limit.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> from rightrate.schedules import Linear
        >>> kept = clipped(Linear(peak=1.0, total_steps=4), low=0.3, high=0.8)
        >>> kept(0), kept(2), kept(3), kept.peak
        (0.8, 0.5, 0.3, 0.8)
    """

    low: float = 0.0
    high: float | None = None

    def __mul__(self, factor: float) -> "Clipped":
        """Return the same with the schedule and both limits multiplied by `factor`."""
        by = _fields.factor(self, factor)
        high = None if self.high is None else self.high * by
        return replace(self, schedule=self.schedule * by, low=self.low * by, high=high)

    def _check_fields(self) -> None:
        _fields.number(self, "low", low=0.0)
        if self.high is None:
            return
        _fields.number(self, "high", above=0.0)
        if self.high < self.low:
            raise ConfigError(describe(_fields.where(self, "high"), f"at least low={self.low!r}", self.high))

    def _highest(self) -> float:
        return float(self._kept(np.asarray(highest(self.schedule, _fields.where(self, "schedule")))))

    def _kept(self, rates: FloatArray) -> FloatArray:
        kept: FloatArray = np.maximum(rates, self.low)
        return kept if self.high is None else np.minimum(kept, self.high)

    def _rates(self, steps: FloatArray) -> FloatArray:
        return self._kept(self._inside(steps))

    def _marks(self, start: int) -> Iterable[int]:
        return self.schedule.marks(start)


def clipped(schedule: Schedule, *, low: float = 0.0, high: float | None = None) -> Clipped:
    """Return a schedule whose rates are never below `low` nor above `high`.

    Raises:
        ConfigError: If an argument is outside its domain.
    """
    return Clipped(schedule=schedule, low=low, high=high)
