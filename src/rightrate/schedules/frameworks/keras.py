"""A schedule in Keras, on any of its backends."""

from functools import cache
from typing import Any

import numpy as np

from rightrate.errors import ConfigError, MissingExtraError
from rightrate.schedules.base import Schedule
from rightrate.schedules.frameworks.table import needed, piecewise, table

__all__ = ["ScheduledRate", "in_keras"]  # noqa: F822 - made on first use, below

_BACKENDS = ("tensorflow", "jax", "torch")


def in_keras(schedule: Schedule) -> Any:
    """Return a `keras.optimizers.schedules.LearningRateSchedule`, to be the `learning_rate` of an optimizer.

    It runs on TensorFlow, JAX and PyTorch, eagerly and compiled, and is saved with the model. To load such a
    model in a new process, import the class first, so that Keras knows it:

        from rightrate.schedules.frameworks.keras import ScheduledRate

    The step is a tensor whose value is not known while a training step is compiled, so the rates are looked
    up in a table of all steps, in Keras's float type. Keras's own formulas count in float32, and their
    `decay_steps` is the step at which the end value is reached, one after the last of the run.

    Keras calls a schedule with the number of *batches* seen: with `gradient_accumulation_steps=n`, a step
    of this schedule is one batch, and `total_steps` is n times the number of updates.

    Args:
        schedule: Where the rates come from.

    Raises:
        MissingExtraError: If Keras or its backend is not installed.
        ConfigError: If the run is too long for a table.
    """
    return _scheduled_rate()(schedule)


@cache
def _scheduled_rate() -> Any:
    """Make and register the class, which needs Keras."""
    try:
        keras = needed("keras", "pip install keras", of="schedule.keras()")
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing not in _BACKENDS:
            raise
        message = (
            f"schedule.keras() needs {missing}, the backend of Keras, which is not installed. Install it "
            f"with: pip install {missing}, or choose another with the environment variable KERAS_BACKEND."
        )
        raise MissingExtraError(message) from None

    ops = keras.ops
    base: Any = keras.optimizers.schedules.LearningRateSchedule

    @keras.saving.register_keras_serializable(package="rightrate")
    class ScheduledRate(base):  # type: ignore[misc]
        """A schedule of rightrate as Keras knows schedules; made by `schedule.keras()`."""

        def __init__(self, schedule: Schedule) -> None:
            self.schedule = schedule
            rates = table(schedule)
            precise = keras.backend.floatx() == "float64"
            self._last = len(rates) - 1
            self._rates = ops.convert_to_tensor(rates.astype("float64" if precise else "float32"))

        def __call__(self, step: Any) -> Any:
            """Return the rate at a step, a scalar or a tensor of any shape; the last one is held."""
            return ops.take(self._rates, ops.clip(ops.cast(step, "int32"), 0, self._last))

        def get_config(self) -> dict[str, Any]:
            """Return the schedule as plain data."""
            return {"schedule": _plain(self.schedule)}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> "ScheduledRate":
            """Return the schedule that `get_config` described."""
            from rightrate.schedules.plain import from_dict

            return cls(from_dict(config["schedule"]))

        def __eq__(self, other: object) -> bool:
            return isinstance(other, ScheduledRate) and other.schedule == self.schedule

        def __hash__(self) -> int:
            return hash(self.schedule)

        def __repr__(self) -> str:
            return f"{self.schedule!r}.keras()"

        def __reduce__(self) -> tuple[Any, ...]:
            return in_keras, (self.schedule,)

    return ScheduledRate


def _plain(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as plain data; one that users wrote, which has no public name, as its values."""
    try:
        return schedule.to_dict()
    except ConfigError:
        steps = np.arange(schedule.total_steps)
        return piecewise(schedule(steps)).to_dict()


def __getattr__(name: str) -> Any:
    """Make the class when it is first asked for (PEP 562)."""
    if name == "ScheduledRate":
        return _scheduled_rate()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
