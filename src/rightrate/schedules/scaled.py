"""A schedule times a number."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.wrapper import Wrapper

__all__ = ["Scaled", "scaled"]


@dataclass(frozen=True, kw_only=True)
class Scaled(Wrapper):
    """Every rate of a schedule times `factor`.

    `schedule * factor` is the same rates, written into the schedule's own peak; use this one where what is
    inside should stay as it was written, such as a part of a sequence at a tenth.

    Args:
        schedule: The schedule inside.
        factor: What every rate is multiplied by, > 0.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> from rightrate.schedules import Linear
        >>> scaled(Linear(peak=1.0, total_steps=4), 0.5)(2)
        0.25
    """

    factor: float

    def __mul__(self, factor: float) -> "Scaled":
        """Return the same schedule with `factor` multiplied to its own."""
        return replace(self, factor=self.factor * _fields.factor(self, factor))

    def _check_fields(self) -> None:
        _fields.number(self, "factor", above=0.0)

    def _highest(self) -> float:
        return self.factor * self.schedule.peak

    def _rates(self, steps: FloatArray) -> FloatArray:
        return self.factor * self._inside(steps)

    def _marks(self, start: int) -> Iterable[int]:
        return self.schedule.marks(start)


def scaled(schedule: Schedule, factor: float) -> Scaled:
    """Return a schedule with every rate multiplied by `factor` > 0.

    Raises:
        ConfigError: If an argument is outside its domain.
    """
    return Scaled(schedule=schedule, factor=factor)
