"""From a task and an optimizer to what populations are built from."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from rightrate.errors import ConfigError, ModelError, UnsupportedOptimizerError, describe
from rightrate.optimizers.resolve import OptimizerSpec, resolve
from rightrate.population.program import Program, own_draws
from rightrate.population.setup import Setup
from rightrate.tasks.batches import (
    BatchSource,
    ValidationBatches,
    hold_out,
    training_source,
    validation_batches,
)
from rightrate.tasks.own_step import OwnStep
from rightrate.tasks.seeds import mix
from rightrate.tasks.task import Task, Training

__all__ = ["Prepared", "device_of", "prepare"]

_LARGEST = {"cpu": 256}  # above that, memory for activations costs more than larger batches save
_WEIGHTS = 1  # keeps the draws of initial weights apart from those of training


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A task on its device with its data opened and its optimizer resolved.

    Args:
        task: The task as it was given.
        spec: The optimizer.
        device: Where training happens.
        train: Training batches.
        valid: Validation batches.
        held_out: Whether validation data had to be held out of the training data.
    """

    task: Task
    spec: OptimizerSpec
    device: torch.device
    train: BatchSource
    valid: ValidationBatches
    held_out: bool

    @property
    def steps_per_epoch(self) -> int | None:
        """Optimizer steps in one pass over the training data, or None if that is not known."""
        batches = self.train.batches_per_epoch
        return None if batches is None else max(1, batches // self.task.training.accumulate)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the data cannot promise, one sentence each."""
        return tuple(dict.fromkeys((*self.train.notes, *self.valid.notes)))

    def setup(self, seed: int) -> Setup:
        """Return the setup of one seed: its weights (if a function builds the model), batches and draws."""
        task, spec = self.task, self.spec
        program = Program(
            start_model(task, seed, self.device),
            loss=task.loss,
            step=task.step,
            autocast=task.training.autocast,
        ).to(self.device)
        return Setup(
            program=program,
            build_optimizer=lambda copied: spec.build(copied.model),
            train=self.train,
            valid=self.valid,
            metrics=task.metrics,
            training=task.training,
            seed=seed,
        )


def prepare(task: Task, optimizer: Any, *, options: dict[str, Any] | None = None) -> Prepared:
    """Open a task's data, choose its device and resolve its optimizer.

    Args:
        task: The task; nothing in it is changed.
        optimizer: A name, a class, a factory or an instance; see `rightrate.optimizers.resolve`.
        options: More arguments of a named optimizer.

    Raises:
        DataError: If the data cannot be used.
        ConfigError: If the optimizer cannot.
    """
    given = task.model if isinstance(task.model, nn.Module) else None
    if isinstance(given, OwnStep):
        spec = _own_optimizer(task, given, optimizer, options)
    else:
        spec = resolve(optimizer, model=given, options=options)
    device = device_of(task)
    if not spec.label:
        built = spec.build(start_model(task, 0, device))
        spec = replace(spec, label=type(built).__name__)
    train_data, valid_data = task.train, task.valid
    if valid_data is None:
        train_data, valid_data = hold_out(task.train)
    batch_size = task.training.batch_size
    return Prepared(
        task=task,
        spec=spec,
        device=device,
        train=training_source(train_data, batch_size=batch_size, device=device),
        valid=validation_batches(
            valid_data,
            batch_size=batch_size,
            device=device,
            largest=batch_size if task.loss is None else _LARGEST.get(device.type, 1024),
        ),
        held_out=task.valid is None,
    )


def _own_optimizer(task: Task, model: OwnStep, optimizer: Any, options: Any) -> OptimizerSpec:
    """Return the optimizer that is part of a model, and refuse what its training step cannot take."""
    if options or optimizer != task.info.optimizer:
        allowed = "left out where the model brings its own optimizer"
        raise ConfigError(describe("find(optimizer=...)", allowed, optimizer, f"Set {model.label} up there."))
    batch_size = task.training.batch_size
    if replace(task.training, device="cpu") != Training(batch_size=batch_size, device="cpu"):
        allowed = "a batch size alone where the training step is its framework's own"
        raise ConfigError(describe("find(training=...)", allowed, task.training))

    def build(module: nn.Module) -> torch.optim.Optimizer:
        raise UnsupportedOptimizerError(f"{model.label} is no optimizer of torch: it belongs to its model.")

    return OptimizerSpec(label=model.label, name="", search_range=model.search_range, build=build)


def start_model(task: Task, seed: int, device: torch.device) -> nn.Module:
    """Return a model of one's own to train: a copy of the one given, or a new one built under `seed`.

    Modules that are in evaluation mode inside a model in training mode stay so (frozen normalisations); a
    model given in evaluation mode as a whole is switched to training.

    Raises:
        ModelError: If it cannot be copied, or the function does not build a module.
    """
    if isinstance(task.model, nn.Module):
        try:
            model = copy.deepcopy(task.model)
        except (RuntimeError, TypeError) as error:
            advice = f"Pass a function that builds it. copy.deepcopy says: {error}"
            raise ModelError(
                describe("find(model=...)", "a module that can be copied", task.model, advice)
            ) from error
        if not model.training:
            model.train()
    else:
        with own_draws(device):
            torch.default_generator.manual_seed(mix(seed, _WEIGHTS))
            model = task.model()
        if not isinstance(model, nn.Module):
            raise ModelError(describe("find(model=...)", "a function that returns a torch.nn.Module", model))
        model.train()
    for parameter in model.parameters():
        parameter.grad = None
        if isinstance(parameter, nn.UninitializedParameter):
            advice = "Run one batch through it first."
            raise ModelError(
                describe("find(model=...)", "a module without lazy parameters", type(model).__name__, advice)
            )
    return model


def device_of(task: Task) -> torch.device:
    """Return where a task is trained: where it says, else where its module is, else a GPU if there is one."""
    if isinstance(task.model, OwnStep):
        return torch.device("cpu")
    wanted = task.training.device
    if wanted != "auto":
        return torch.device(wanted)
    if isinstance(task.model, nn.Module):
        for parameter in task.model.parameters():
            if parameter.device.type != "cpu":
                return parameter.device
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
