"""Whether one step should be taken: the newest loss and gradient against those before them."""

import math
from collections import deque
from statistics import median

import torch
from torch import Tensor
from torch.optim import Optimizer

from rightrate.watch.arriving import Arriving

__all__ = ["Gate", "Level", "gradient_norm", "without_gradients"]

_SIGMAS = 12.0
_TIMES = 10.0
_TO_SIGMA = (
    1.4826  # the median absolute deviation of a normal distribution times this is its standard deviation
)


class Level:
    """What is usual of a positive number: the median and spread of its logarithm over a window.

    A number is a spike where its logarithm lies more than 12 robust standard deviations above the median, and
    it is more than ten times the usual one. Only usual numbers enter the window.

    Args:
        window: How many numbers are remembered.
        least: How many are needed before anything is called a spike.
    """

    def __init__(self, window: int = 64, least: int = 16) -> None:
        self._logs: deque[float] = deque(maxlen=window)
        self._least = least

    def times(self, value: float) -> float | None:
        """Return how many times the usual value this one is if it is a spike, else None, and remember it."""
        log = math.log(max(value, 1e-300))
        if len(self._logs) >= self._least:
            middle = median(self._logs)
            spread = _TO_SIGMA * median([abs(one - middle) for one in self._logs])
            if log - middle > max(_SIGMAS * spread, math.log(_TIMES)):
                return math.exp(min(log - middle, 700.0))
        self._logs.append(log)
        return None

    def clear(self) -> None:
        """Forget what was usual."""
        self._logs.clear()


class Gate:
    """Looks at the loss, where it is known before the step, and at the gradient."""

    def __init__(self) -> None:
        self._levels: dict[str, Level] = {}

    def reason(self, optimizer: Optimizer, pending: float | Arriving | None) -> str | None:
        """Return why a step should be skipped, or None to take it.

        Args:
            optimizer: The one that is about to step; each has its own usual gradient.
            pending: The loss of this step, if it was observed; one on a device is waited for.
        """
        if pending is not None:
            loss = pending.numbers()[0] if isinstance(pending, Arriving) else pending
            said = self._judged("loss", "loss", loss)
            if said is not None:
                return said
        norm = gradient_norm(optimizer)
        return None if norm is None else self._judged("gradient", f"gradient {id(optimizer)}", norm)

    def _judged(self, name: str, key: str, value: float) -> str | None:
        if not math.isfinite(value):
            return f"the {name} is not finite"
        if value <= 0.0:
            return None
        times = self._levels.setdefault(key, Level()).times(value)
        return None if times is None else f"the {name} is {times:.3g} times its usual size"

    def clear(self) -> None:
        """Forget what was usual, because the run was put back."""
        self._levels.clear()


def gradient_norm(optimizer: Optimizer) -> float | None:
    """Return the Euclidean norm of the whole gradient, waiting for a device; None where there is none."""
    gradients = [tensor.grad for group in optimizer.param_groups for tensor in group["params"]]
    found = [_values(gradient) for gradient in gradients if gradient is not None]
    if not found:
        return None
    norm = float(torch.nn.utils.get_total_norm(found))
    scale = getattr(optimizer, "grad_scale", None)
    return norm / float(scale) if isinstance(scale, Tensor) else norm


def _values(gradient: Tensor) -> Tensor:
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def without_gradients(optimizer: Optimizer) -> list[tuple[Tensor, Tensor]]:
    """Take the gradients away from an optimizer's tensors, and return them."""
    taken = []
    for group in optimizer.param_groups:
        for tensor in group["params"]:
            if tensor.grad is not None:
                taken.append((tensor, tensor.grad))
                tensor.grad = None
    return taken
