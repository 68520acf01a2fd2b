"""What a tuning is asked, all of it checked."""

from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from rightrate.population.calibrate import Engine
from rightrate.schedules import Shape, resolve, shape_name
from rightrate.search.rounds import RoundStrategy
from rightrate.tasks.task import Task

__all__ = ["Question"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, all of it checked.

    Args:
        strategy: The method.
        steps: Length of the run in optimizer steps.
        schedule: Its schedule: a name, a shape with peak 1, or a function of the step.
        low: The lowest rate of the range.
        high: The highest.
        seed: Of everything random.
        engine: "auto", "serial" or "stacked".
    """

    strategy: RoundStrategy
    steps: int
    schedule: str | Shape
    low: float
    high: float
    seed: int
    engine: Engine

    @property
    def schedule_name(self) -> str:
        """The schedule as text."""
        if isinstance(self.schedule, str):
            return self.schedule
        return shape_name(resolve(self.schedule, total_steps=self.steps))

    @property
    def options(self) -> dict[str, Any]:
        """The method's own settings, plain JSON data."""
        own: Any = self.strategy
        return {item.name: getattr(own, item.name) for item in fields(own)} if is_dataclass(own) else {}

    def to_dict(self, task: Task) -> dict[str, Any]:
        """Return all that the answer depends on besides model and data: plain JSON data."""
        return {
            "method": self.strategy.name,
            **{f"{self.strategy.name} {name}": value for name, value in self.options.items()},
            "steps": self.steps,
            "schedule": self.schedule_name,
            "low": self.low,
            "high": self.high,
            "objective": f"{task.objective.name}:{task.objective.direction}",
            "seed": self.seed,
            "engine": self.engine,
            **asdict(task.training),
        }
