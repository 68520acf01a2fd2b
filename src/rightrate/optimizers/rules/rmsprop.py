"""RMSProp."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["RMSProp", "RMSPropState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class RMSPropState:
    """The running mean `v` of squared gradients, of the shape of the parameters."""

    v: FloatArray


@dataclass(frozen=True, kw_only=True)
class RMSProp:
    """Divides by a running root mean square of the gradient: Hinton, Coursera lecture 6e (2012).

    `v = rho * v + (1 - rho) * g^2`, then `x' = x - lr * g / (sqrt(v) + eps)`, or with `eps_place="inside"`
    `x' = x - lr * g / sqrt(v + eps)`.

    | | rho | eps | where | default lr |
    |---|---|---|---|---|
    | torch | 0.99 (`alpha`) | 1e-8 | outside the root | 0.01 |
    | Keras | 0.9 | 1e-7 | inside | 0.001 |
    | optax | 0.9 (`decay`) | 1e-8 | inside; outside with `eps_in_sqrt=False` | none |

    An eps inside acts as its root does outside: 1e-7 inside stops steps from growing below gradients of about
    3e-4, 1e-8 outside below 1e-8. `v` starts at 0 and is not corrected, so the first step is
    `1 / sqrt(1 - rho)` times as large as later ones. None of the three adds momentum or centres unless asked.

    Args:
        rho: How much of the mean is kept, in [0, 1).
        eps: Keeps the division finite, >= 0. With 0, a parameter without a gradient so far becomes NaN.
        eps_place: `"outside"` or `"inside"` the root.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = RMSProp(rho=0.75, eps=1.0), np.array([1.0])
        >>> float(rule.update(np.array([6.0]), rule.init(x), x, 0.1)[0][0])
        0.85
    """

    rho: float = 0.9
    eps: float = 1e-8
    eps_place: Literal["outside", "inside"] = "outside"

    def __post_init__(self) -> None:
        _check.keep(self, rho=below_one("RMSProp(rho=...)", self.rho))
        _check.keep(self, eps=_check.number("RMSProp(eps=...)", self.eps, low=0.0))
        _check.choice("RMSProp(eps_place=...)", self.eps_place, ("outside", "inside"))

    def init(self, x: FloatArray) -> RMSPropState:
        """Return the state before the first step."""
        return RMSPropState(v=np.zeros_like(x))

    def update(
        self, g: FloatArray, state: RMSPropState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, RMSPropState]:
        """Return the parameters and the state after one step with gradient `g`."""
        v = self.rho * state.v + (1.0 - self.rho) * g**2
        root = np.sqrt(v + self.eps) if self.eps_place == "inside" else np.sqrt(v) + self.eps
        return x - lr * g / root, RMSPropState(v=v)
