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
        formula: One step in torch, in the symbols of `rightrate.optimizers.rules`: assignments one after the
            other, where `t` counts the steps from 1 and every other state starts at 0 (`P` at 1).
        state_floats: Memory: how many numbers are kept for each parameter, besides it and its gradient.
        own_decay: The power of the number of steps with which its own steps shrink.
    """

    name: str
    torch_class: str
    default_lr: float
    search_range: tuple[float, float]
    stackable: bool
    summary: str
    formula: str
    state_floats: int
    options: dict[str, Any] = field(default_factory=dict)
    own_decay: float = 0.0


_ADVICE = "Any other class works too, itself or its path, such as pytorch_optimizer.Lion; so does a factory."
_SGD_RANGE = (1e-5, 10.0)
_ADAM_RANGE = (1e-6, 1.0)

_MEANS = "m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2; "
_ADAM = (
    _MEANS + "m_hat = m / (1 - beta1^t); v_hat = v / (1 - beta2^t); x = x - lr * m_hat / (sqrt(v_hat) + eps)"
)

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
            formula="x = x - lr * g",
            state_floats=0,
        ),
        OptimizerInfo(
            name="momentum",
            torch_class="SGD",
            default_lr=1e-3,
            search_range=_SGD_RANGE,
            stackable=True,
            summary="SGD with heavy-ball momentum 0.9.",
            formula="v = beta * v + g; x = x - lr * v",
            state_floats=1,
            options={"momentum": 0.9},
        ),
        OptimizerInfo(
            name="nesterov",
            torch_class="SGD",
            default_lr=1e-3,
            search_range=_SGD_RANGE,
            stackable=True,
            summary="SGD with Nesterov momentum 0.9.",
            formula="v = beta * v + g; x = x - lr * (g + beta * v)",
            state_floats=1,
            options={"momentum": 0.9, "nesterov": True},
        ),
        OptimizerInfo(
            name="adagrad",
            torch_class="Adagrad",
            default_lr=1e-2,
            search_range=(1e-5, 10.0),
            stackable=True,
            summary="Divides by the root of the sum of all squared gradients; rates for rare features.",
            formula="G = G + g^2; x = x - lr * g / (sqrt(G) + eps)",
            state_floats=1,
            own_decay=0.5,
        ),
        OptimizerInfo(
            name="rmsprop",
            torch_class="RMSprop",
            default_lr=1e-2,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Divides by a running root mean square of the gradient.",
            formula="v = rho * v + (1 - rho) * g^2; x = x - lr * g / (sqrt(v) + eps)",
            state_floats=1,
        ),
        OptimizerInfo(
            name="adadelta",
            torch_class="Adadelta",
            default_lr=1.0,
            search_range=(1e-4, 1e3),
            stackable=True,
            summary="RMSprop with the unit restored from past updates; the rate only scales it.",
            formula=(
                "v = rho * v + (1 - rho) * g^2; d = g * sqrt(u + eps) / sqrt(v + eps); "
                "u = rho * u + (1 - rho) * d^2; x = x - lr * d"
            ),
            state_floats=2,
        ),
        OptimizerInfo(
            name="adam",
            torch_class="Adam",
            default_lr=1e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Momentum and running squares, both bias-corrected.",
            formula=_ADAM,
            state_floats=2,
        ),
        OptimizerInfo(
            name="adamw",
            torch_class="AdamW",
            default_lr=1e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with decoupled weight decay (0.01).",
            formula="x = (1 - lr * weight_decay) * x; " + _ADAM,
            state_floats=2,
        ),
        OptimizerInfo(
            name="nadam",
            torch_class="NAdam",
            default_lr=2e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with Nesterov momentum.",
            formula=(
                "mu = beta1 * (1 - 0.5 * 0.96^(t * psi)); P = P * mu; "
                + "mu_next = beta1 * (1 - 0.5 * 0.96^((t + 1) * psi)); "
                + _MEANS
                + "m_hat = mu_next * m / (1 - P * mu_next) + (1 - mu) * g / (1 - P); "
                + "v_hat = v / (1 - beta2^t); x = x - lr * m_hat / (sqrt(v_hat) + eps)"
            ),
            state_floats=2,
        ),
        OptimizerInfo(
            name="radam",
            torch_class="RAdam",
            default_lr=1e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with a rectified, self-made warm-up.",
            formula=(
                "rho_inf = 2 / (1 - beta2) - 1; rho = rho_inf - 2 * t * beta2^t / (1 - beta2^t); "
                + "r2 = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho); "
                + _MEANS
                + "m_hat = m / (1 - beta1^t); "
                + "x = x - lr * m_hat * (sqrt(r2 * (1 - beta2^t)) / (sqrt(v) + eps) if rho > 5 else 1)"
            ),
            state_floats=2,
        ),
        OptimizerInfo(
            name="adamax",
            torch_class="Adamax",
            default_lr=2e-3,
            search_range=_ADAM_RANGE,
            stackable=True,
            summary="Adam with the infinity norm in place of the root mean square.",
            formula=(
                "m = beta1 * m + (1 - beta1) * g; u = max(beta2 * u, abs(g) + eps); "
                "x = x - lr / (1 - beta1^t) * m / u"
            ),
            state_floats=2,
        ),
    )
}


def names() -> tuple[str, ...]:
    """Return the names of the catalogue, in the order they are listed to people."""
    return tuple(CATALOGUE)


def named(name: str, *, where: str = "find(optimizer=...)", advice: str = _ADVICE) -> OptimizerInfo:
    """Return the record of a name.

    Args:
        name: A name of the catalogue.
        where: The argument that a message names.
        advice: What else a message says.

    Raises:
        ConfigError: If the catalogue has no such name.

    Example:
        >>> named("momentum").options
        {'momentum': 0.9}
    """
    return CATALOGUE[_check.choice(where, name, CATALOGUE, advice=advice)]
