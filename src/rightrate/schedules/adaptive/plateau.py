"""Reduce the rate where a metric no longer improves."""

import math
from dataclasses import dataclass
from typing import Literal, TypedDict

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import _fields
from rightrate.schedules.adaptive.control import reading

__all__ = ["PlateauState", "ReduceOnPlateau"]


class PlateauState(TypedDict):
    """What `ReduceOnPlateau` remembers.

    Attributes:
        lr: The learning rate.
        best: The best finite value so far, or None before the first.
        waited: How many observations in a row have not improved on it.
        cooling: How many observations are left in which waiting does not count.
    """

    lr: float
    best: float | None
    waited: int
    cooling: int


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau:
    """Multiply the rate by `factor` after more than `patience` observations without improvement.

    Observe a validation loss or metric once an epoch, or at equal distances.

    For "min", a value `v` improves on the best so far, `b`, where `v < b - threshold * |b|` ("relative") or
    `v < b - threshold` ("absolute"); for "max" the signs are turned. NaN and both infinities never improve,
    are never the best, and count as one more observation without improvement. The first finite value always
    improves.

    The defaults are those of torch's `ReduceLROnPlateau`, whose decisions are the same for metrics above 0.
    Below 0 torch's relative threshold has the wrong sign: with a best of -1 it takes -0.99995 for an
    improvement, so that a loss which slowly rises is never seen. torch leaves a rate alone that would change
    by no more than `eps=1e-8`, which freezes rates below that; here there is no such limit. optax's
    `reduce_on_plateau` has torch's defaults and its wrong sign, and reduces one observation earlier: after
    `patience` without improvement, not after more than `patience`.

    Args:
        direction: "min" where smaller is better, "max" where larger is.
        factor: What the rate is multiplied by, in (0, 1).
        patience: How many observations without improvement are borne, >= 0.
        threshold: How much better a value must be, >= 0.
        threshold_kind: "relative" to the best value, or "absolute".
        cooldown: How many observations after a reduction do not count, >= 0.
        lowest: The learning rate that is not gone below, >= 0; a rate that starts below it is left alone.

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> control = ReduceOnPlateau(patience=1)
        >>> state = control.init(0.1)
        >>> rates = []
        >>> for loss in (1.0, 0.5, 0.5, 0.6, 0.4):
        ...     lr, state = control.update(state, loss)
        ...     rates.append(round(lr, 12))
        >>> rates
        [0.1, 0.1, 0.1, 0.01, 0.01]
    """

    direction: Literal["min", "max"] = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_kind: Literal["relative", "absolute"] = "relative"
    cooldown: int = 0
    lowest: float = 0.0

    def __post_init__(self) -> None:
        _fields.choice(self, "direction", ("min", "max"))
        _fields.number(self, "factor", above=0.0, high=1.0)
        if self.factor == 1.0:
            raise ConfigError(describe(_fields.where(self, "factor"), "less than 1", self.factor))
        _fields.integer(self, "patience", low=0)
        _fields.number(self, "threshold", low=0.0)
        _fields.choice(self, "threshold_kind", ("relative", "absolute"))
        _fields.integer(self, "cooldown", low=0)
        _fields.number(self, "lowest", low=0.0)

    def init(self, lr: float) -> PlateauState:
        """Return the state before the first observation.

        Raises:
            ConfigError: If `lr` is not a finite number > 0.
        """
        start = _check.number("ReduceOnPlateau.init(lr)", lr, above=0.0)
        return {"lr": start, "best": None, "waited": 0, "cooling": 0}

    def update(self, state: PlateauState, observation: float) -> tuple[float, PlateauState]:
        """Return the rate after one more value of the metric, and the next state.

        Raises:
            ConfigError: If the observation is not one number.
        """
        value = reading("ReduceOnPlateau.update(observation)", observation)
        improves = self._improves(value, state["best"])
        waited = 0 if improves or state["cooling"] > 0 else state["waited"] + 1
        cooling = max(state["cooling"] - 1, 0)
        lr = state["lr"]
        if waited > self.patience:
            lr = min(lr, max(lr * self.factor, self.lowest))
            waited, cooling = 0, self.cooldown
        best = value if improves else state["best"]
        return lr, {"lr": lr, "best": best, "waited": waited, "cooling": cooling}

    def _improves(self, value: float, best: float | None) -> bool:
        if not math.isfinite(value):
            return False
        if best is None:
            return True
        margin = self.threshold * abs(best) if self.threshold_kind == "relative" else self.threshold
        return value < best - margin if self.direction == "min" else value > best + margin
