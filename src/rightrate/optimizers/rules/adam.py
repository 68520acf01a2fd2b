"""Adam, bias-corrected and not."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["Adam", "AdamState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AdamState:
    """The running means of the gradient, `m`, and of its square, `v`; the steps `t` taken so far."""

    m: FloatArray
    v: FloatArray
    t: int


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Momentum over the running root mean square: Kingma and Ba (2015), algorithm 1.

    `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g^2`, and with `t` counted from 1

    `m^ = m / (1 - beta1^t)`, `v^ = v / (1 - beta2^t)`:

    | form | step | who |
    |---|---|---|
    | `"corrected"` | `lr * m^ / (sqrt(v^) + eps)` | the paper, torch, optax |
    | `"eps-hat"` | `lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)` | Keras; paper, section 2 |
    | `"uncorrected"` | `lr * m / (sqrt(v) + eps)` | some tutorials |

    The second is the first with an eps that is larger by `1 / sqrt(1 - beta2^t)`, 32 times at the first step.
    The third starts differently: where the gradient stays the same its steps are
    `(1 - beta1^t) / sqrt(1 - beta2^t)` times as large as they should be, with the defaults 3.2 times at the
    first, 6.6 times at the 12th, and still 1.3 times at the 1,000th.

    eps is 1e-8 in the paper, torch and optax, 1e-7 in Keras; lr is 1e-3 in torch and Keras, none in optax.

    Args:
        beta1: How much of the mean gradient is kept, in [0, 1).
        beta2: How much of the mean square is kept, in [0, 1).
        eps: Keeps the division finite, >= 0. With 0, a parameter without a gradient so far becomes NaN.
        form: `"corrected"`, `"eps-hat"` or `"uncorrected"`.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = Adam(eps=0.0), np.array([1.0])
        >>> round(float(rule.update(np.array([123.0]), rule.init(x), x, 0.001)[0][0]), 12)
        0.999
        >>> rule = Adam(eps=0.0, form="uncorrected")
        >>> round(float(rule.update(np.array([123.0]), rule.init(x), x, 0.001)[0][0]), 6)
        0.996838
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    form: Literal["corrected", "eps-hat", "uncorrected"] = "corrected"

    def __post_init__(self) -> None:
        _check.keep(self, beta1=below_one("Adam(beta1=...)", self.beta1))
        _check.keep(self, beta2=below_one("Adam(beta2=...)", self.beta2))
        _check.keep(self, eps=_check.number("Adam(eps=...)", self.eps, low=0.0))
        _check.choice("Adam(form=...)", self.form, ("corrected", "eps-hat", "uncorrected"))

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
        unbias_m, unbias_v = 1.0 - self.beta1**t, 1.0 - self.beta2**t
        if self.form == "corrected":
            step = lr * (m / unbias_m) / (np.sqrt(v / unbias_v) + self.eps)
        elif self.form == "eps-hat":
            step = lr * np.sqrt(unbias_v) / unbias_m * m / (np.sqrt(v) + self.eps)
        else:
            step = lr * m / (np.sqrt(v) + self.eps)
        return x - step, AdamState(m=m, v=v, t=t)
