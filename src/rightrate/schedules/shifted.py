"""A schedule entered later than at its start."""

from collections.abc import Iterable
from dataclasses import dataclass

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.highest import highest
from rightrate.schedules.wrapper import Wrapper

__all__ = ["Shifted", "shifted"]


@dataclass(frozen=True, kw_only=True)
class Shifted(Wrapper):
    """What is left of a schedule after its first `skip_steps`.

    Use it to go on with a schedule in a loop that counts from 0 again, or where a library is one step ahead.
    For a later start, put something before: `Constant(...) + schedule`.

    `lr(t) = schedule(t + skip_steps)`; it is shorter by as many steps, and its peak is the largest rate left.

    Args:
        schedule: The schedule inside.
        skip_steps: The optimizer steps left out at the start, in [0, schedule.total_steps).

    Raises:
        ConfigError: If an argument is outside its domain, or all rates that are left are 0.

    Example:
        >>> from rightrate.schedules import Linear
        >>> rest = shifted(Linear(peak=1.0, total_steps=4), 1)
        >>> rest(0), rest.peak, rest.total_steps
        (0.75, 0.75, 3)
    """

    skip_steps: int

    def _check_fields(self) -> None:
        _fields.integer(self, "skip_steps", low=0)
        if self.skip_steps >= self.schedule.total_steps:
            allowed = f"less than the schedule's total_steps={self.schedule.total_steps}"
            raise ConfigError(describe(_fields.where(self, "skip_steps"), allowed, self.skip_steps))

    def _length(self) -> int:
        return self.schedule.total_steps - self.skip_steps

    def _highest(self) -> float:
        return highest(self.schedule, _fields.where(self, "schedule"), start=self.skip_steps)

    def _rates(self, steps: FloatArray) -> FloatArray:
        return self._inside(steps + self.skip_steps)

    def _marks(self, start: int) -> Iterable[int]:
        return [mark - self.skip_steps for mark in self.schedule.marks(start + self.skip_steps)]


def shifted(schedule: Schedule, skip_steps: int) -> Shifted:
    """Return what is left of a schedule after its first `skip_steps`.

    Raises:
        ConfigError: If an argument is outside its domain, or all rates that are left are 0.
    """
    return Shifted(schedule=schedule, skip_steps=skip_steps)
