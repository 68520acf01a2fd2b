"""From the exact rates of another framework's schedule to a schedule of ours that has them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules.base import FloatArray, Schedule
from rightrate.schedules.constant import Constant
from rightrate.schedules.frameworks.table import MOST_STEPS, piecewise

__all__ = ["Reading", "cycles", "then_constant"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is known of another framework's schedule.

    Args:
        rates: Its formula in float64: steps 0, 1, ... of a run to the rates at them.
        likely: From a total of steps, our schedule that should have these rates. It is believed only where it
            has them all.
        total_steps: The length of the run, where it is known.
    """

    rates: Callable[[FloatArray], FloatArray]
    likely: Callable[[int], Schedule] | None = None
    total_steps: int | None = None

    def schedule(self, where: str, total_steps: int | None) -> Schedule:
        """Return our schedule of that length; where none has the same rates, a table of constant pieces.

        Raises:
            ConfigError: If the length is not known or above `MOST_STEPS`, or a rate is negative or not
                finite, or none is above 0.
        """
        chosen = self.total_steps if total_steps is None else total_steps
        advice = "It does not say how long the run is. Count optimizer steps." if chosen is None else ""
        total = _check.integer(f"{where}(total_steps=...)", chosen, low=1, advice=advice)
        if total > MOST_STEPS:
            advice = "The rates of every step are compared. Count optimizer steps, not samples."
            raise ConfigError(describe(f"{where}(total_steps=...)", f"at most {MOST_STEPS}", total, advice))
        steps = np.arange(total, dtype=np.float64)
        rates = self.rates(steps)
        bad = ~np.isfinite(rates) | (rates < 0)
        if bad.any():
            step = int(np.argmax(bad))
            received = f"{float(rates[step])!r} at step {step}"
            raise ConfigError(f"{where}(...): its rates must be finite and >= 0, got {received}.")
        if not rates.any():
            raise ConfigError(describe(f"{where}(...): its rates", "above 0 at some step", 0.0))
        return self._named(total, steps, rates) or piecewise(rates)

    def _named(self, total: int, steps: FloatArray, rates: FloatArray) -> Schedule | None:
        """Return the likely schedule if it can be built and has the same rates."""
        if self.likely is None:
            return None
        try:
            schedule = self.likely(total)
        except (ConfigError, ZeroDivisionError):  # theirs allows what ours does not, such as rates that grow
            return None
        same = schedule.total_steps == total and np.allclose(
            schedule(steps), rates, rtol=1e-9, atol=1e-12 * float(rates.max())
        )
        return schedule if same else None


def then_constant(first: Schedule, rate: float, total_steps: int) -> Schedule:
    """Return a schedule followed by a constant up to a total.

    Raises:
        ConfigError: If the constant is 0.

    Example:
        >>> from rightrate.schedules import Linear
        >>> longer = then_constant(Linear(peak=1.0, total_steps=2, floor=0.5), 0.5, 5)
        >>> longer(0), longer(2), longer.total_steps
        (1.0, 0.5, 5)
    """
    left = total_steps - first.total_steps
    return first + Constant(peak=rate, total_steps=left) if left > 0 else first


def cycles(steps: FloatArray, first: int, growth: float) -> tuple[FloatArray, FloatArray]:
    """Return the number of the cycle of each step, and the fraction of it that has passed.

    Args:
        steps: Steps 0, 1, ... of a run.
        first: The length of cycle 0 in steps.
        growth: How many times as long each cycle is as the one before, >= 1.

    Example:
        >>> cycles(np.arange(5.0), 2, 2)
        (array([0., 0., 1., 1., 1.]), array([0.  , 0.5 , 0.  , 0.25, 0.5 ]))
    """
    ends = [float(first)]
    while ends[-1] < len(steps):
        ends.append(ends[-1] + first * float(growth) ** len(ends))
    number = np.searchsorted(ends, steps, side="right").astype(np.float64)
    starts = np.array([0.0, *ends])[number.astype(int)]
    return number, (steps - starts) / (first * float(growth) ** number)
