"""Lightning modules, with their data module or their loaders."""

import contextlib
import copy
import inspect
import sys
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from rightrate.errors import ConfigError, DataError, describe
from rightrate.schedules import Schedule, Shape, per_epoch
from rightrate.schedules.frameworks import from_torch
from rightrate.tasks.adapted.question import Asked, batches_per_epoch, peak_one
from rightrate.tasks.task import Task, TaskInfo

__all__ = ["build", "owns", "task"]

_EPOCHS = 10.0
_SETTING = """\
def configure_optimizers(self):
    optimizer = YourOptimizer(self.parameters(), lr={lr})
    return {schedule}.lightning(optimizer)"""
_OWN = "# in configure_optimizers, with the scheduler that is there:\nlr = {lr}"
_CONSTANT = """\
def configure_optimizers(self):
    return YourOptimizer(self.parameters(), lr={lr})"""


def owns(model: Any) -> bool:
    """Say whether this is a LightningModule."""
    return isinstance(model, _classes("LightningModule"))


def _classes(name: str) -> tuple[type, ...]:
    """Return a class of Lightning from each of its two packages that is loaded."""
    packages = ("pytorch_lightning", "lightning.pytorch")
    return tuple(getattr(sys.modules[package], name) for package in packages if package in sys.modules)


def task(asked: Asked) -> tuple[Task, Shape | None]:
    """Return the task of a module, and the schedule of its `configure_optimizers`, if there is one.

    Its `training_step` gives the loss, on validation data too; it is called in evaluation mode there.

    Raises:
        ConfigError: If it optimizes by hand, or has several optimizers or none.
        DataError: If there are no training data.
    """
    module = _own(asked.model)
    if not module.automatic_optimization:
        advice = "Write a Task with step=f(model, batch) that returns the loss."
        raise ConfigError(
            describe("find(model=...)", "a module that optimizes automatically", module, advice)
        )
    train, valid = _data(asked)
    name = type(module).__name__
    schedule: Shape | None = None
    notes: tuple[str, ...] = ()
    length = _length(asked, train, valid)
    with _beside_a_trainer(module, length):
        optimizer, plan = _configured(module)
    if asked.schedule is None and plan is not None:
        schedule, notes = _schedule(plan, length, lambda: batches_per_epoch(train, valid, 1))
    _before_schedules(optimizer)
    setting = _OWN if schedule else _CONSTANT if asked.schedule in (None, "constant") else _SETTING
    made = Task(
        model=module,
        train=train,
        valid=valid,
        step=_step(module),
        info=TaskInfo(
            name=name,
            steps=None if schedule is None else length,
            optimizer=optimizer,
            notes=notes,
            setting=setting,
        ),
    )
    return made, schedule


def build(model: Any, lr: float, shape: Shape, torchs: Any) -> Any:
    """Return what `configure_optimizers` returns: the answer's optimizer, and its scheduler at every step."""
    optimizer, scheduler = torchs(model)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "frequency": 1},
    }


def _own(module: Any) -> Any:
    """Return a copy without its trainer, whose logging goes nowhere."""
    trainer = getattr(module, "_trainer", None)
    memo: dict[int, Any] = {} if trainer is None else {id(trainer): None}
    own = copy.deepcopy(module, memo)
    own._trainer = None
    own.log = own.log_dict = _ignored
    return own


def _ignored(*args: Any, **settings: Any) -> None:
    """Log nothing."""


def _data(asked: Asked) -> tuple[Any, Any]:
    """Return training and validation data: given, of a data module, or of the module itself."""
    train, valid = asked.train, asked.valid
    source: Any
    if isinstance(train, _classes("LightningDataModule")):
        source = copy.copy(train)  # what setup() sets is set here
        source.prepare_data()
        source.setup("fit")
    elif train is None:
        source = asked.model
    else:
        return train, valid
    hook = "train_dataloader"
    if not _overridden(source, hook):
        advice = "Pass a LightningDataModule or a DataLoader."
        raise DataError(describe("find(train=...)", "given, as the module brings no data", None, advice))
    found = source.val_dataloader() if valid is None and _overridden(source, "val_dataloader") else valid
    return _single(source.train_dataloader(), "train"), _single(found, "valid")


