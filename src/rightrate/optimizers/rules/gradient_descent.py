"""Gradient descent."""

from dataclasses import dataclass

from rightrate.schedules import FloatArray

__all__ = ["GradientDescent", "GradientDescentState"]


@dataclass(frozen=True, kw_only=True)
class GradientDescentState:
    """Gradient descent remembers nothing."""


@dataclass(frozen=True, kw_only=True)
class GradientDescent:
    """A step against the gradient: Cauchy (1847).

    `x' = x - lr * g`

    On a convex quadratic whose largest curvature is `L` it converges for every lr in (0, 2 / L). `SGD` of
    torch and of Keras and `optax.sgd` are the same without momentum; the default lr is 1e-3 in torch, 1e-2 in
    Keras, none in optax.

    Example:
        >>> import numpy as np
        >>> rule, x = GradientDescent(), np.array([1.0, -2.0])
        >>> rule.update(np.array([10.0, 0.0]), rule.init(x), x, 0.05)[0]
        array([ 0.5, -2. ])
    """

    def init(self, x: FloatArray) -> GradientDescentState:
        """Return the state before the first step."""
        return GradientDescentState()

    def update(
        self, g: FloatArray, state: GradientDescentState, x: FloatArray, lr: float
    ) -> tuple[FloatArray, GradientDescentState]:
        """Return the parameters and the state after one step with gradient `g`."""
        return x - lr * g, state
