"""What a comparison is asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from rightrate.comparison.asked import FoundTimes
from rightrate.population.calibrate import Engine
from rightrate.schedules import Shape

__all__ = ["Question"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, all of it checked.

    Args:
        steps: Length of every run in optimizer steps.
        schedules: By the name that a report calls them.
        lrs: The rates that are asked for.
        seeds: Of everything random.
        tolerance: The regret up to which a rate is good.
        target: The objective whose time is measured; None for a regret of a tenth.
        engine: "auto", "serial" or "stacked".
    """

    steps: int
    schedules: Mapping[str, str | Shape]
    lrs: tuple[float | FoundTimes, ...]
    seeds: tuple[int, ...]
    tolerance: float
    target: float | None
    engine: Engine

    @property
    def finds(self) -> bool:
        """Whether `find` is to be asked."""
        return any(isinstance(lr, FoundTimes) for lr in self.lrs)
