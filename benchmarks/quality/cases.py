"""The cases of the quality benchmark: tasks, optimizers, schedules, seeds and the rates of the grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rightrate.optimizers.catalogue import named

__all__ = ["CASES", "SEEDS", "TRUTH", "Case", "rates"]

SEEDS = (0, 1, 2)
TRUTH = Path(__file__).with_name("truth.csv")
_PER_DECADE = 5


@dataclass(frozen=True, kw_only=True)
class Case:
    """One task trained by one optimizer under one schedule."""

    task: str
    optimizer: str
    schedule: str


CASES = tuple(
    Case(task=task, optimizer=optimizer, schedule=schedule)
    for task in ("digits", "cancer", "wine", "diabetes", "digits-cnn")
    for optimizer in ("momentum", "adamw")
    for schedule in ("constant", "cosine")
)


def rates(optimizer: str) -> list[float]:
    """Return the grid: five rates a decade over the catalogue's range of the optimizer."""
    low, high = named(optimizer).search_range
    count = round((np.log10(high) - np.log10(low)) * _PER_DECADE) + 1
    return [float(f"{rate:.4g}") for rate in np.geomspace(low, high, count)]
