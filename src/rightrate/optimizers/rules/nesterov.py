"""Nesterov's accelerated gradient."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["Nesterov", "NesterovState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class NesterovState:
    """The velocity `v`, of the shape of the parameters."""

    v: FloatArray


@dataclass(frozen=True, kw_only=True)
class Nesterov:
    """Momentum whose gradient is taken where the velocity leads: Nesterov (1983).

    | form | velocity | step | who |
    |---|---|---|---|
    | `"heavy-ball"` | `v = beta * v + g` | `x' = x - lr * (g + beta * v)` | torch `SGD`, `optax.sgd` |
    | `"lr-inside"` | `v = beta * v - lr * g` | `x' = x + beta * v - lr * g` | Keras `SGD` |

    The two agree while the rate stays the same; see `Momentum`. All of these move the point that is looked
    ahead to, `x = theta + beta * v` of Sutskever et al. (2013), equations 3 and 4, so that the gradient is
    needed at `x` alone: Bengio et al. (2013). The `theta` of the paper is `x - beta * v`.

    Args:
        beta: How much of the velocity is kept, in [0, 1); 0 is gradient descent.
        form: `"heavy-ball"` or `"lr-inside"`.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = Nesterov(beta=0.9), np.array([1.0])
        >>> x, state = rule.update(np.array([1.0]), rule.init(x), x, 0.1)
        >>> round(float(x[0]), 12), float(state.v[0])
        (0.81, 1.0)
    """

    beta: float = 0.9
    form: Literal["heavy-ball", "lr-inside"] = "heavy-ball"

    def __post_init__(self) -> None:
        _check.keep(self, beta=below_one("Nesterov(beta=...)", self.beta))
        _check.choice("Nesterov(form=...)", self.form, ("heavy-ball", "lr-inside"))

    def init(self, x: FloatArray) -> NesterovState:
        """Return the state before the first step."""
        return NesterovState(v=np.zeros_like(x))

    def update(
        self, g: FloatArray, state: NesterovState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, NesterovState]:
        """Return the parameters and the state after one step with gradient `g`."""
        if self.form == "lr-inside":
            v = self.beta * state.v - lr * g
            return x + self.beta * v - lr * g, NesterovState(v=v)
        v = self.beta * state.v + g
        return x - lr * (g + self.beta * v), NesterovState(v=v)
