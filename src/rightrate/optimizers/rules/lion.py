"""Lion."""

from dataclasses import dataclass

import numpy as np

from rightrate import _check
from rightrate.optimizers.rules.rule import below_one
from rightrate.schedules import FloatArray

__all__ = ["Lion", "LionState"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LionState:
    """The running mean `m` of the gradient, of the shape of the parameters."""

    m: FloatArray


@dataclass(frozen=True, kw_only=True)
class Lion:
    """The sign of momentum: Chen et al. (2023), algorithm 2.

    `x' = (1 - lr * weight_decay) * x - lr * sign(beta1 * m + (1 - beta1) * g)`, then
    `m = beta2 * m + (1 - beta2) * g`: the step looks at another mean than the one that is kept. The sign of 0
    is 0, so a parameter that never had a gradient stays where it is.

    Every step is `lr` long in every parameter, so that lr is 3 to 10 times smaller than for AdamW, says the
    paper. Keras (lr 0.001, no decay) and optax (no lr, decay 0.001) compute the same; torch has none.

    Args:
        beta1: How much of the mean is in the step, in [0, 1).
        beta2: How much of the mean is kept, in [0, 1).
        weight_decay: The fraction of the parameters lost per step is `lr` times this; >= 0.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> rule, x = Lion(), np.array([1.0, 1.0, 1.0])
        >>> rule.update(np.array([1e9, -1e-9, 0.0]), rule.init(x), x, 0.25)[0]
        array([0.75, 1.25, 1.  ])
    """

    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check.keep(self, beta1=below_one("Lion(beta1=...)", self.beta1))
        _check.keep(self, beta2=below_one("Lion(beta2=...)", self.beta2))
        _check.keep(self, weight_decay=_check.number("Lion(weight_decay=...)", self.weight_decay, low=0.0))

    def init(self, x: FloatArray) -> LionState:
        """Return the state before the first step."""
        return LionState(m=np.zeros_like(x))

    def update(
        self, g: FloatArray, state: LionState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, LionState]:
        """Return the parameters and the state after one step with gradient `g`."""
        direction = np.sign(self.beta1 * state.m + (1.0 - self.beta1) * g)
        m = self.beta2 * state.m + (1.0 - self.beta2) * g
        return (1.0 - lr * self.weight_decay) * x - lr * direction, LionState(m=m)
