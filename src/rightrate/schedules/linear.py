"""Linear decay."""

from dataclasses import dataclass

from rightrate.schedules import _fields
from rightrate.schedules.base import FloatArray
from rightrate.schedules.formula import Decay

__all__ = ["Linear"]


@dataclass(frozen=True, kw_only=True)
class Linear(Decay):
    """A straight line from the peak to `floor * peak`, which it would reach at `step == total_steps`.

    The usual choice with a known number of steps. With the defaults the last step taken,
    `total_steps - 1`, has the rate `peak / total_steps`, as in Hugging Face's linear schedule; torch's
    `LinearLR(end_factor=0, total_iters=total_steps)` has the same values.

    Args:
        peak: The largest learning rate, > 0.
        total_steps: The length of the run in optimizer steps, >= 1.
        warmup_steps: The length of the linear warm-up in optimizer steps, in [0, total_steps).
        floor: The fraction of the peak at the end, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> Linear(peak=1.0, total_steps=4)(2)
        0.5
    """

    floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _fields.number(self, "floor", low=0.0, high=1.0)

    def _fraction(self, step: FloatArray, length: int) -> FloatArray:
        return self.floor + (1.0 - self.floor) * (1.0 - step / length)
