"""The losses of scikit-learn's linear models trained by stochastic gradient descent, in torch."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["classification_loss", "regression_loss"]

_MARGIN: dict[str, Callable[[Tensor], Tensor]] = {
    "hinge": lambda margin: (1 - margin).clamp(min=0),
    "squared_hinge": lambda margin: (1 - margin).clamp(min=0) ** 2,
    "perceptron": lambda margin: (-margin).clamp(min=0),
    "log_loss": lambda margin: functional.softplus(-margin),
    "modified_huber": lambda margin: torch.where(margin >= -1, (1 - margin).clamp(min=0) ** 2, -4 * margin),
}
"""Loss of `y f` with y = 1 or -1: Zhang (2004), and scikit-learn's user guide, 1.5.8."""


def classification_loss(name: str, classes: int, epsilon: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Return `f(outputs, targets) -> mean loss`, the sum over one-against-all problems where there are many.

    Args:
        name: What `SGDClassifier(loss=...)` is called.
        classes: How many there are.
        epsilon: Of the losses that have one.
    """

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        classes_ = torch.arange(classes) if classes > 2 else torch.ones(1, dtype=torch.int64)
        signs = 2.0 * (targets[:, None] == classes_).to(outputs.dtype) - 1
        if name in _MARGIN:
            return _MARGIN[name](signs * outputs).sum(dim=1).mean()
        return _residual(name, signs - outputs, epsilon).sum(dim=1).mean()

    return loss


def regression_loss(name: str, epsilon: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Return `f(outputs, targets) -> mean loss` of `SGDRegressor(loss=...)`."""

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return _residual(name, targets - outputs, epsilon).mean()

    return loss


def _residual(name: str, residual: Tensor, epsilon: float) -> Tensor:
    size = residual.abs()
    if name == "huber":
        return torch.where(size <= epsilon, residual**2 / 2, epsilon * size - epsilon**2 / 2)
    if name == "squared_error":
        return residual**2 / 2
    beyond = (size - epsilon).clamp(min=0)
    return beyond if name == "epsilon_insensitive" else beyond**2
