"""The questions of the study, each one a comparison."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.study.task import STEPS, task
from rightrate.comparison import Comparison, compare

__all__ = ["PARTS", "SEEDS", "Part"]

SEEDS = (0, 1, 2)
_SCHEDULES = {
    "constant": "constant",
    "step": f"step({STEPS}, every_steps={STEPS // 3 + 1}, factor=0.1)",
    "exponential": f"exponential({STEPS}, decay_steps={STEPS}, rate=0.01)",
    "cosine": "cosine",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """One question.

    Args:
        name: Of its files.
        title: The question.
        optimizers: Names of the catalogue.
        lrs: As `compare` takes them.
        schedules: By name.
        seeds: Of weights, batches and draws.
    """

    name: str
    title: str
    optimizers: tuple[str, ...]
    lrs: tuple[float | str, ...]
    schedules: Mapping[str, str] = field(default_factory=lambda: {"constant": "constant"})
    seeds: tuple[int, ...] = SEEDS

    def compare(self, store: Path, progress: Callable[[Any], None] | None = None) -> Comparison:
        """Train what is not in the store yet, and return all of it."""
        return compare(
            task(),
            self.optimizers,
            lrs=self.lrs,
            schedules=self.schedules,
            seeds=self.seeds,
            store=store,
            progress=progress,
        )


PARTS = (
    Part(
        name="adam",
        title="Adam at five learning rates",
        optimizers=("adam",),
        lrs=(0.1, 0.01, 0.001, 0.0001, 0.00001),
    ),
    Part(
        name="optimizers",
        title="Five optimizers at 0.001, and each at its own found rate",
        optimizers=("sgd", "rmsprop", "adagrad", "adadelta", "adam"),
        lrs=(0.001, "find"),
    ),
    Part(
        name="schedules",
        title="Three optimizers under four schedules, each at its own best rate",
        optimizers=("momentum", "rmsprop", "adam"),
        lrs=("find/9", "find/3", "find", "find*3", "find*9"),
        schedules=_SCHEDULES,
    ),
    Part(
        name="closer",
        title="Adam at a constant rate and under a cosine, rate by rate",
        optimizers=("adam",),
        lrs=(0.0015, 0.002, 0.0027, 0.0036, 0.0049, 0.0065),
        schedules={name: _SCHEDULES[name] for name in ("constant", "cosine")},
        seeds=(0, 1, 2, 3, 4, 5),
    ),
)
