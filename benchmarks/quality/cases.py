"""The cases of the quality benchmark: every task with each of its optimizers and schedules."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.tasks import ENTRIES, Half
from rightrate.optimizers.catalogue import named

__all__ = ["CONSTANTS", "Case", "cases", "grid"]

_PER_DECADE = 5

CONSTANTS = {"adamw": (1e-3, 3e-3), "momentum": (1e-2, 1e-1), "sgd": (1e-2, 1e-1)}
"""Rates that people use without a search; strong rivals."""


@dataclass(frozen=True, kw_only=True, order=True)
class Case:
    """One task trained by one optimizer under one schedule."""

    task: str
    optimizer: str
    schedule: str

    @property
    def half(self) -> Half:
        """Whether the method may be looked at on the case."""
        return ENTRIES[self.task].half

    def __str__(self) -> str:
        return f"{self.task} {self.optimizer} {self.schedule}"


def cases(tasks: Iterable[str] = (), *, builtin: bool = True) -> tuple[Case, ...]:
    """Return the cases of the named tasks, or of all that are not for practice."""
    wanted = tuple(tasks) or tuple(
        name
        for name, entry in ENTRIES.items()
        if entry.half != "practice" and (builtin or entry.half != "built in")
    )
    unknown = sorted(set(wanted) - set(ENTRIES))
    if unknown:
        raise SystemExit(f"There is no task {', '.join(unknown)}; there are: {', '.join(ENTRIES)}.")
    return tuple(
        Case(task=name, optimizer=optimizer, schedule=schedule)
        for name in wanted
        for optimizer in ENTRIES[name].optimizers
        for schedule in ENTRIES[name].schedules
    )


def grid(optimizer: str) -> tuple[float, ...]:
    """Return the dense grid: five rates a decade over the catalogue's range of the optimizer."""
    low, high = named(optimizer).search_range
    count = round((np.log10(high) - np.log10(low)) * _PER_DECADE) + 1
    return tuple(float(f"{rate:.4g}") for rate in np.geomspace(low, high, count))
