"""The whole of `find` against one plain run, on built-in tasks whose run takes a minute or more."""

import time
from dataclasses import dataclass

import numpy as np
import torch

import rightrate as rr
from benchmarks.speed.bars import Bar
from rightrate.population import prepare
from rightrate.tasks import load

__all__ = ["WHOLE_TASKS", "Whole", "measure_whole"]

WHOLE_TASKS = ("fonts", "text")
_LIMIT = 1.6
_LR = 1e-3


@dataclass(frozen=True, kw_only=True)
class Whole:
    """`find` beside plain runs of one task.

    Args:
        task: Its name.
        plain_seconds: Wall time of each plain run, one before and one after each `find`.
        find_seconds: Wall time of each `find`.
        cpu_ratio: The same ratio in CPU seconds, medians.
        engine: What the calibration chose.
        parts: Where the seconds of the last `find` went.
    """

    task: str
    plain_seconds: tuple[float, ...]
    find_seconds: tuple[float, ...]
    cpu_ratio: float
    engine: str
    parts: dict[str, float]

    def bar(self) -> Bar:
        """Return the bar: each `find` over the mean of the plain runs around it."""
        around = zip(self.find_seconds, self.plain_seconds, self.plain_seconds[1:], strict=False)
        ratios = [found / ((before + after) / 2) for found, before, after in around]
        name = f"find({self.task!r}) at budget 1.0, wall time over that of one plain run"
        return Bar(
            name=name,
            wanted=_LIMIT,
            at_least=False,
            median=float(np.median(ratios)),
            low=min(ratios),
            high=max(ratios),
        )


def measure_whole(name: str, repeats: int) -> Whole:
    """Run one plain run, then `find` and another plain run, `repeats` times."""
    plain, found = [_plain(name)], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = rr.find(name, budget=1.0)
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
        plain.append(_plain(name))
    return Whole(
        task=name,
        plain_seconds=tuple(wall for wall, _ in plain),
        find_seconds=tuple(wall for wall, _ in found),
        cpu_ratio=float(np.median([cpu for _, cpu in found]) / np.median([cpu for _, cpu in plain])),
        engine=result.record.provenance.engine,
        parts=dict(result.cost.seconds),
    )


def _plain(name: str) -> tuple[float, float]:
    """Train the task's model once, for its whole length, by hand; return wall and CPU seconds."""
    task = load(name)
    prepared = prepare(task, "adamw")
    model = task.model().to(prepared.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LR)
    batches = prepared.train.stream(0)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(task.info.steps or 0):
        inputs, targets = next(batches)
        optimizer.zero_grad()
        loss = task.loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
    if prepared.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - cpu
