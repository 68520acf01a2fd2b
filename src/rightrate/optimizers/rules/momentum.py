"""Momentum, in the three forms that are in use."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["Momentum", "MomentumState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MomentumState:
    """The velocity `v`, of the shape of the parameters."""

    v: FloatArray


@dataclass(frozen=True, kw_only=True)
class Momentum:
    """A decaying sum, or average, of all gradients: Polyak (1964).

    | form | velocity | step | who |
    |---|---|---|---|
    | `"heavy-ball"` | `v = beta * v + g` | `x' = x - lr * v` | torch `SGD`, `optax.sgd` |
    | `"ema"` | `v = beta * v + (1 - beta) * g` | `x' = x - lr * v` | many courses; Adam's first moment |
    | `"lr-inside"` | `v = beta * v - lr * g` | `x' = x + v` | Keras `SGD`; Sutskever et al. (2013) |

    Heavy ball at `lr` is EMA at `lr / (1 - beta)`, exactly, at every step and for rates that change; see
    `gain`. `"lr-inside"` is heavy ball while the rate stays the same. When the rate changes it carries the
    old rates in its velocity: after a drop it keeps moving at the old pace for about `1 / (1 - beta)` steps.

    torch's `dampening` multiplies every gradient but the first: `SGD(momentum=beta, dampening=1 - beta)` is
    `"ema"` with a velocity that starts at the first gradient in place of zero.

    Args:
        beta: How much of the velocity is kept, in [0, 1); 0 is gradient descent.
        form: `"heavy-ball"`, `"ema"` or `"lr-inside"`.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = Momentum(beta=0.9), np.array([1.0])
        >>> x, state = rule.update(np.array([1.0]), rule.init(x), x, 0.1)
        >>> x, state = rule.update(np.array([1.0]), state, x, 0.1)
        >>> round(float(x[0]), 12), round(float(state.v[0]), 12)
        (0.71, 1.9)
    """

    beta: float = 0.9
    form: Literal["heavy-ball", "ema", "lr-inside"] = "heavy-ball"

    def __post_init__(self) -> None:
        _check.keep(self, beta=below_one("Momentum(beta=...)", self.beta))
        _check.choice("Momentum(form=...)", self.form, ("heavy-ball", "ema", "lr-inside"))

    @property
    def gain(self) -> float:
        """How many times plain gradient descent it moves under a gradient that stays the same.

        `1 / (1 - beta)`, and 1 for EMA. A rate for one form times its gain, over the gain of another, is the
        rate for the other.

        Example:
            >>> round(0.01 * Momentum(beta=0.9).gain / Momentum(beta=0.9, form="ema").gain, 12)
            0.1
        """
        return 1.0 if self.form == "ema" else 1.0 / (1.0 - self.beta)

    def init(self, x: FloatArray) -> MomentumState:
        """Return the state before the first step."""
        return MomentumState(v=np.zeros_like(x))

    def update(
        self, g: FloatArray, state: MomentumState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, MomentumState]:
        """Return the parameters and the state after one step with gradient `g`."""
        if self.form == "lr-inside":
            v = self.beta * state.v - lr * g
            return x + v, MomentumState(v=v)
        share = 1.0 - self.beta if self.form == "ema" else 1.0
        v = self.beta * state.v + share * g
        return x - lr * v, MomentumState(v=v)
