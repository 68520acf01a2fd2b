"""Small training loops for the tests of the watcher."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import rightrate as rr
from rightrate.watch import Watch

INPUTS = torch.randn(64, 8, generator=torch.Generator().manual_seed(1))
TARGETS = torch.randint(0, 3, (64,), generator=torch.Generator().manual_seed(2))


def network(seed: int = 0) -> nn.Sequential:
    """Return a small network with the same weights each time."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))


def loss_of(model: nn.Module, step: int = 0) -> Tensor:
    """Return the loss of one batch."""
    place = 16 * (step % 4)
    return nn.functional.cross_entropy(model(INPUTS[place : place + 16]), TARGETS[place : place + 16])


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: int,
    *,
    w: Watch | None = None,
    scheduler: Any = None,
    change: Callable[[int, Tensor], Tensor] = lambda step, loss: loss,
    before: bool = False,
) -> list[Tensor]:
    """Train, observing after each step or before it, and return copies of the weights at the end."""
    for step in range(steps):
        loss = change(step, loss_of(model, step))
        optimizer.zero_grad()
        loss.backward()
        if w is not None and before:
            w.observe(loss)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if w is not None and not before:
            w.observe(loss)
    return weights(model)


def weights(model: nn.Module) -> list[Tensor]:
    """Return copies of weights and buffers."""
    return [tensor.detach().clone() for tensor in model.state_dict().values()]


def same(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    """Return whether tensors are bit for bit the same."""
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def quiet(optimizer: Any = None, **settings: Any) -> Watch:
    """Return a watcher that says nothing on the console."""
    return rr.watch(optimizer, console=False, **settings)
