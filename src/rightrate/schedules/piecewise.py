"""Piecewise constant rates, each given as a value."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray, Schedule

__all__ = ["Piecewise"]


@dataclass(frozen=True, kw_only=True)
class Piecewise(Schedule):
    """One learning rate until a step, another until a later one, and so on: piecewise annealing.

    `lr(t) = values[k]` for the first `k` with `t < until[k]`: a boundary belongs to what follows it. The
    last boundary is the length of the run.

    torch has none with values, see `MultiStep`. optax's `piecewise_constant_schedule` takes factors and has
    the same boundaries. In Keras's `PiecewiseConstantDecay(boundaries, values)` a boundary belongs to what
    goes before: every change comes one step later than here.

    Args:
        until: The steps at which the values end, ascending, each >= 1; the last is the length of the run.
        values: The learning rates, as many, each >= 0, not all 0.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> annealed = Piecewise(until=(400, 700, 1000), values=(0.1, 0.01, 0.001))
        >>> annealed(399), annealed(400), annealed(999), annealed.total_steps
        (0.1, 0.01, 0.001, 1000)
    """

    until: tuple[int, ...]
    values: tuple[float, ...]
    peak: float = field(init=False, repr=False)
    total_steps: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _fields.integers(self, "until", low=1)
        _fields.numbers(self, "values", low=0.0)
        if len(self.values) != len(self.until):
            allowed = f"as many as until={self.until!r}"
            raise ConfigError(describe(_fields.where(self, "values"), allowed, self.values))
        if not any(self.values):
            raise ConfigError(describe(_fields.where(self, "values"), "above 0 somewhere", self.values))
        object.__setattr__(self, "peak", max(self.values))
        object.__setattr__(self, "total_steps", _fields.length(self, self.until[-1]))

    def __mul__(self, factor: float) -> "Piecewise":
        """Return the same boundaries with every value multiplied by `factor`."""
        by = _fields.factor(self, factor)
        return replace(self, values=tuple(value * by for value in self.values))

    def _rates(self, steps: FloatArray) -> FloatArray:
        index = np.searchsorted(np.array(self.until), steps, side="right")
        return np.asarray(np.array(self.values)[index])

    def _marks(self, start: int) -> Iterable[int]:
        return self.until[:-1]
