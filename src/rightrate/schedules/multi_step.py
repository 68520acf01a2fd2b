"""Step decay at chosen steps."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["MultiStep"]


@dataclass(frozen=True, kw_only=True)
class MultiStep(Decay):
    """The peak times `factor` at each milestone.

    `lr(t) = peak * factor ** k`, where `k` is the number of milestones <= `t`. Milestones are steps of the
    run, counted from its start, warm-up or not; the step at a milestone has the lower rate already.

    torch's `MultiStepLR(milestones, gamma=0.1)` has the same values; it takes a milestone twice, and ones
    that never come. optax's `piecewise_constant_schedule(peak, {milestone: factor, ...})` has them, too.
    For values in place of factors, see `Piecewise`.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        milestones: The steps at which the rate falls, ascending, each in (warmup_steps, total_steps).
        factor: What the rate is multiplied by at each milestone, in (0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> drops = MultiStep(peak=1.0, total_steps=100, milestones=(50, 80), factor=0.5)
        >>> drops(49), drops(50), drops(80)
        (1.0, 0.5, 0.25)
    """

    milestones: tuple[int, ...]
    factor: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integers(self, "milestones", low=1)
        _fields.number(self, "factor", above=0.0, high=1.0)
        if self.milestones[0] <= self.warmup_steps or self.milestones[-1] >= self.total_steps:
            inside = f"steps after warmup_steps={self.warmup_steps} and before total_steps={self.total_steps}"
            advice = "Count optimizer steps from the start of the run, not epochs."
            raise ConfigError(describe(_fields.where(self, "milestones"), inside, self.milestones, advice))

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        passed = np.searchsorted(np.array(self.milestones), step + self.warmup_steps, side="right")
        return np.power(self.factor, passed.astype(np.float64))

    def _marks(self, start: int) -> Iterable[int]:
        return (self.warmup_steps, *self.milestones)
