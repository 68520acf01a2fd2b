"""The yardstick: a hand-written training loop over K models, in one process and in several."""

import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import torch
import torch.multiprocessing as multiprocessing
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.speed.cases import Case, rates

__all__ = ["PlainLoop", "Processes"]


class PlainLoop:
    """K models trained in turn on each batch: what one would write without this project.

    Args:
        case: What is trained.
        device: Where.
        members: Which of the case's members; all by default.
    """

    def __init__(self, case: Case, device: torch.device, members: range | None = None) -> None:
        chosen = members if members is not None else range(case.size)
        self._batch_size = case.workload.batch_size
        self._data = case.workload.data(device)
        self._models = [case.workload.build().to(device) for _ in chosen]
        self._optimizers = [
            _optimizer(case.optimizer, model, float(rates(case.size)[index]))
            for model, index in zip(self._models, chosen, strict=True)
        ]
        self._batches = self._stream()

    def run(self, steps: int) -> None:
        """Train every model for some steps."""
        for _ in range(steps):
            inputs, targets = next(self._batches)
            for model, optimizer in zip(self._models, self._optimizers, strict=True):
                optimizer.zero_grad()
                loss = cross_entropy(model(inputs), targets)
                loss.backward()
                optimizer.step()

    def _stream(self) -> Iterator[tuple[Tensor, Tensor]]:
        inputs, targets = self._data
        draw = torch.Generator().manual_seed(0)
        while True:
            for rows in torch.randperm(len(inputs), generator=draw).split(self._batch_size):
                own = rows.to(inputs.device)
                yield inputs[own], targets[own]


class Processes:
    """The same loop in one process a core, each with its share of the members.

    Args:
        case: What is trained.
        cores: How many processes.
    """

    def __init__(self, case: Case, cores: int) -> None:
        shares = [range(first, case.size, cores) for first in range(min(cores, case.size))]
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection[Any, Any]] = []
        self._workers = []
        for share in shares:
            here, there = context.Pipe()
            worker = context.Process(target=_work, args=(there, case, share), daemon=True)
            worker.start()
            self._pipes.append(here)
            self._workers.append(worker)
        for pipe in self._pipes:
            pipe.recv()

    def run(self, steps: int) -> float:
        """Train every model for some steps and return the workers' CPU seconds."""
        for pipe in self._pipes:
            pipe.send(steps)
        return sum(float(pipe.recv()) for pipe in self._pipes)

    def close(self) -> None:
        """End the workers."""
        for pipe in self._pipes:
            pipe.send(0)
        for worker in self._workers:
            worker.join()


def _work(pipe: "Connection[Any, Any]", case: Case, share: range) -> None:
    torch.set_num_threads(1)
    loop = PlainLoop(case, torch.device("cpu"), share)
    pipe.send("ready")
    while steps := pipe.recv():
        began = time.process_time()
        loop.run(steps)
        pipe.send(time.process_time() - began)


def _optimizer(name: str, model: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    if name == "momentum":
        return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    return torch.optim.AdamW(model.parameters(), lr=rate)
