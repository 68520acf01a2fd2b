"""Adagrad."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rightrate import _check
from rightrate.schedules import FloatArray

__all__ = ["Adagrad", "AdagradState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AdagradState:
    """The sum `G` of all squared gradients, of the shape of the parameters."""

    G: FloatArray


@dataclass(frozen=True, kw_only=True)
class Adagrad:
    """A rate of its own for every parameter, which only falls: Duchi, Hazan and Singer (2011), figure 1.

    `G = G + g^2`, then `x' = x - lr * g / (sqrt(G) + eps)`, or with `eps_place="inside"`
    `x' = x - lr * g / sqrt(G + eps)`.

    | | eps | where | G starts at | default lr |
    |---|---|---|---|---|
    | torch | 1e-10 | outside the root | 0 | 0.01 |
    | Keras | 1e-7 | inside | 0.1 | 0.001 |
    | optax | 1e-7 | inside | 0.1 | none |

    With `G` from 0 the first step is `lr * sign(g)`, whatever the size of the gradient; from 0.1 a small
    gradient makes a small step. torch's `lr_decay` is a schedule: the rate `lr / (1 + step * lr_decay)`.

    Args:
        eps: Keeps the division finite, >= 0. With 0, a parameter without a gradient so far becomes NaN.
        eps_place: `"outside"` or `"inside"` the root.
        initial: What `G` starts at, >= 0.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = Adagrad(eps=0.0), np.array([1.0])
        >>> x, state = rule.update(np.array([3.0]), rule.init(x), x, 0.1)
        >>> x, state = rule.update(np.array([4.0]), state, x, 0.1)
        >>> round(float(x[0]), 12), float(state.G[0])
        (0.82, 25.0)
    """

    eps: float = 1e-10
    eps_place: Literal["outside", "inside"] = "outside"
    initial: float = 0.0

    def __post_init__(self) -> None:
        _check.keep(self, eps=_check.number("Adagrad(eps=...)", self.eps, low=0.0))
        _check.choice("Adagrad(eps_place=...)", self.eps_place, ("outside", "inside"))
        _check.keep(self, initial=_check.number("Adagrad(initial=...)", self.initial, low=0.0))

    def init(self, x: FloatArray) -> AdagradState:
        """Return the state before the first step."""
        return AdagradState(G=np.full_like(x, self.initial))

    def update(
        self, g: FloatArray, state: AdagradState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, AdagradState]:
        """Return the parameters and the state after one step with gradient `g`."""
        G = state.G + g**2
        root = np.sqrt(G + self.eps) if self.eps_place == "inside" else np.sqrt(G) + self.eps
        return x - lr * g / root, AdagradState(G=G)
