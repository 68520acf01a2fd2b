"""What is asked on the command line, and what `rr.find` takes for it."""

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rightrate import _check
from rightrate.errors import ConfigError, describe

if TYPE_CHECKING:
    from rightrate.schedules import Schedule
    from rightrate.tasks.task import Task

__all__ = ["Question"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, as the options say it; None is the task's own or the default of `rr.find`.

    Args:
        spec: A built-in task, a CSV file or `file.py:name`.
        target: The column of a CSV file to predict.
        optimizer: A name of the catalogue, or the path a class is imported from.
        optimizer_options: More arguments of it: `momentum`, `weight_decay`.
        schedule: A name such as "constant", "linear" or "cosine", or a text such as
            "warmup(200) + cosine(1800)".
        warmup_steps: Length of the linear warm-up in optimizer steps.
        training: What replaces the task's own training settings: `batch_size`, `device`.
        search: More arguments of `rr.find`: steps, epochs, budget, seed, objective, tolerance, engine.
    """

    spec: str
    target: str | None
    optimizer: str | None
    optimizer_options: dict[str, float]
    schedule: str
    warmup_steps: int
    training: dict[str, Any]
    search: dict[str, Any]

    def check(self) -> None:
        """Raise `ConfigError` for what is wrong whatever the task is, before it is loaded."""
        search = self.search
        _check.integer("--warmup", self.warmup_steps, low=0)
        self._check_schedule()
        _check.number("--budget", search["budget"], above=0.0)
        _check.number("--tolerance", search["tolerance"], above=0.0, high=0.5)
        _check.integer("--seed", search["seed"], low=0)
        _check.choice("--engine", search["engine"], ("auto", "serial", "stacked"))
        if search["steps"] is not None and search["epochs"] is not None:
            received = (search["steps"], search["epochs"])
            raise ConfigError(describe("--steps and --epochs", "given as one of the two", received))
        if search["steps"] is not None:
            _check.integer("--steps", search["steps"], low=1)
        if search["epochs"] is not None:
            _check.number("--epochs", search["epochs"], above=0.0)
        if self.optimizer is not None:
            self._check_optimizer(self.optimizer)
        if "device" in self.training:
            _check_device(self.training["device"])

    def arguments(self, task: "Task") -> dict[str, Any]:
        """Return the arguments of `rr.find` for the task that `spec` named.

        Raises:
            ConfigError: If an option does not go with the task.
        """
        if self.optimizer is None:
            self._check_optimizer(task.info.optimizer)
        return {
            "model": self._configured(task),
            "optimizer": self.optimizer,
            "optimizer_options": self.optimizer_options,
            "schedule": self._shape(task),
            **self.search,
        }

    def _configured(self, task: "Task") -> "Task":
        from torch.utils.data import DataLoader

        if "batch_size" in self.training:
            wanted = _check.integer("--batch-size", self.training["batch_size"], low=1)
            if isinstance(task.train, DataLoader):
                advice = "The task's DataLoader makes the batches; set its batch_size there."
                raise ConfigError(describe("--batch-size", "left out for this task", wanted, advice))
        return replace(task, training=replace(task.training, **self.training))

    def _shape(self, task: "Task") -> "str | Schedule":
        from rightrate.schedules.resolve import by_name, from_text, is_text

        if is_text(self.schedule):
            return from_text("--schedule", self.schedule)
        if not self.warmup_steps:
            return self.schedule
        steps = self.search["steps"]
        if steps is None and self.search["epochs"] is None:
            steps = task.info.steps
        if steps is None:
            advice = "The warm-up is part of a length in steps."
            raise ConfigError(describe("--steps", "given where --warmup is", None, advice))
        if self.warmup_steps >= steps:
            advice = "The warm-up is part of the run."
            allowed = f"less than the run's {steps} steps"
            raise ConfigError(describe("--warmup", allowed, self.warmup_steps, advice))
        return by_name("--schedule", self.schedule, total_steps=steps, warmup_steps=self.warmup_steps)

    def _check_schedule(self) -> None:
        from rightrate.schedules.resolve import by_name, from_text, is_text

        if not is_text(self.schedule):
            by_name("--schedule", self.schedule, total_steps=1)
            return
        length = from_text("--schedule", self.schedule).total_steps
        if self.warmup_steps:
            advice = "Write the warm-up into the schedule, such as 'warmup(200) + cosine(1800)'."
            raise ConfigError(describe("--warmup", "left out here", self.warmup_steps, advice))
        if self.search["steps"] not in (None, length):
            advice = f"Leave it out, or write a schedule of as many steps. --schedule is {self.schedule!r}."
            allowed = f"the schedule's {length} steps"
            raise ConfigError(describe("--steps", allowed, self.search["steps"], advice))

    def _check_optimizer(self, name: str) -> None:
        from rightrate.optimizers.catalogue import CATALOGUE
        from rightrate.optimizers.imported import imported, is_path

        if is_path(name):
            found = imported("--optimizer", name)
            for option, value in self.optimizer_options.items():
                if option not in (taken := inspect.signature(found).parameters):
                    advice = f"It takes: {', '.join(taken)}."
                    flag = f"--{option.replace('_', '-')}"
                    raise ConfigError(describe(flag, f"left out for the optimizer {name!r}", value, advice))
            return
        advice = "Or the path of a class, such as pytorch_optimizer.Lion."
        _check.choice("--optimizer", name, CATALOGUE, advice=advice)
        for option, value in self.optimizer_options.items():
            takers = [other for other in CATALOGUE if option in _arguments(other)]
            if name not in takers:
                advice = f"These take it: {', '.join(takers)}."
                flag = f"--{option.replace('_', '-')}"
                raise ConfigError(describe(flag, f"left out for the optimizer {name!r}", value, advice))


def _arguments(name: str) -> frozenset[str]:
    """Return the names of the arguments of a catalogued optimizer's torch class."""
    import torch

    from rightrate.optimizers.catalogue import CATALOGUE

    return frozenset(inspect.signature(getattr(torch.optim, CATALOGUE[name].torch_class)).parameters)


def _check_device(name: str) -> None:
    import torch

    if name == "auto":
        return
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:  # torch was built without it, or there is none
        advice = f"torch says: {str(error).splitlines()[0]}"
        raise ConfigError(describe("--device", "'auto' or a device of this machine", name, advice)) from error
