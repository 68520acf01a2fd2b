"""The Trainer of Hugging Face's transformers."""

import copy
import math
import warnings
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from rightrate.errors import ConfigError, DataError, describe
from rightrate.schedules import Shape
from rightrate.schedules.frameworks import from_torch
from rightrate.tasks.adapted.question import Asked, peak_one
from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["build", "owns", "task"]


def owns(model: Any) -> bool:
    """Say whether this is a Trainer."""
    from transformers import Trainer

    return isinstance(model, Trainer)


def task(asked: Asked) -> tuple[Task, Shape | None]:
    """Return the task of a Trainer, and the schedule its arguments ask for.

    Model, data, collator, loss, optimizer with its groups, schedule, length, accumulation, clipping and
    bfloat16 are the Trainer's.

    Raises:
        ConfigError: If the Trainer has what a search cannot follow.
        DataError: If it has no training data, or others are given beside it.
    """
    trainer, args = asked.model, asked.model.args
    if asked.train is not None or asked.valid is not None:
        raise DataError(
            describe("find(train=...)", "left out beside a Trainer, which brings its own", "data")
        )
    if trainer.train_dataset is None:
        raise DataError(describe("Trainer(train_dataset=...)", "given", None))
    if args.fp16:
        raise ConfigError(describe("TrainingArguments(fp16=...)", "False", True, "bf16 is taken."))
    own = copy.copy(trainer)  # what creating an optimizer sets is set here
    own.model = copy.deepcopy(trainer.model)
    train = _loader(trainer.get_train_dataloader(), args.train_batch_size, shuffle=True)
    valid = None
    if trainer.eval_dataset is not None:
        valid = _loader(trainer.get_eval_dataloader(), args.eval_batch_size, shuffle=False)
    accumulate = args.gradient_accumulation_steps
    length = _length(asked, len(train), accumulate)
    optimizer, schedule = _optimizer(own, trainer, length, wanted=asked.schedule is None)
    made = Task(
        model=own.model,
        train=train,
        valid=valid,
        step=_step(own),
        training=Training(
            accumulate=accumulate,
            clip_norm=args.max_grad_norm or None,
            autocast="bfloat16" if args.bf16 else None,
            device=str(args.device),
        ),
        info=TaskInfo(
            name=type(trainer.model).__name__,
            steps=length,
            optimizer=optimizer,
            setting="TrainingArguments(learning_rate={lr})"
            if asked.schedule is None
            else "Trainer(optimizers={schedule}.transformers(optimizer))",
        ),
    )
    return made, schedule


def build(model: Any, lr: float, shape: Shape, torchs: Any) -> Any:
    """Return the Trainer's arguments with the rate; their schedule stays."""
    arguments = copy.copy(model.args)  # not made anew: that resets the devices of every Trainer there is
    arguments.learning_rate = lr
    return arguments


def _loader(prepared: Any, batch_size: int, *, shuffle: bool) -> DataLoader[Any]:
    """Return a plain loader of what the Trainer's own loads."""
    return DataLoader(
        prepared.dataset, batch_size=batch_size, shuffle=shuffle, collate_fn=prepared.collate_fn
    )


def _length(asked: Asked, batches: int, accumulate: int) -> int:
    args = asked.model.args
    per_epoch = max(1, math.ceil(batches / accumulate))
    own = args.max_steps if args.max_steps > 0 else math.ceil(args.num_train_epochs * per_epoch)
    return asked.length(own, per_epoch, epochs=args.num_train_epochs) or own


def _optimizer(own: Any, trainer: Any, length: int, *, wanted: bool) -> tuple[Any, Shape | None]:
    """Return an optimizer over the copy's parameters, and the Trainer's schedule, its peak divided out."""
    given = trainer.optimizer
    own.optimizer = own.lr_scheduler = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a scheduler that is never stepped
        optimizer = own.create_optimizer() if given is None else _over_copy(given, trainer.model, own.model)
        scheduler = own.create_scheduler(length, optimizer) if wanted else None
    schedule = None
    if scheduler is not None:
        name = f"the Trainer's {getattr(trainer.args.lr_scheduler_type, 'value', type(scheduler).__name__)}"
        schedule = peak_one(from_torch(scheduler, total_steps=length), name)
    for group in optimizer.param_groups:
        group["lr"] = group.pop("initial_lr", group["lr"])
    return optimizer, schedule


def _over_copy(optimizer: Any, model: Any, copied: Any) -> Any:
    """Return a copy of an optimizer, without its memory, over the parameters of a copy of its model."""
    memo: dict[int, Any] = {
        id(theirs): ours for theirs, ours in zip(model.parameters(), copied.parameters(), strict=True)
    }
    new = copy.deepcopy(getattr(optimizer, "optimizer", optimizer), memo)
    new.state.clear()
    return new


def _step(trainer: Any) -> Any:
    def step(model: Any, batch: Any) -> Tensor:
        loss: Tensor = trainer.compute_loss(model, dict(batch))
        return loss

    return step
