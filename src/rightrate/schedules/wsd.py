"""Warm-up, stable, decay."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["COOLDOWNS", "WarmupStableDecay", "left"]

COOLDOWNS = ("linear", "1-sqrt", "cosine")
"""The forms of a cool-down."""


@dataclass(frozen=True, kw_only=True)
class WarmupStableDecay(Decay):
    """A warm-up, the peak for most of the run, and a short cool-down to `floor * peak`.

    Use it where several lengths are wanted from one run: every cool-down can start from the same stable part
    (MiniCPM: Hu et al., 2024). A fifth of the run is enough to cool down (Hägele et al., Scaling Laws and
    Compute-Optimal Training Beyond Fixed Training Durations, 2024).

    `lr(t) = peak` until `t == total_steps - cooldown_steps`; then, with `x` the fraction of the cool-down
    that has passed, `peak * (floor + (1 - floor) * f(x))` with `f(x) = 1 - x` ("linear"), `1 - sqrt(x)`
    ("1-sqrt", Hägele et al.'s best) or `(1 + cos(pi * x)) / 2` ("cosine").

    Hugging Face's `get_wsd_schedule(decay_type=...)` has the same three; its warm-up starts at the floor.
    torch, Keras and optax have none.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        cooldown_steps: The length of the cool-down, the end of the run, in optimizer steps, in
            [1, total_steps - warmup_steps].
        cooldown: The form of the cool-down: "linear", "1-sqrt" or "cosine".
        floor: The fraction of the peak at the end, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> stable = WarmupStableDecay(peak=1.0, total_steps=100, cooldown_steps=20)
        >>> stable(80), stable(90)
        (1.0, 0.5)
    """

    cooldown_steps: int
    cooldown: Literal["linear", "1-sqrt", "cosine"] = "linear"
    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.integer(self, "cooldown_steps", low=1)
        _fields.choice(self, "cooldown", COOLDOWNS)
        _fields.number(self, "floor", low=0.0, high=1.0)
        if self.cooldown_steps > self.total_steps - self.warmup_steps:
            allowed = f"at most total_steps - warmup_steps = {self.total_steps - self.warmup_steps}"
            where = _fields.where(self, "cooldown_steps")
            advice = "Warm-up and cool-down are parts of total_steps."
            raise ConfigError(describe(where, allowed, self.cooldown_steps, advice))

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        passed = np.maximum(step - (length - self.cooldown_steps), 0.0) / self.cooldown_steps
        return self.floor + (1.0 - self.floor) * np.asarray(left(self.cooldown, passed))

    def _marks(self, start: int) -> Iterable[int]:
        return (self.warmup_steps, self.total_steps - self.cooldown_steps)


def left(form: str, passed: float | FloatArray) -> float | FloatArray:
    """Return what is left of a cool-down's height where a fraction `passed` of it, in [0, 1], is over.

    Example:
        >>> [float(left(form, 0.25)) for form in COOLDOWNS[:2]]
        [0.75, 0.5]
    """
    if form == "linear":
        return 1.0 - passed
    if form == "1-sqrt":
        return 1.0 - np.sqrt(passed)
    return 0.5 * (1.0 + np.cos(np.pi * passed))
