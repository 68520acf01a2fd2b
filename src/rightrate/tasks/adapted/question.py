"""What `find` was asked about an object of another framework."""

from dataclasses import dataclass, fields, replace
from typing import Any

from rightrate.errors import ConfigError, describe
from rightrate.schedules import Schedule, Shape
from rightrate.schedules.scaled import scaled

__all__ = ["Asked", "peak_one"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The arguments of `find` that an object of another framework may stand in for.

    Args:
        model: The object.
        train: Its training data, or None where it brings them.
        valid: Its validation data likewise.
        schedule: The schedule of the real run, or None where the object may say.
        steps: Its length, or None.
        epochs: The same in passes over the training data, or None.
        batch_size: Samples in a batch, or None.
    """

    model: Any
    train: Any = None
    valid: Any = None
    schedule: str | Shape | None = None
    steps: int | None = None
    epochs: float | None = None
    batch_size: int | None = None

    def only(self, schedule: str, advice: str) -> None:
        """Raise `ConfigError` unless the schedule is this one, or left out."""
        if self.schedule not in (None, schedule):
            allowed = f"left out, or {schedule!r}"
            raise ConfigError(describe("find(schedule=...)", allowed, self.schedule, advice))

    def length(self, own_steps: int | None, batches_per_epoch: int | None, *, epochs: float) -> int | None:
        """Return the length of the real run in steps: as asked, else the object's own, else by epochs."""
        if self.steps is not None:
            return self.steps
        if self.epochs is None and own_steps is not None:
            return own_steps
        if batches_per_epoch is None:
            return None
        wanted = epochs if self.epochs is None else self.epochs
        return max(1, round(wanted * batches_per_epoch))


def peak_one(schedule: Schedule) -> Schedule:
    """Return a schedule with its peak divided out, by the name of the schedule where that is possible."""
    own: Any = schedule
    if any(field.name == "peak" for field in fields(own)) and not getattr(own, "floor", 0.0):
        made: Schedule = replace(own, peak=1.0)
        return made
    return schedule if schedule.peak == 1.0 else scaled(schedule, 1.0 / schedule.peak)