def _overridden(source: Any, hook: str) -> bool:
    bases = (*_classes("LightningModule"), *_classes("LightningDataModule"))
    return all(getattr(type(source), hook) is not getattr(base, hook) for base in bases)


def _single(loaders: Any, name: str) -> Any:
    if not isinstance(loaders, list | tuple | dict):
        return loaders
    if len(loaders) != 1:
        raise DataError(describe(f"find({name}=...)", "a single DataLoader", f"{len(loaders)} of them"))
    return next(iter(loaders.values() if isinstance(loaders, dict) else loaders))


def _length(asked: Asked, train: Any, valid: Any) -> int | None:
    own = asked.schedule.total_steps if isinstance(asked.schedule, Schedule) else None
    if asked.steps is not None or (own is not None and asked.epochs is None):
        return asked.length(own, None, epochs=_EPOCHS)
    return asked.length(None, batches_per_epoch(train, valid, asked.batch_size or 64), epochs=_EPOCHS)


@contextlib.contextmanager
def _beside_a_trainer(module: Any, length: int | None) -> Iterator[None]:
    """Let `configure_optimizers` ask its trainer for the length of the run."""
    module._trainer = SimpleNamespace(estimated_stepping_batches=length, max_steps=length)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a scheduler that is never stepped
            yield
    finally:
        module._trainer = None


def _configured(module: Any) -> tuple[Any, Any]:
    """Return the one optimizer and the scheduler, or its configuration, or None."""
    made = module.configure_optimizers()
    plan = None
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], list):
        optimizers, plans = made
        made, plan = optimizers, plans[0] if len(plans) == 1 else None
    if isinstance(made, list | tuple) and len(made) == 1:
        made = made[0]
    if isinstance(made, dict):
        made, plan = made["optimizer"], made.get("lr_scheduler")
    if made is None or isinstance(made, list | tuple):
        received = "none" if made is None else f"{len(made)} of them"
        raise ConfigError(describe("configure_optimizers()", "of one optimizer", received))
    return made, plan


def _before_schedules(optimizer: Any) -> None:
    """Put back what schedulers changed when they were made: rates, and momentum where that is cycled."""
    for group in optimizer.param_groups:
        group["lr"] = group.pop("initial_lr", group["lr"])
        if "max_momentum" in group:
            group.update({key: optimizer.defaults[key] for key in ("betas", "momentum") if key in group})


def _schedule(plan: Any, length: int | None, epoch: Any) -> tuple[Shape | None, tuple[str, ...]]:
    """Return the schedule of a scheduler, its peak divided out, or None and a sentence."""
    given = plan if isinstance(plan, dict) else {"scheduler": plan}
    scheduler, by_epoch = given["scheduler"], given.get("interval", "epoch") == "epoch"
    name = f"the module's {type(scheduler).__name__}"
    try:
        if not by_epoch:
            return peak_one(from_torch(scheduler, total_steps=length), name), ()
        batches = epoch() or 1
        epochs = max(1, -(-(length or batches) // batches))
        found = per_epoch(from_torch(scheduler, total_steps=epochs), batches)
    except ConfigError as error:
        said = f"{type(scheduler).__name__} cannot be read, so the search is for a constant rate: {error}"
        return None, (said,)
    return peak_one(found, name), ()


def _step(module: Any) -> Any:
    names = list(inspect.signature(module.training_step).parameters)

    def step(model: Any, batch: Any) -> Tensor:
        given = {"batch_idx": 0, "dataloader_idx": 0}
        extra = {name: value for name, value in given.items() if name in names}
        made = model.training_step(batch, **extra)
        loss: Tensor = made["loss"] if isinstance(made, dict) else made
        return loss

    return step
