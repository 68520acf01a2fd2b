"""One schedule after the other."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray, Schedule

__all__ = ["Sequence", "sequence"]


@dataclass(frozen=True, kw_only=True)
class Sequence(Schedule):
    """Schedules one after the other, each from its own step 0.

    A boundary belongs to the part that follows, as in torch's `SequentialLR(milestones=...)` and optax's
    `join_schedules(boundaries=...)`.

    Args:
        parts: At least one schedule. A part's `total_steps` says where the next one starts.

    Raises:
        ConfigError: If there is no part, one is not a schedule, or all rates are 0.

    Example:
        >>> from rightrate.schedules import Constant
        >>> both = Constant(peak=0.1, total_steps=3) + Constant(peak=0.01, total_steps=2)
        >>> both(2), both(3), both.total_steps
        (0.1, 0.01, 5)
    """

    parts: tuple[Schedule, ...]
    peak: float = field(init=False, repr=False)
    total_steps: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts: object = self.parts
        if not isinstance(parts, tuple) or not parts or not all(isinstance(part, Schedule) for part in parts):
            advice = "Turn functions and numbers into schedules first."
            raise ConfigError(describe("Sequence(parts=...)", "a tuple of schedules", self.parts, advice))
        peak = max(float(part(np.array(part.marks())).max()) for part in self.parts)
        if peak <= 0.0:
            raise ConfigError(describe("Sequence(parts=...)", "above 0 at some step", self.parts))
        object.__setattr__(self, "peak", peak)
        total_steps = sum(part.total_steps for part in self.parts)
        object.__setattr__(self, "total_steps", _fields.length(self, total_steps))

    def __mul__(self, factor: float) -> "Sequence":
        """Return the same parts with every rate multiplied by `factor`."""
        by = _fields.factor(self, factor)
        return replace(self, parts=tuple(part * by for part in self.parts))

    def _starts(self) -> tuple[int, ...]:
        lengths = [part.total_steps for part in self.parts]
        return tuple(int(start) for start in np.cumsum([0, *lengths[:-1]]))

    def _rates(self, steps: FloatArray) -> FloatArray:
        values = np.asarray(self.parts[0](np.asarray(steps)))
        for part, start in zip(self.parts[1:], self._starts()[1:], strict=True):
            values = np.where(steps < start, values, part(np.maximum(steps - start, 0.0)))
        return values

    def _marks(self, start: int) -> Iterable[int]:
        for part, first in zip(self.parts, self._starts(), strict=True):
            if start < first + part.total_steps:
                yield from (first + mark for mark in part.marks(max(start - first, 0)))


def sequence(*parts: Schedule) -> Sequence:
    """Return schedules one after the other; sequences among them are laid open.

    Raises:
        ConfigError: If there is none, one is not a schedule, or all rates are 0.
    """
    laid: list[Schedule] = []
    for part in parts:
        laid += part.parts if isinstance(part, Sequence) else [part]
    return Sequence(parts=tuple(laid))
