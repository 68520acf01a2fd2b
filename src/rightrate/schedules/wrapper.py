"""What the combinators around one schedule share."""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray, Schedule

__all__ = ["Wrapper"]


@dataclass(frozen=True, kw_only=True)
class Wrapper(Schedule):
    """A schedule made from another one; its peak and its length follow from that.

    Args:
        schedule: The schedule inside.
    """

    schedule: Schedule
    peak: float = field(init=False, repr=False)
    total_steps: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        inside: object = self.schedule
        if not isinstance(inside, Schedule):
            advice = "Turn functions and numbers into schedules first."
            raise ConfigError(describe(_fields.where(self, "schedule"), "a schedule", inside, advice))
        self._check_fields()
        object.__setattr__(self, "total_steps", _fields.length(self, self._length()))
        name = f"The largest rate of {type(self).__name__}(...)"
        object.__setattr__(self, "peak", _check.number(name, self._highest(), above=0.0))

    def __mul__(self, factor: float) -> Self:
        """Return the same with every rate multiplied by `factor`."""
        return replace(self, schedule=self.schedule * _fields.factor(self, factor))

    @abstractmethod
    def _check_fields(self) -> None:
        """Raise `ConfigError` for a field outside its domain."""

    def _inside(self, steps: FloatArray) -> FloatArray:
        """Return the rates of the schedule inside, of the shape of `steps`."""
        return np.asarray(self.schedule(np.asarray(steps)))

    def _length(self) -> int:
        return self.schedule.total_steps

    @abstractmethod
    def _highest(self) -> float:
        """Return the largest rate."""
