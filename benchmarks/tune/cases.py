"""The tasks: one on which everything is known, and a real one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

import rightrate as rr

__all__ = ["CASES", "Case"]

_DIRECTIONS, _SAMPLES, _START = 40, 4096, 3.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One task with its optimizer and length.

    Args:
        name: Short name.
        text: What it is, one sentence.
        task: Makes the task.
        optimizer: A name of the catalogue.
        steps: Length of a run in optimizer steps.
        low: The lowest rate of the range.
        high: The highest rate of the range.
    """

    name: str
    text: str
    task: Callable[[], rr.Task]
    optimizer: str
    steps: int
    low: float
    high: float


class Quadratic(nn.Module):
    """`0.5 * sum_i h_i (x_i - noise_i)^2` with curvatures h from 0.001 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.full((_DIRECTIONS,), _START))
        self.register_buffer("curvature", torch.logspace(-3, 0, _DIRECTIONS))

    def forward(self, noise: Tensor) -> Tensor:
        """Return the loss, the mean over a batch of noise, shape (batch, directions)."""
        return 0.5 * (self.curvature * (self.x - noise) ** 2).sum(1).mean()


def quadratic() -> rr.Task:
    """Gradients are as noisy as a batch of one; without noise the loss is what it really is."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(_SAMPLES, _DIRECTIONS, generator=generator)
    noise -= noise.mean(0)
    return rr.Task(
        model=Quadratic(),
        train=(noise,),
        valid=(torch.zeros(1, _DIRECTIONS),),
        step=lambda model, batch: model(batch[0]),
        training=rr.Training(batch_size=1),
        info=rr.TaskInfo(name="quadratic"),
    )


def digits() -> rr.Task:
    """The built-in task with batches of 8."""
    from rightrate.tasks.registry import load

    return replace(load("digits"), training=rr.Training(batch_size=8))


CASES = (
    Case(
        name="quadratic",
        text="Noisy quadratic of 40 directions, curvatures from 0.001 to 1, gradients with unit noise, SGD "
        "(the model on which Wu et al. 2018 show that short horizons prefer low rates).",
        task=quadratic,
        optimizer="sgd",
        steps=2000,
        low=1e-3,
        high=1.9,
    ),
    Case(
        name="digits",
        text="The built-in task digits (an MLP with dropout) in batches of 8, SGD.",
        task=digits,
        optimizer="sgd",
        steps=2000,
        low=1e-3,
        high=3.0,
    ),
)
