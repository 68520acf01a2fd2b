"""Adamax."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["Adamax", "AdamaxState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AdamaxState:
    """The running mean `m` of the gradient, its decaying maximum `u`; the steps `t` taken so far."""

    m: FloatArray
    u: FloatArray
    t: int


@dataclass(frozen=True, kw_only=True)
class Adamax:
    """Adam with a decaying maximum in place of the root mean square: Kingma and Ba (2015), algorithm 2.

    `m = beta1 * m + (1 - beta1) * g`, then

    | eps_place | maximum | step | who |
    |---|---|---|---|
    | `"maximum"` | `u = max(beta2 * u, abs(g) + eps)` | `lr / (1 - beta1^t) * m / u` | torch, optax |
    | `"denominator"` | `u = max(beta2 * u, abs(g))` | `lr / (1 - beta1^t) * m / (u + eps)` | Keras |

    The paper has no eps. The default lr is 2e-3 in the paper and torch, 1e-3 in Keras, none in optax; eps is
    1e-8 in torch and optax, 1e-7 in Keras.

    Args:
        beta1: How much of the mean gradient is kept, in [0, 1).
        beta2: How much of the maximum is kept, in [0, 1).
        eps: Keeps the division finite, >= 0. With 0, a parameter without a gradient so far becomes NaN.
        eps_place: `"maximum"` or `"denominator"`.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = Adamax(), np.array([1.0])
        >>> round(float(rule.update(np.array([-5.0]), rule.init(x), x, 0.5)[0][0]), 6)
        1.5
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    eps_place: Literal["maximum", "denominator"] = "maximum"

    def __post_init__(self) -> None:
        _check.keep(self, beta1=below_one("Adamax(beta1=...)", self.beta1))
        _check.keep(self, beta2=below_one("Adamax(beta2=...)", self.beta2))
        _check.keep(self, eps=_check.number("Adamax(eps=...)", self.eps, low=0.0))
        _check.choice("Adamax(eps_place=...)", self.eps_place, ("maximum", "denominator"))

    def init(self, x: FloatArray) -> AdamaxState:
        """Return the state before the first step."""
        return AdamaxState(m=np.zeros_like(x), u=np.zeros_like(x), t=0)

    def update(
        self, g: FloatArray, state: AdamaxState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, AdamaxState]:
        """Return the parameters and the state after one step with gradient `g`."""
        t = state.t + 1
        m = self.beta1 * state.m + (1.0 - self.beta1) * g
        inside, beside = (self.eps, 0.0) if self.eps_place == "maximum" else (0.0, self.eps)
        u = np.maximum(self.beta2 * state.u, np.abs(g) + inside)
        step = lr / (1.0 - self.beta1**t) * m / (u + beside)
        return x - step, AdamaxState(m=m, u=u, t=t)
