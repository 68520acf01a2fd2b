"""What is trained: four small models on random data, two optimizers, four numbers of members."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from rightrate.schedules import FloatArray
from rightrate.tasks.networks import BatchNormCnn
from rightrate.tasks.task import Task, Training

__all__ = ["CASES", "OPTIMIZERS", "SIZES", "Case", "Workload", "rates"]

SIZES = (1, 4, 16, 64)
OPTIMIZERS = ("momentum", "adamw")
_SAMPLES, _CLASSES = 2048, 10
_LENGTH, _SYMBOLS, _WIDTH, _HEADS = 32, 64, 32, 2


class OneBlock(nn.Module):
    """One transformer block over 32 symbols, judged by the class of the whole sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.symbol = nn.Embedding(_SYMBOLS, _WIDTH)
        self.place = nn.Parameter(0.02 * torch.randn(_LENGTH, _WIDTH))
        self.norm1, self.norm2 = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.qkv, self.project = nn.Linear(_WIDTH, 3 * _WIDTH), nn.Linear(_WIDTH, _WIDTH)
        self.feed = nn.Sequential(nn.Linear(_WIDTH, 4 * _WIDTH), nn.GELU(), nn.Linear(4 * _WIDTH, _WIDTH))
        self.head = nn.Linear(_WIDTH, _CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores (N, 10) of sequences (N, 32)."""
        h = self.symbol(x) + self.place
        q, k, v = self.qkv(self.norm1(h)).unflatten(-1, (3, _HEADS, _WIDTH // _HEADS)).unbind(-3)
        scores = torch.einsum("nqhd,nkhd->nhqk", q, k) / (_WIDTH // _HEADS) ** 0.5
        h = h + self.project(torch.einsum("nhqk,nkhd->nqhd", scores.softmax(-1), v).flatten(-2))
        h = h + self.feed(self.norm2(h))
        scored: Tensor = self.head(h.mean(-2))
        return scored


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, _CLASSES))


def _vectors(draw: torch.Generator) -> Tensor:
    return torch.randn(_SAMPLES, 64, generator=draw)


def _images(draw: torch.Generator) -> Tensor:
    return torch.randn(_SAMPLES, 1, 28, 28, generator=draw)


def _sequences(draw: torch.Generator) -> Tensor:
    return torch.randint(0, _SYMBOLS, (_SAMPLES, _LENGTH), generator=draw)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A model with the data it is trained on.

    Args:
        name: Of the model.
        build: Makes it.
        inputs: Draws its inputs.
        batch_size: Samples in a batch.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[torch.Generator], Tensor]
    batch_size: int

    def data(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return inputs and random classes, the same each time."""
        draw = torch.Generator().manual_seed(0)
        inputs = self.inputs(draw)
        targets = torch.randint(0, _CLASSES, (_SAMPLES,), generator=draw)
        return inputs.to(device), targets.to(device)

    def task(self, device: torch.device) -> Task:
        """Return the same as a task."""
        data = self.data(device)
        training = Training(batch_size=self.batch_size, device=str(device))
        return Task(
            model=self.build,
            train=data,
            valid=tuple(t[:256] for t in data),
            loss=cross_entropy,
            training=training,
        )


_WORKLOADS = (
    Workload(name="mlp", build=_mlp, inputs=_vectors, batch_size=32),
    Workload(name="mlp", build=_mlp, inputs=_vectors, batch_size=128),
    Workload(name="cnn", build=partial(BatchNormCnn, _CLASSES, (8, 16), 0.0), inputs=_images, batch_size=32),
    Workload(name="transformer", build=OneBlock, inputs=_sequences, batch_size=32),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of the table."""

    workload: Workload
    optimizer: str
    size: int

    @property
    def label(self) -> str:
        """Its name in the table."""
        return f"{self.workload.name}/{self.workload.batch_size} {self.optimizer} K={self.size}"


CASES = tuple(
    Case(workload=workload, optimizer=optimizer, size=size)
    for workload in _WORKLOADS
    for optimizer in OPTIMIZERS
    for size in SIZES
)


def rates(size: int) -> FloatArray:
    """Return a rate for each member, low enough that nothing diverges."""
    return np.geomspace(1e-4, 1e-3, size)
