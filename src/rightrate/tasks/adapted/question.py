"""What `find` was asked about an object of another framework."""

from dataclasses import dataclass, fields, replace
from typing import Any

from rightrate.errors import ConfigError, describe
from rightrate.schedules import Schedule, Shape, shape_name
from rightrate.schedules.scaled import scaled
from rightrate.tasks.batches import hold_out, training_source

_SCALE_FREE = {"peak", "floor", "total_steps", "warmup_steps"}

_SHORT = 80

__all__ = ["Asked", "Named", "batches_per_epoch", "peak_one"]


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


def batches_per_epoch(train: Any, valid: Any, batch_size: int) -> int | None:
    """Return the training batches in an epoch, once validation data are held out where there are none."""
    kept = hold_out(train)[0] if valid is None else train
    return training_source(kept, batch_size=batch_size, device="cpu").batches_per_epoch


def peak_one(schedule: Schedule, name: str) -> Shape:
    """Return a schedule with its peak divided out: one of ours where it has a short text, else a function.

    Args:
        schedule: The schedule.
        name: What to call the function.
    """
    shape = _divided(schedule)
    return shape if len(shape_name(shape)) <= _SHORT else Named(schedule=shape, name=name)


def _divided(schedule: Schedule) -> Schedule:
    if schedule.peak == 1.0:
        return schedule
    own: Any = schedule
    named = {field.name for field in fields(own) if field.init}
    if "peak" in named and named <= _SCALE_FREE:
        floor = {"floor": own.floor / own.peak} if "floor" in named else {}
        made: Schedule = replace(own, peak=1.0, **floor)
        return made
    return scaled(schedule, 1.0 / schedule.peak)


class Named:
    """A schedule under a name of its own, as a function of the step.

    Args:
        schedule: The schedule, with peak 1.
        name: What people are told it is.
    """

    def __init__(self, *, schedule: Schedule, name: str) -> None:
        self.schedule = schedule
        self.__name__ = name

    def __call__(self, step: int) -> float:
        """Return the fraction of the peak at a step."""
        return float(self.schedule(step))
