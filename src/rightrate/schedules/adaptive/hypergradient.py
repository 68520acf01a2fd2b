"""Hypergradient descent: gradient descent on the learning rate itself."""

import math
from dataclasses import dataclass
from typing import TypedDict

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.adaptive.control import reading

__all__ = ["Hypergradient", "HypergradientState"]


class HypergradientState(TypedDict):
    """What `Hypergradient` remembers.

    Attributes:
        lr: The learning rate.
    """

    lr: float


@dataclass(frozen=True, kw_only=True)
class Hypergradient:
    """Raise the rate while successive gradients point the same way, lower it where they oppose each other.

    `lr(t) = lr(t - 1) + rate * g(t) . g(t - 1)`, with `g(t)` the gradient of the loss before update `t`.
    After `theta(t) = theta(t - 1) - lr * g(t - 1)` the derivative of the loss by `lr` is `-g(t) . g(t - 1)`,
    so this is one step of gradient descent on the learning rate: Baydin, Cornish, Martinez Rubio, Schmidt and
    Wood, Online Learning Rate Adaptation with Hypergradient Descent (2018), the additive rule for SGD.

    The observation is the dot product of the gradient and the one before it, over all parameters; the first
    gradient of a run has none before it and is not observed. It holds for plain gradient descent only: with
    momentum or Adam the derivative is another. A product that is NaN or infinite, or carries the rate
    beyond every number, leaves the rate as it was. torch, Keras and optax have none.

    The unit of `rate` is that of the squared rate divided by the loss: a good value depends on the
    loss, and has no default; the paper's are between 1e-6 and 1e-1.

    Args:
        rate: The learning rate of the learning rate, > 0.
        lowest: The learning rate that is not gone below, >= 0.
        highest: The learning rate that is not gone above, > 0 and >= lowest, or None for no such limit.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> control = Hypergradient(rate=0.01)
        >>> lr, state = control.update(control.init(0.1), 2.0)
        >>> round(lr, 12)
        0.12
        >>> round(control.update(state, -7.0)[0], 12)
        0.05
    """

    rate: float
    lowest: float = 0.0
    highest: float | None = None

    def __post_init__(self) -> None:
        _fields.number(self, "rate", above=0.0)
        _fields.number(self, "lowest", low=0.0)
        if self.highest is None:
            return
        _fields.number(self, "highest", above=0.0)
        if self.highest < self.lowest:
            allowed = f"at least lowest={self.lowest!r}"
            raise ConfigError(describe(_fields.where(self, "highest"), allowed, self.highest))

    def init(self, lr: float) -> HypergradientState:
        """Return the state before the first observation.

        Raises:
            ConfigError: If `lr` is not a finite number > 0.
        """
        return {"lr": _check.number("Hypergradient.init(lr)", lr, above=0.0)}

    def update(self, state: HypergradientState, observation: float) -> tuple[float, HypergradientState]:
        """Return the rate after one more dot product of successive gradients, and the next state.

        Raises:
            ConfigError: If the observation is not one number.
        """
        product = reading("Hypergradient.update(observation)", observation)
        moved = state["lr"] + self.rate * product
        if not math.isfinite(moved):
            return state["lr"], {"lr": state["lr"]}
        lr = max(moved, self.lowest)
        if self.highest is not None:
            lr = min(lr, self.highest)
        return lr, {"lr": lr}
