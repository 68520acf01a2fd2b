"""A schedule several times."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules._few import MOST, few
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.highest import highest
from rightrate.schedules.wrapper import Wrapper

__all__ = ["Restarted", "restarted"]


@dataclass(frozen=True, kw_only=True)
class Restarted(Wrapper):
    """A schedule from its start again, `times` times.

    `lr(t) = schedule(t mod schedule.total_steps)`. `restarted(Cosine(total_steps=n), k)` is
    `CosineRestarts(total_steps=k * n, cycle_steps=n)`.

    Args:
        schedule: The schedule inside.
        times: How often it runs, >= 1.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> from rightrate.schedules import Linear
        >>> again = restarted(Linear(peak=1.0, total_steps=4), 3)
        >>> again(2), again(4), again.total_steps
        (0.5, 1.0, 12)
    """

    times: int

    def _check_fields(self) -> None:
        _fields.integer(self, "times", low=1)

    def _length(self) -> int:
        return self.times * self.schedule.total_steps

    def _highest(self) -> float:
        return highest(self.schedule, _fields.where(self, "schedule"))

    def _rates(self, steps: FloatArray) -> FloatArray:
        return self._inside(np.mod(steps, self.schedule.total_steps))

    def _marks(self, start: int) -> Iterable[int]:
        length = self.schedule.total_steps
        run, inside = divmod(start, length)
        marks = self.schedule.marks()
        rest = self.schedule.marks(inside) if inside else marks  # asked once: restarts can be nested deeply
        yield from (run * length + mark for mark in rest)
        runs = range(run + 1, self.times)
        shown = few(runs, MOST // len(marks))
        yield from (again * length + mark for again in shown for mark in marks)
        if len(shown) < len(runs):  # no rate after it is above that of the first top that is left out
            top = marks[int(np.argmax(self.schedule(np.array(marks))))]
            yield runs[len(shown) // 2] * length + top


def restarted(schedule: Schedule, times: int) -> Restarted:
    """Return a schedule that runs from its start again, `times` times.

    Raises:
        ConfigError: If an argument is outside its domain.
    """
    return Restarted(schedule=schedule, times=times)
