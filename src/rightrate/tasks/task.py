"""A task: what is trained, on what, and how it is judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rightrate import _check
from rightrate.errors import ConfigError, describe

__all__ = ["Metric", "Objective", "Task", "TaskInfo", "Training"]

Metric = Callable[[Any, Any], float]
"""`f(outputs, targets) -> float` over the whole validation set; tensors with the samples along axis 0."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How one optimizer step is made from batches.

    Args:
        batch_size: Samples in a batch, >= 1. A DataLoader keeps its own.
        accumulate: Batches whose gradients are averaged for one optimizer step, >= 1.
        clip_norm: Largest Euclidean norm of the whole gradient, > 0, or None for no clipping.
        autocast: "bfloat16" runs the forward pass under automatic mixed precision; None does not.
        device: "auto" (a GPU where there is one), or a torch device name such as "cpu" or "cuda:0".

    Example:
        >>> Training(batch_size=32).accumulate
        1
    """

    batch_size: int = 64
    accumulate: int = 1
    clip_norm: float | None = None
    autocast: Literal["bfloat16"] | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        _check.integer("Training(batch_size=...)", self.batch_size, low=1)
        _check.integer("Training(accumulate=...)", self.accumulate, low=1)
        if self.clip_norm is not None:
            _check.number("Training(clip_norm=...)", self.clip_norm, above=0.0)
        if self.autocast not in (None, "bfloat16"):
            advice = "float16 needs loss scaling, which one shared scale would get wrong for some members."
            raise ConfigError(describe("Training(autocast=...)", "None or 'bfloat16'", self.autocast, advice))


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What a learning rate is judged by: the validation loss or a metric, and which way is better.

    Args:
        name: "loss" or the name of a metric of the task.
        direction: "min" or "max".

    Example:
        >>> Objective.parse("accuracy:max")
        Objective(name='accuracy', direction='max')
    """

    name: str = "loss"
    direction: Literal["min", "max"] = "min"

    def __post_init__(self) -> None:
        _check.choice("Objective(direction=...)", self.direction, ("min", "max"))

    @classmethod
    def parse(cls, value: "str | tuple[str, str] | Objective") -> "Objective":
        """Return the objective for `"loss"`, `"accuracy:max"` or `("accuracy", "max")`."""
        if isinstance(value, Objective):
            return value
        if isinstance(value, str):
            name, colon, direction = value.partition(":")
            if not colon and name == "loss":
                return cls()
            pair: tuple[str, str] = (name, direction)
        else:
            pair = value
        if len(pair) != 2 or pair[1] not in ("min", "max"):
            allowed = "'loss' or a metric with its direction"
            advice = "Write 'accuracy:max' or ('accuracy', 'max')."
            raise ConfigError(describe("Task(objective=...)", allowed, value, advice))
        return cls(name=pair[0], direction="max" if pair[1] == "max" else "min")

    def worse_first(self, value: float) -> float:
        """Return the value with its sign set so that smaller is better."""
        return value if self.direction == "min" else -value


@dataclass(frozen=True, kw_only=True)
class TaskInfo:
    """What people are told about a task.

    Args:
        name: Short name, as on the command line.
        description: One line: the model and what it does.
        source: Where the data comes from, with its size.
        steps: Default length of the real run in optimizer steps, or None.
        optimizer: Default optimizer: a name of the catalogue, or whatever else `find` takes.
        notes: What was noticed or decided about the data, one sentence each.
        setting: Lines that set the answer where it is not torch's: `{lr}` stands for the rate, `{schedule}`
            for a schedule with it.
    """

    name: str = "task"
    description: str = ""
    source: str = ""
    steps: int | None = None
    optimizer: Any = "adamw"
    notes: tuple[str, ...] = ()
    setting: str = ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A model, its data, its loss and its metrics.

    Args:
        model: A `torch.nn.Module` (its present weights are the start; it is copied, never changed) or a
            function without arguments that builds one.
        train: Training data: a DataLoader, a map-style dataset, a tuple of tensors or arrays with the samples
            along axis 0, or any object that can be iterated again and again over batches.
        valid: Validation data likewise; None holds out a fifth of `train`.
        loss: `f(output, target) -> scalar tensor`, the mean over the batch, for batches `(input, target)`.
        step: `f(model, batch) -> scalar tensor` in place of `loss`, for any other kind of batch.
        metrics: Name to `f(outputs, targets) -> float` over the whole validation set; needs `loss`.
        objective: "loss", or a metric with its direction: "accuracy:max" or ("accuracy", "max").
        training: How one optimizer step is made from batches.
        info: What people are told about the task.

    Raises:
        ConfigError: If neither or both of `loss` and `step` are given, a metric is named "loss", metrics are
            given without `loss`, or the objective is neither "loss" nor one of the metrics.
    """

    model: Any
    train: Any
    valid: Any = None
    loss: Callable[[Any, Any], Any] | None = None
    step: Callable[[Any, Any], Any] | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    objective: Any = "loss"
    training: Training = field(default_factory=Training)
    info: TaskInfo = field(default_factory=TaskInfo)

    def __post_init__(self) -> None:
        if (self.loss is None) == (self.step is None):
            allowed = "given as exactly one of loss=f(output, target) and step=f(model, batch)"
            received = "neither" if self.loss is None else "both"
            raise ConfigError(describe("Task(loss=..., step=...)", allowed, received))
        if not callable(self.loss if self.loss is not None else self.step):
            raise ConfigError(describe("Task(loss=..., step=...)", "a function", self.loss or self.step))
        if not callable(self.model):
            allowed = "a torch.nn.Module or a function that builds one"
            raise ConfigError(describe("Task(model=...)", allowed, self.model))
        if "loss" in self.metrics:
            raise ConfigError(describe("Task(metrics=...)", "named other than 'loss'", list(self.metrics)))
        if self.metrics and self.loss is None:
            advice = "With step=, outputs and targets are not known; judge by the loss."
            raise ConfigError(
                describe("Task(metrics=...)", "empty where step= is given", list(self.metrics), advice)
            )
        objective = Objective.parse(self.objective)
        if objective.name != "loss" and objective.name not in self.metrics:
            names = ", ".join(repr(name) for name in ("loss", *self.metrics))
            raise ConfigError(describe("Task(objective=...)", f"one of {names}", objective.name))
        object.__setattr__(self, "objective", objective)
