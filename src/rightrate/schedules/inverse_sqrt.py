"""Inverse square root decay."""

from dataclasses import dataclass

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["InverseSqrt"]


@dataclass(frozen=True, kw_only=True)
class InverseSqrt(Decay):
    """The peak divided by the root of the time that has passed.

    Use it where the run may be made longer later: unlike cosine it does not need the end.

    `lr(t) = peak * sqrt(s / (t + s))`, with `t` counted after the warm-up and `s = timescale_steps`, or
    `warmup_steps + 1` where none is given. The latter is the schedule of the Transformer (Vaswani et al.,
    2017, equation 3) with `warmup_steps + 1` of its warm-up steps, scaled to a peak: the paper counts from
    1, and reaches the peak at its step `warmup_steps`.

    Hugging Face's `get_inverse_sqrt_schedule(timescale=s)` has the same decay, starts its warm-up at 0
    and takes `s = 10000` where there is no warm-up. torch, Keras and optax have none.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        timescale_steps: The steps after which the peak is divided by `sqrt(2)`, >= 1, or None for
            `warmup_steps + 1`.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> InverseSqrt(peak=1.0, total_steps=100, warmup_steps=9)(39)
        0.5
    """

    timescale_steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.timescale_steps is not None:
            _fields.integer(self, "timescale_steps", low=1)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        scale = self.warmup_steps + 1 if self.timescale_steps is None else self.timescale_steps
        return np.sqrt(scale / (step + scale))
