"""LARS by hand: each tensor's step is scaled by the ratio of its norm to its gradient's."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Lars"]


class Lars(torch.optim.Optimizer):
    """You, Gitman and Ginsburg 2017, without momentum: p -= lr * trust * |p| / |g| * g."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-2, trust: float = 0.5) -> None:
        super().__init__(params, {"lr": lr, "trust": trust})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Tensor | None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    ratio = parameter.norm() / (parameter.grad.norm() + 1e-12)
                    parameter.sub_(group["lr"] * group["trust"] * ratio * parameter.grad)
        return None
