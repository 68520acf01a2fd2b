"""What a schedule is: a pure, frozen, printable `step -> lr`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from rightrate.schedules.frameworks.torch import ScheduledLR
    from rightrate.schedules.sequence import Sequence

__all__ = ["FloatArray", "Schedule"]

FloatArray = NDArray[np.float64]


class Schedule(ABC):
    """A learning rate for every optimizer step.

    Calling a schedule with a step (0-based, counted in optimizer updates) returns the rate used at that
    step; an array of steps returns an array of the same shape. Past the end the last value is held.

    A schedule is a frozen, keyword-only dataclass. Its values are learning rates; one whose `peak` is 1 is a
    *shape*, and `shape * 3e-4` binds it. `first + second` is one after the other.

    Attributes:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
    """

    peak: float
    total_steps: int

    __array_ufunc__ = None  # an array times a schedule is asked of the schedule, not of NumPy item by item

    @overload
    def __call__(self, step: float) -> float: ...
    @overload
    def __call__(self, step: NDArray[Any]) -> FloatArray: ...
    def __call__(self, step: float | NDArray[Any]) -> float | FloatArray:
        """Return the learning rate at `step` (a number or an array of numbers, each >= 0).

        Raises:
            ConfigError: If it is no such thing.
        """
        steps = np.minimum(_fields.steps(self, step), self.total_steps - 1)
        if steps.ndim:
            return self._rates(steps)
        # NumPy rounds some powers of a number otherwise than those of an array: one step is an array of one.
        return float(self._rates(np.atleast_1d(steps))[0])

    @abstractmethod
    def __mul__(self, factor: float) -> "Schedule":
        """Return the same schedule with every rate multiplied by `factor` > 0."""

    def __rmul__(self, factor: float) -> "Schedule":
        """Return the same schedule with every rate multiplied by `factor` > 0."""
        return self * factor

    def __add__(self, other: "Schedule") -> "Sequence":
        """Return this schedule followed by another one, which starts at its own step 0."""
        from rightrate.schedules.sequence import sequence

        return sequence(self, other)

    def torch(self, optimizer: "Optimizer") -> "ScheduledLR":
        """Return a torch scheduler: the first group's rate is `schedule(step)`, others keep their ratio.

        Raises:
            ConfigError: If there is no ratio to keep, as the first group's rate is 0 and another's is not.
        """
        from rightrate.schedules.frameworks.torch import ScheduledLR

        return ScheduledLR(optimizer, self)

    def keras(self) -> Any:
        """Return a `keras.optimizers.schedules.LearningRateSchedule`, to be an optimizer's `learning_rate`.

        Raises:
            MissingExtraError: If Keras is not installed.
        """
        from rightrate.schedules.frameworks.keras import in_keras

        return in_keras(self)

    def optax(self) -> Callable[[Any], Any]:
        """Return a function of the step count for optax, which can be traced by `jax.jit` and `jax.vmap`.

        Raises:
            MissingExtraError: If JAX is not installed.
        """
        from rightrate.schedules.frameworks.optax import in_optax

        return in_optax(self)

    def transformers(self, optimizer: "Optimizer") -> tuple["Optimizer", "ScheduledLR"]:
        """Return what `transformers.Trainer(optimizers=...)` takes: the optimizer and its scheduler."""
        from rightrate.schedules.frameworks.transformers import in_transformers

        return in_transformers(self, optimizer)

    def lightning(self, optimizer: "Optimizer") -> dict[str, Any]:
        """Return what `configure_optimizers` of a `LightningModule` returns, with one step an update."""
        from rightrate.schedules.frameworks.lightning import in_lightning

        return in_lightning(self, optimizer)

    def marks(self, start: int = 0) -> tuple[int, ...]:
        """Return the steps from `start` on at which parts meet or the rate turns, ascending.

        The first is `start`, the last the last step of the run, and between two of them no rate is above
        those at both. A rate that turns more than about a thousand times has the first and the last of these
        steps here, so that a billion restarts are as cheap as ten.

        Args:
            start: The first step to look at, in [0, total_steps).

        Raises:
            ConfigError: If `start` is no such step.
        """
        where = f"{type(self).__name__}.marks(start)"
        if _check.integer(where, start, low=0) >= self.total_steps:
            raise ConfigError(describe(where, f"less than total_steps={self.total_steps}", start))
        found = {mark for mark in self._marks(start) if mark >= start}
        return tuple(sorted({start, *found, self.total_steps - 1}))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data, from which `rightrate.schedules.from_dict` makes this schedule again."""
        from rightrate.schedules.plain import to_dict

        return to_dict(self)

    def text(self) -> str:
        """Return the text, such as `cosine(1000)`, of which `rightrate.schedules.parse` makes this again."""
        from rightrate.schedules.text import to_text

        return to_text(self)

    @abstractmethod
    def _rates(self, steps: FloatArray) -> FloatArray:
        """Return the rates at steps in [0, total_steps - 1], of the same shape."""

    def _marks(self, start: int) -> Iterable[int]:
        """Return the steps in [start, total_steps) at which parts meet or the rate turns; `marks` sorts them.

        Steps before `start` may be among them. A schedule that has very many looks at `start`, and leaves out
        what `few` leaves out.
        """
        return ()
