"""One cycle: up, and down to almost nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Formula

__all__ = ["OneCycle"]


@dataclass(frozen=True, kw_only=True)
class OneCycle(Formula):
    """From a low rate up to the peak, and down to a far lower one.

    Use it with a peak near the largest stable rate ("super-convergence": Smith and Topin, 2018).

    With `r = round(rise_fraction * total_steps) - 1` (at least 0), the rate goes from `start * peak` at step
    0 to the peak at step `r`, and to `floor * peak` at the last step, `total_steps - 1`, along half a cosine
    or a straight line each.

    The defaults are those of torch's `OneCycleLR(max_lr, total_steps)`: `rise_fraction` is its `pct_start`,
    `start` is `1 / div_factor` and `floor` is `1 / (div_factor * final_div_factor)`, of the *peak*. Where
    `pct_start * total_steps` is whole the values are the same; elsewhere torch's highest rate falls between
    two steps. torch takes one `step()` more than it has steps, which carries the rate back up; here the last
    rate is held. optax's `cosine_onecycle_schedule(T)` ends one step later, at T, which is
    `total_steps=T + 1` here. Momentum, which the paper moves against the rate and torch by default, too,
    is left alone, and so is the paper's third phase (torch: `three_phase=True`).

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        rise_fraction: The fraction of the run that rises, in [0, 1].
        start: The fraction of the peak at the first step, in [0, 1].
        floor: The fraction of the peak at the last step, in [0, 1].
        curve: "cosine", as in torch, or "linear", as in the paper.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> cycle = OneCycle(peak=1.0, total_steps=100)
        >>> round(cycle(0), 12), cycle(29), round(cycle(99), 12), round(cycle(100), 12)
        (0.04, 1.0, 4e-06, 4e-06)
    """

    rise_fraction: float = 0.3
    start: float = 1 / 25
    floor: float = 1 / 25e4
    curve: Literal["cosine", "linear"] = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.number(self, "rise_fraction", low=0.0, high=1.0)
        _fields.number(self, "start", low=0.0, high=1.0)
        _fields.number(self, "floor", low=0.0, high=1.0)
        _fields.choice(self, "curve", ("cosine", "linear"))

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        top = self._top()
        missing = 1.0 - step / max(top, 1)
        passed = (step - top) / max(length - 1 - top, 1)
        rising = self.start + (1.0 - self.start) * self._left(missing)
        falling = self.floor + (1.0 - self.floor) * self._left(passed)
        return np.where(step < top, rising, falling)

    def _top(self) -> int:
        """Return the step of the peak."""
        return max(round(self.rise_fraction * self.total_steps) - 1, 0)

    def _left(self, passed: FloatArray) -> FloatArray:
        return 1.0 - passed if self.curve == "linear" else 0.5 * (1.0 + np.cos(np.pi * passed))

    def _marks(self, start: int) -> Iterable[int]:
        return (self._top(),)
