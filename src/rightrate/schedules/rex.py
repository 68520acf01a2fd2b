"""REX: a reflected exponential."""

from dataclasses import dataclass

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["Rex"]


@dataclass(frozen=True, kw_only=True)
class Rex(Decay):
    """Between linear and staying at the peak: slow at first, fast at the end.

    Its authors recommend it where the budget of steps is small.

    `lr(t) = peak * (floor + (1 - floor) * (1 - z) / (1/2 + (1 - z) / 2))` with `z = t / T`, `t` counted after
    the warm-up and `T = total_steps - warmup_steps`: Chen, Wolfe and Kyrillidis, REX (2022), section 3, where
    there is no floor. torch, Keras and optax have none.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        floor: The fraction of the peak at the end, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> round(Rex(peak=1.0, total_steps=4)(2), 12)
        0.666666666667
    """

    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.number(self, "floor", low=0.0, high=1.0)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        left = 1.0 - step / length
        return self.floor + (1.0 - self.floor) * left / (0.5 + 0.5 * left)
