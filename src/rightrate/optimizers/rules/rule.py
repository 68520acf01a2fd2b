"""What an update rule is: settings, and two pure functions."""

import math
from typing import Any, Protocol, runtime_checkable

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import FloatArray

__all__ = ["Rule", "below_one"]


@runtime_checkable
class Rule(Protocol):
    """How one gradient moves the parameters.

    A rule is a frozen dataclass of settings. Both methods are pure: they change none of their arguments, and
    the state is all the memory there is. The learning rate may differ at every step.
    """

    def init(self, x: FloatArray) -> Any:
        """Return the state before the first step, for parameters of the shape of `x`."""

    def update(self, g: FloatArray, state: Any, x: FloatArray, lr: float) -> tuple[FloatArray, Any]:
        """Return the parameters and the state after one step.

        Args:
            g: The gradient at `x`, of its shape.
            state: What `init` or the step before returned.
            x: The parameters.
            lr: The learning rate of this step, >= 0.
        """


def below_one(where: str, value: object) -> float:
    """Return `value` as a `float` in [0, 1), the domain of decay rates, or raise `ConfigError`.

    Example:
        >>> below_one("Adam(beta1=...)", 0.9)
        0.9
    """
    number = _check.number(where, value, low=0.0)
    if number > math.nextafter(1.0, 0.0):
        raise ConfigError(describe(where, "a finite number in [0, 1)", value))
    return number
