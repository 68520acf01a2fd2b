"""The optimizers known by name: one frozen record each."""

from dataclasses import dataclass, field
from typing import Any

from rightrate import _check

__all__ = ["CATALOGUE", "OptimizerInfo", "named", "names"]


@dataclass(frozen=True, kw_only=True)
class OptimizerInfo:
    """What is known about one optimizer.

    Args:
        name: The name users write.
        torch_class: The class in `torch.optim`.
        default_lr: The learning rate torch uses when none is given.
        search_range: The learning rates a search starts with, (lowest, highest).
        stackable: Whether its step is linear in the learning rate and acts element by element, so that one
            call can serve many members. Confirmed by a probe at run time, never trusted.
        summary: One line for people.
        options: Arguments of the class that the name implies.
        own_decay: The power of the number of steps with which its own steps shrink.
    """

    name: str
    torch_class: str
    default_lr: float
    search_range: tuple[float, float]
    stackable: bool
    summary: str
    options: dict[str, Any] = field(default_factory=dict)
    own_decay: float = 0.0


_SGD_RANGE = (1e-5, 10.0)
_ADAM_RANGE = (1e-6, 1.0)

CATALOGUE: dict[str, OptimizerInfo] = {
    info.name: info
    for info in (
        OptimizerInfo(
            name="sgd",
            torch_class="SGD",
            default_lr=1e-3,
            search_range=_SGD_RANGE,
            stackable=True,
            summary="Gradient descent on mini-batches; momentum only if it is asked for.",
        ),
        OptimizerInfo(
            name="momentum",
            torch_class="SGD",
            default_lr=1e-3,
            search_range=_SGD_RANGE,
            stackable=True,
            summary="SGD with heavy-ball momentum 0.9.",
            options={"momentum": 0.9},
        ),
        OptimizerInfo(
            name="nesterov",
            torch_class="SGD",
            default_lr=1e-3,
            search_range=_SGD_RANGE,
            stackable=True,
            summary="SGD with Nesterov momentum 0.9.",
            options={"momentum": 0.9, "nesterov": True},
        ),
        OptimizerInfo(
            name="adagrad",
            torch_class="Adagrad",
            default_lr=1e-2,
            search_range=(1e-5, 10.0),
            stackable=True,
            summary="Divides by the root of the sum of all squared gradients; rates for rare features.",
            own_decay=0.5,
        ),
        OptimizerInfo(
            name="rmsprop",
            torch_class="RMSprop",
            default_lr=1e-2,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Divides by a running root mean square of the gradient.",
        ),
        OptimizerInfo(
            name="adadelta",
            torch_class="Adadelta",
            default_lr=1.0,
            search_range=(1e-4, 1e3),
            stackable=True,
            summary="RMSprop with the unit restored from past updates; the rate only scales it.",
        ),
        OptimizerInfo(
            name="adam",
            torch_class="Adam",
            default_lr=1e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Momentum and running squares, both bias-corrected.",
        ),
        OptimizerInfo(
            name="adamw",
            torch_class="AdamW",
            default_lr=1e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with decoupled weight decay (0.01).",
        ),
        OptimizerInfo(
            name="nadam",
            torch_class="NAdam",
            default_lr=2e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with Nesterov momentum.",
        ),
        OptimizerInfo(
            name="radam",
            torch_class="RAdam",
            default_lr=1e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with a rectified, self-made warm-up.",
        ),
        OptimizerInfo(
            name="adamax",
            torch_class="Adamax",
            default_lr=2e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with the infinity norm in place of the root mean square.",
        ),
    )
}


def names() -> tuple[str, ...]:
    """Return the names of the catalogue, in the order they are listed to people."""
    return tuple(CATALOGUE)


def named(name: str) -> OptimizerInfo:
    """Return the record of a name.

    Raises:
        ConfigError: If the catalogue has no such name.

    Example:
        >>> named("momentum").options
        {'momentum': 0.9}
    """
    advice = "Any torch.optim.Optimizer class or factory works too."
    return CATALOGUE[_check.choice("find(optimizer=...)", name, CATALOGUE, advice=advice)]
