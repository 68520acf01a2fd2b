"""Adadelta."""

from dataclasses import dataclass

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["Adadelta", "AdadeltaState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AdadeltaState:
    """The running means of squared gradients, `v`, and of squared steps, `u`."""

    v: FloatArray
    u: FloatArray


@dataclass(frozen=True, kw_only=True)
class Adadelta:
    """RMSProp whose steps have the unit of the parameters: Zeiler (2012), algorithm 1.

    `v = rho * v + (1 - rho) * g^2`, `d = g * sqrt(u + eps) / sqrt(v + eps)`, `u = rho * u + (1 - rho) * d^2`,
    then `x' = x - lr * d`. The paper has no lr, which is `lr=1`.

    All three frameworks compute the same; their defaults differ a thousandfold:

    | | lr | rho | eps |
    |---|---|---|---|
    | paper | 1 | 0.95 | 1e-6 |
    | torch | 1 | 0.9 | 1e-6 |
    | Keras | 0.001 | 0.95 | 1e-7 |
    | optax | none | 0.9 | 1e-6 |

    In optax the rate can be left out, but then the steps go up the gradient: give it 1.

    Args:
        rho: How much of the means is kept, in [0, 1).
        eps: Starts the steps, >= 0: the first one is about `lr * sqrt(eps / (1 - rho))`; with 0, no step but
            NaN where there is no gradient.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = Adadelta(rho=0.75, eps=1.0), np.array([1.0])
        >>> x, state = rule.update(np.array([2.0]), rule.init(x), x, 1.0)
        >>> round(float(x[0]), 12), round(float(state.u[0]), 12)
        (-0.414213562373, 0.5)
    """

    rho: float = 0.9
    eps: float = 1e-6

    def __post_init__(self) -> None:
        _check.keep(self, rho=below_one("Adadelta(rho=...)", self.rho))
        _check.keep(self, eps=_check.number("Adadelta(eps=...)", self.eps, low=0.0))

    def init(self, x: FloatArray) -> AdadeltaState:
        """Return the state before the first step."""
        return AdadeltaState(v=np.zeros_like(x), u=np.zeros_like(x))

    def update(
        self, g: FloatArray, state: AdadeltaState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, AdadeltaState]:
        """Return the parameters and the state after one step with gradient `g`."""
        v = self.rho * state.v + (1.0 - self.rho) * g**2
        d = g * np.sqrt(state.u + self.eps) / np.sqrt(v + self.eps)
        u = self.rho * state.u + (1.0 - self.rho) * d**2
        return x - lr * d, AdadeltaState(v=v, u=u)
