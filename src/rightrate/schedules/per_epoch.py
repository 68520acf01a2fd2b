"""A schedule that is written in epochs."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.highest import highest
from rightrate.schedules.wrapper import Wrapper

__all__ = ["PerEpoch", "per_epoch"]


@dataclass(frozen=True, kw_only=True)
class PerEpoch(Wrapper):
    """A schedule whose steps are epochs: one rate for all optimizer steps of an epoch.

    Use it to read recipes that count epochs, and for what a torch scheduler does whose `step()` is called
    once an epoch.

    `lr(t) = schedule(floor(t / steps_per_epoch))`; its length is `schedule.total_steps` epochs.

    Args:
        schedule: The schedule inside, its `total_steps` in epochs.
        steps_per_epoch: The optimizer steps of one epoch, >= 1.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> from rightrate.schedules import Step
        >>> recipe = per_epoch(Step(peak=0.1, total_steps=90, every_steps=30, factor=0.5), 100)
        >>> recipe(2999), recipe(3000), recipe.total_steps
        (0.1, 0.05, 9000)
    """

    steps_per_epoch: int

    def _check_fields(self) -> None:
        _fields.integer(self, "steps_per_epoch", low=1)

    def _length(self) -> int:
        return self.schedule.total_steps * self.steps_per_epoch

    def _highest(self) -> float:
        return highest(self.schedule, _fields.where(self, "schedule"))

    def _rates(self, steps: FloatArray) -> FloatArray:
        return self._inside(np.floor(steps / self.steps_per_epoch))

    def _marks(self, start: int) -> Iterable[int]:
        epoch = start // self.steps_per_epoch
        return [mark * self.steps_per_epoch for mark in self.schedule.marks(epoch)]


def per_epoch(schedule: Schedule, steps_per_epoch: int) -> PerEpoch:
    """Return a schedule whose steps were epochs, counted in optimizer steps.

    Raises:
        ConfigError: If an argument is outside its domain.
    """
    return PerEpoch(schedule=schedule, steps_per_epoch=steps_per_epoch)
