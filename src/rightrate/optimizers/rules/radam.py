"""RAdam."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.adam import AdamState
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["RAdam"]


@dataclass(frozen=True, kw_only=True)
class RAdam:
    """Adam that waits until its running square can be relied on: Liu et al. (2020), algorithm 2.

    `m`, `v`, `m^`, `v^` as in Adam; `rho_inf = 2 / (1 - beta2) - 1`;
    `rho = rho_inf - 2 * t * beta2^t / (1 - beta2^t)` with `t` counted from 1. While `rho <= threshold` the
    step is that of momentum alone, `lr * m^`; afterwards `lr * r * m^ / (sqrt(v^) + eps)` with
    `r^2 = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)`.

    | | threshold | eps | default lr |
    |---|---|---|---|
    | paper | 4 | none | none |
    | torch | 5 | 1e-8, on `sqrt(v)` before the correction: `"eps-hat"` | 0.001 |
    | optax | 5 | 1e-8, on `sqrt(v^)`: `"corrected"` | none |

    Keras has none. With beta2 = 0.999 the first five steps are momentum's (the first four with 4), and so
    are as large as the gradient is. At `rho == threshold` optax adapts already, torch and this do not.

    Args:
        beta1: How much of the mean gradient is kept, in [0, 1).
        beta2: How much of the mean square is kept, in (0.6, 1), so that `rho_inf` is above 4.
        eps: Keeps the division finite, >= 0.
        form: Where eps is added: `"corrected"` or `"eps-hat"`, as in Adam.
        threshold: The `rho` from which steps are adaptive, >= 4.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = RAdam(), np.array([1.0])
        >>> round(float(rule.update(np.array([5.0]), rule.init(x), x, 0.1)[0][0]), 12)
        0.5
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    form: Literal["corrected", "eps-hat"] = "corrected"
    threshold: float = 5.0

    def __post_init__(self) -> None:
        _check.keep(self, beta1=below_one("RAdam(beta1=...)", self.beta1))
        _check.keep(self, beta2=below_one("RAdam(beta2=...)", self.beta2))
        _check.number("RAdam(beta2=...)", self.beta2, above=0.6, high=1.0)
        _check.keep(self, eps=_check.number("RAdam(eps=...)", self.eps, low=0.0))
        _check.choice("RAdam(form=...)", self.form, ("corrected", "eps-hat"))
        _check.keep(self, threshold=_check.number("RAdam(threshold=...)", self.threshold, low=4.0))

    def init(self, x: FloatArray) -> AdamState:
        """Return the state before the first step."""
        return AdamState(m=np.zeros_like(x), v=np.zeros_like(x), t=0)

    def update(
        self, g: FloatArray, state: AdamState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, AdamState]:
        """Return the parameters and the state after one step with gradient `g`."""
        t = state.t + 1
        m = self.beta1 * state.m + (1.0 - self.beta1) * g
        v = self.beta2 * state.v + (1.0 - self.beta2) * g**2
        step = lr * m / (1.0 - self.beta1**t)
        r = self.rectifier(t)
        if r is not None:
            root_unbias = math.sqrt(1.0 - self.beta2**t)
            eps = self.eps / root_unbias if self.form == "eps-hat" else self.eps
            step = r * step / (np.sqrt(v) / root_unbias + eps)
        return x - step, AdamState(m=m, v=v, t=t)

    def rectifier(self, t: int) -> float | None:
        """Return `r` at step `t` >= 1; None while the step is momentum's alone."""
        power = self.beta2**t
        rho_inf = 2.0 / (1.0 - self.beta2) - 1.0
        rho = rho_inf - 2.0 * t * power / (1.0 - power)
        if rho <= self.threshold:
            return None
        square = (rho - 4.0) * (rho - 2.0) * rho_inf / ((rho_inf - 4.0) * (rho_inf - 2.0) * rho)
        return math.sqrt(square)
