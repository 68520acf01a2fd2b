"""What `descend` returns."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rightrate.descent.until import Until
from rightrate.descent.verdict import Status
from rightrate.optimizers.rules import Rule
from rightrate.schedules import FloatArray, Schedule, shape_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Descent", "Question", "Rate"]

Rate = float | Schedule | Callable[[int], float]
"""A learning rate: a number, or one for every step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What was asked.

    Args:
        value: `x -> f(x)` as a float, for pictures.
        rule: The update rule.
        lr: The learning rate.
        until: When it ends.
        gradient: Where the gradient came from: "given", "autograd" or "finite differences".
        names: What the variables are called; empty where they have no names.
    """

    value: Callable[[FloatArray], float]
    rule: Rule
    lr: Rate
    until: Until
    gradient: str
    names: tuple[str, ...] = ()

    @property
    def lr_text(self) -> str:
        """The learning rate for people; a schedule as `rightrate.schedules.parse` reads it."""
        if isinstance(self.lr, float):
            return f"{self.lr:g}"
        return shape_name(self.lr)


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent:
    """A descent: what became of it, and every step.

    Args:
        status: "converged", "slow", "oscillating", "diverged" or "stuck"; `descend` has the definitions.
        message: The same as a sentence, with what to do.
        path: The points, shape (steps + 1, *shape of x0); the first is the start.
        values: The function's value at each point.
        gradient_norms: The Euclidean norm of the gradient at each point.
        lrs: The learning rate of each step, one fewer.
        question: What was asked.
    """

    status: Status
    message: str
    path: FloatArray
    values: FloatArray
    gradient_norms: FloatArray
    lrs: FloatArray
    question: Question

    @property
    def x(self) -> FloatArray:
        """The last point: a number where `x0` was one."""
        last: FloatArray = self.path[-1]
        return last

    @property
    def value(self) -> float:
        """The function's value at the last point."""
        return float(self.values[-1])

    @property
    def steps(self) -> int:
        """The steps taken."""
        return len(self.lrs)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; numbers that are not finite are None."""
        lr = self.question.lr
        plain = {
            "status": self.status,
            "message": self.message,
            "rule": str(self.question.rule),
            "lr": lr if isinstance(lr, float) else self.question.lr_text,
            "until": asdict(self.question.until),
            "gradient": self.question.gradient,
            "names": list(self.question.names),
            "steps": self.steps,
            "x": self.x.tolist(),
            "value": self.value,
            "path": self.path.tolist(),
            "values": self.values.tolist(),
            "gradient_norms": self.gradient_norms.tolist(),
            "lrs": self.lrs.tolist(),
        }
        return {name: _finite(value) for name, value in plain.items()}

    def plot(self) -> "Figure":
        """Return a matplotlib figure: the path on the function, and the gradient's norm at each step.

        Several side by side: `rightrate.descent.figure([first, second])`.
        """
        from rightrate.descent.picture import figure

        return figure([self])

    def _repr_html_(self) -> str:
        from html import escape

        from rightrate.report.picture import svg

        return f"<p>{escape(str(self))}</p>{svg(self.plot())}"

    def __str__(self) -> str:
        return f"{self.question.rule}, lr {self.question.lr_text}: {self.status}. {self.message}"


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
