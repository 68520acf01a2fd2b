"""The largest rate that a schedule really has."""

from typing import TYPE_CHECKING

import numpy as np

from rightrate.errors import ConfigError, describe

if TYPE_CHECKING:
    from rightrate.schedules.base import Schedule

__all__ = ["highest"]


def highest(schedule: "Schedule", where: str, *, start: int = 0) -> float:
    """Return the largest rate of a schedule at its steps from `start` on.

    It is found at the `marks`, between which no rate is above those at both ends.

    Args:
        schedule: The schedule to look at.
        where: The argument it is, for the message.
        start: The first step that counts, in [0, schedule.total_steps).

    Raises:
        ConfigError: If all these rates are 0.
    """
    value = float(schedule(np.array(schedule.marks(start))).max())
    if value <= 0.0:
        allowed = "above 0 at some step" if start == 0 else f"above 0 at some step from {start} on"
        raise ConfigError(describe(where, allowed, schedule))
    return value
