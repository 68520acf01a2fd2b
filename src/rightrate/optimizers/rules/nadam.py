"""NAdam."""

from dataclasses import dataclass

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["NAdam", "NAdamState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class NAdamState:
    """The running means `m` and `v` of Adam, the product of all `mu`, the steps `t` taken so far."""

    m: FloatArray
    v: FloatArray
    product: float
    t: int


@dataclass(frozen=True, kw_only=True)
class NAdam:
    """Adam with Nesterov's look ahead: Dozat (2016), algorithm 2.

    `m` and `v` as in Adam; `mu(t) = beta1 * (1 - 0.5 * 0.96^(t * psi))`, `P(t) = mu(1) * ... * mu(t)`;
    `m^ = mu(t+1) * m / (1 - P(t+1)) + (1 - mu(t)) * g / (1 - P(t))`, `v^ = v / (1 - beta2^t)`, then
    `x' = x - lr * m^ / (sqrt(v^) + eps)`, with `t` counted from 1.

    | | psi (`momentum_decay`) | eps | default lr |
    |---|---|---|---|
    | torch, the paper's 1 / 250 | 0.004 | 1e-8 | 0.002 |
    | Keras | 1 | 1e-7 | 0.001 |
    | optax | None: `mu(t) = beta1` at every step | 1e-8 | none |

    torch keeps `P` as a tensor of its default type: in single precision, which costs 1e-9 of the first steps,
    unless `torch.set_default_dtype` was told otherwise.

    Args:
        beta1: How much of the mean gradient is kept, in [0, 1).
        beta2: How much of the mean square is kept, in [0, 1).
        eps: Keeps the division finite, >= 0. With 0, a parameter without a gradient so far becomes NaN.
        momentum_decay: How fast `mu` grows from about half of beta1 to beta1, >= 0; None is beta1 at once.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = NAdam(eps=0.0, momentum_decay=None), np.array([1.0])
        >>> round(float(rule.update(np.array([5.0]), rule.init(x), x, 0.1)[0][0]), 6)
        0.852632
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float | None = 0.004

    def __post_init__(self) -> None:
        _check.keep(self, beta1=below_one("NAdam(beta1=...)", self.beta1))
        _check.keep(self, beta2=below_one("NAdam(beta2=...)", self.beta2))
        _check.keep(self, eps=_check.number("NAdam(eps=...)", self.eps, low=0.0))
        if self.momentum_decay is not None:
            decay = _check.number("NAdam(momentum_decay=...)", self.momentum_decay, low=0.0)
            _check.keep(self, momentum_decay=decay)

    def init(self, x: FloatArray) -> NAdamState:
        """Return the state before the first step."""
        return NAdamState(m=np.zeros_like(x), v=np.zeros_like(x), product=1.0, t=0)

    def update(
        self, g: FloatArray, state: NAdamState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, NAdamState]:
        """Return the parameters and the state after one step with gradient `g`."""
        t = state.t + 1
        mu, mu_next = self._mu(t), self._mu(t + 1)
        product = state.product * mu
        m = self.beta1 * state.m + (1.0 - self.beta1) * g
        v = self.beta2 * state.v + (1.0 - self.beta2) * g**2
        m_hat = mu_next * m / (1.0 - product * mu_next) + (1.0 - mu) * g / (1.0 - product)
        v_hat = v / (1.0 - self.beta2**t)
        return x - lr * m_hat / (np.sqrt(v_hat) + self.eps), NAdamState(m=m, v=v, product=product, t=t)

    def _mu(self, t: int) -> float:
        if self.momentum_decay is None:
            return self.beta1
        return float(self.beta1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay)))
