"""What a tool is to the benchmark, and a case as any PyTorch user would write it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tasks import load
from benchmarks.quality.training import length
from rightrate.optimizers.catalogue import named

__all__ = ["FIVE", "THREE", "Plain", "Tool", "measured", "plain"]

THREE = (0, 1, 2)
FIVE = (0, 1, 2, 3, 4)


class Tool(Protocol):
    """One package.

    `rows` are the names its answers have in the table, `seeds` those it is asked with, `package` the
    distribution whose version is reported (or "").
    """

    rows: tuple[str, ...]
    seeds: tuple[int, ...]
    package: str

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return one answer a row; a crash of the package is an answer without a rate and with a note."""
        ...


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A case in plain PyTorch: fresh model, shuffled loader, loss, and the optimizer at a rate.

    Args:
        model: Initialised with the seed.
        train: Shuffles with a generator of the seed; batches (input, target).
        valid: In order, large batches.
        loss: `f(output, target) -> scalar`.
        optimizer_class: The class in torch.optim.
        options: What the optimizer's name implies, such as momentum.
        default_lr: The framework's own default rate.
        search_range: The range `find` starts with.
        steps: Length of the real run.
    """

    model: nn.Module
    train: DataLoader[Any]
    valid: DataLoader[Any]
    loss: Callable[[Any, Any], Any]
    optimizer_class: type[torch.optim.Optimizer]
    options: dict[str, Any]
    default_lr: float
    search_range: tuple[float, float]
    steps: int

    def optimizer(self, lr: float) -> torch.optim.Optimizer:
        """Return the case's optimizer over the model's parameters."""
        return self.optimizer_class(self.model.parameters(), lr=lr, **self.options)


def plain(case: Case, seed: int) -> Plain:
    """Return a case as its user would have it."""
    task, info = load(case.task), named(case.optimizer)
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = task.model()
    draw = torch.Generator().manual_seed(seed)
    assert task.loss is not None
    return Plain(
        model=model,
        train=DataLoader(
            TensorDataset(*task.train), batch_size=task.training.batch_size, shuffle=True, generator=draw
        ),
        valid=DataLoader(TensorDataset(*task.valid), batch_size=512),
        loss=task.loss,
        optimizer_class=getattr(torch.optim, info.torch_class),
        options=dict(info.options),
        default_lr=info.default_lr,
        search_range=info.search_range,
        steps=length(case),
    )


def measured(ask: Callable[[], Any]) -> tuple[Any, float, str]:
    """Return what a package answered, its CPU seconds, and "" or the exception it died of.

    Competitors run arbitrary code of other projects, so any exception of theirs is recorded as their answer.
    """
    began = time.process_time()
    try:
        return ask(), time.process_time() - began, ""
    except Exception as error:  # noqa: BLE001 - recorded, as the docstring says
        return None, time.process_time() - began, f"{type(error).__name__}: {error}"[:200]
