"""Step decay at equal distances."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["Step"]


@dataclass(frozen=True, kw_only=True)
class Step(Decay):
    """The peak times `factor` every `every_steps`.

    `lr(t) = peak * factor ** floor(t / every_steps)`, with `t` counted after the warm-up: the first step
    with the lower rate is `t == every_steps`. ResNet's ImageNet recipe (He et al., 2016) is `factor=0.1`
    every 30 epochs.

    torch's `StepLR(step_size, gamma=0.1)` has the same values and goes on falling after `total_steps`; it
    counts its own `step()` calls, which most code makes once an epoch: see `per_epoch`.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        every_steps: The optimizer steps from one fall to the next, >= 1.
        factor: What the rate is multiplied by at each fall, in (0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> drop = Step(peak=1.0, total_steps=100, every_steps=30, factor=0.5)
        >>> drop(29), drop(30), drop(60)
        (1.0, 0.5, 0.25)
    """

    every_steps: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integer(self, "every_steps", low=1)
        _fields.number(self, "factor", above=0.0, high=1.0)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        return np.power(self.factor, np.floor(step / self.every_steps))

    def _marks(self, start: int) -> Iterable[int]:
        return (self.warmup_steps, *self._falls(self.every_steps, start))
