"""AdamW."""

from dataclasses import dataclass, field

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.optimizers.rules.adam import Adam, AdamState
from rightrate.schedules import FloatArray

__all__ = ["AdamW"]


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Adam with weight decay beside the gradient, not in it: Loshchilov and Hutter (2019), algorithm 2.

    `x' = (1 - lr * weight_decay) * x - adam`, where `adam` is Adam's step from `g` alone.

    In torch, Keras and optax the decay is multiplied by lr, as here. In the paper it is not: its `lambda` is
    `alpha * weight_decay`, with `alpha` the rate before the schedule, which multiplies both. By default it is
    0.01 in torch, 0.004 in Keras, 1e-4 in optax.

    Args:
        weight_decay: The fraction of the parameters lost per step is `lr` times this; >= 0.
        adam: The settings of Adam; `Adam(eps=1e-7, form="eps-hat")` is Keras.

    Raises:
        ConfigError: If a setting is outside its domain.

    Example:
        >>> import numpy as np
        >>> rule, x = AdamW(weight_decay=0.5), np.array([2.0])
        >>> round(float(rule.update(np.array([7.0]), rule.init(x), x, 0.1)[0][0]), 6)
        1.8
    """

    weight_decay: float = 0.01
    adam: Adam = field(default_factory=Adam)

    def __post_init__(self) -> None:
        _check.keep(self, weight_decay=_check.number("AdamW(weight_decay=...)", self.weight_decay, low=0.0))
        given: object = self.adam
        if not isinstance(given, Adam):
            raise ConfigError(describe("AdamW(adam=...)", "an Adam", given, "Write Adam(beta1=...)."))

    def init(self, x: FloatArray) -> AdamState:
        """Return the state before the first step."""
        return self.adam.init(x)

    def update(
        self, g: FloatArray, state: AdamState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, AdamState]:
        """Return the parameters and the state after one step with gradient `g`."""
        return self.adam.update(g, state, (1.0 - lr * self.weight_decay) * x, lr)
