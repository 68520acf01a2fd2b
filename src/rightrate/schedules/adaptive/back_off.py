"""Back off after an alarm, and come back."""

import math
from dataclasses import dataclass
from typing import TypedDict

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.adaptive.control import reading

__all__ = ["BackOff", "BackOffState"]


class BackOffState(TypedDict):
    """What `BackOff` remembers.

    Attributes:
        lr: The learning rate.
        full: The rate it comes back to.
        fraction: The fraction of it after the last alarm, 1 before the first.
        passed: How many steps of the way back are over.
    """

    lr: float
    full: float
    fraction: float
    passed: int


@dataclass(frozen=True, kw_only=True)
class BackOff:
    """Multiply the rate by `factor` after an alarm, and bring it back within `recover_steps`.

    Use it against spikes of the loss that a lower rate for a while prevents from becoming divergence.

    Observe a number after every step: above 0, or not finite, it is an alarm. `loss - limit` is one where the
    loss is above a limit, or NaN; a detector says 1 or 0.

    An alarm multiplies the rate there is by `factor`, so that alarms in a row lower it further. `k` steps
    after the last one the rate is `full * fraction ** (1 - k / recover_steps)`, with `fraction` what the
    alarm left of it: up by the same factor at every step, until it is `full` again after `recover_steps`.
    Mixed-precision training treats its loss scale alike: down where a gradient is not finite, up again after
    some good steps (Micikevicius et al., Mixed Precision Training, 2018). torch, Keras and optax have none
    for rates.

    Args:
        factor: What the rate is multiplied by at an alarm, in (0, 1).
        recover_steps: The steps from the last alarm back to the full rate, >= 1.
        lowest: The learning rate that is not gone below, >= 0; a rate that starts below it is left alone.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> control = BackOff(factor=0.25, recover_steps=2)
        >>> state = control.init(0.1)
        >>> rates = []
        >>> for loss in (1.0, 7.0, 1.2, 1.1, 1.0):
        ...     lr, state = control.update(state, loss - 3.0)
        ...     rates.append(round(lr, 12))
        >>> rates
        [0.1, 0.025, 0.05, 0.1, 0.1]
    """

    factor: float = 0.5
    recover_steps: int = 100
    lowest: float = 0.0

    def __post_init__(self) -> None:
        _fields.number(self, "factor", above=0.0, high=1.0)
        if self.factor == 1.0:
            raise ConfigError(describe(_fields.where(self, "factor"), "less than 1", self.factor))
        _fields.integer(self, "recover_steps", low=1)
        _fields.number(self, "lowest", low=0.0)

    def init(self, lr: float) -> BackOffState:
        """Return the state before the first observation.

        Raises:
            ConfigError: If `lr` is not a finite number > 0.
        """
        full = _check.number("BackOff.init(lr)", lr, above=0.0)
        return {"lr": full, "full": full, "fraction": 1.0, "passed": self.recover_steps}

    def update(self, state: BackOffState, observation: float) -> tuple[float, BackOffState]:
        """Return the rate of the next step, and the next state.

        Raises:
            ConfigError: If the observation is not one number.
        """
        value = reading("BackOff.update(observation)", observation)
        full, fraction = state["full"], state["fraction"]
        if value > 0 or not math.isfinite(value):
            lr = min(state["lr"], max(state["lr"] * self.factor, self.lowest))
            return lr, {"lr": lr, "full": full, "fraction": lr / full, "passed": 0}
        passed = min(state["passed"] + 1, self.recover_steps)
        lr = full * fraction ** (1.0 - passed / self.recover_steps)
        return lr, {"lr": lr, "full": full, "fraction": fraction, "passed": passed}
