"""Keras models, on the TensorFlow, JAX and PyTorch backends."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from rightrate.errors import ConfigError, DataError, describe
from rightrate.schedules import Constant, Schedule, Shape
from rightrate.schedules.frameworks import from_keras
from rightrate.schedules.scaled import scaled
from rightrate.tasks.adapted.keras_loss import KerasLoss
from rightrate.tasks.adapted.keras_model import KerasModel
from rightrate.tasks.adapted.question import Asked, Named, batches_per_epoch, peak_one
from rightrate.tasks.kinds import is_array
from rightrate.tasks.metrics import accuracy
from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["build", "owns", "task"]

_BATCH = 32


def owns(model: Any) -> bool:
    """Say whether this is a Keras model."""
    import keras

    return isinstance(model, keras.Model)


def task(asked: Asked) -> tuple[Task, Shape | None]:
    """Return the task of a compiled model, and the schedule it was compiled with, if any.

    Raises:
        ConfigError: If it is not compiled, not built, or has several outputs with losses of their own.
        DataError: If the data cannot be used.
    """
    model = asked.model
    if not getattr(model, "compiled", False):
        advice = "Call model.compile(optimizer=..., loss=...) first: both are part of the search."
        raise ConfigError(describe("find(model=...)", "a compiled Keras model", model, advice))
    if not model.built:
        advice = "Call it on one batch first, so that it has weights."
        raise ConfigError(describe("find(model=...)", "a Keras model that is built", model, advice))
    if asked.train is None:
        raise DataError(describe("find(train=...)", "given beside a Keras model", None, "Pass (x, y)."))
    loss = KerasLoss(model.loss)
    own = KerasModel(model, loss)
    train, valid = _data(asked.train), _data(asked.valid)
    batch_size = asked.batch_size or _BATCH
    schedule = asked.schedule
    found = _schedule(asked, train, valid, batch_size) if schedule is None else None
    constant = schedule == "constant" or (schedule is None and found is None)
    rate = "{lr}" if constant else "{schedule}.keras()"
    made = Task(
        model=own,
        train=train,
        valid=valid,
        loss=loss,
        metrics={"accuracy": accuracy} if loss.classes else {},
        training=Training(batch_size=batch_size, device="cpu"),
        info=TaskInfo(
            name=model.name, optimizer=own.label, setting=f"model.optimizer.learning_rate = {rate}"
        ),
    )
    return made, found


def build(model: Any, lr: float, shape: Shape, torchs: Any) -> Any:
    """Return a Keras optimizer of the model's settings with the answer, for `compile(optimizer=...)`.

    Raises:
        ConfigError: If the schedule is a function, which cannot be compiled into a training step.
    """
    shape = shape.schedule if isinstance(shape, Named) else shape
    if not isinstance(shape, Schedule):
        allowed = "a name, a text or a Schedule where Keras is to follow it"
        raise ConfigError(describe("find(schedule=...)", allowed, shape))
    constant = shape == Constant(total_steps=shape.total_steps)
    rate = lr if constant else scaled(shape, lr).keras()
    return type(model.optimizer).from_config({**model.optimizer.get_config(), "learning_rate": rate})


def _schedule(asked: Asked, train: Any, valid: Any, batch_size: int) -> Shape | None:
    """Return the schedule the optimizer was compiled with, its peak divided out."""
    import keras

    config = asked.model.optimizer.get_config()["learning_rate"]
    if not isinstance(config, dict):
        return None
    length = asked.steps
    if asked.epochs is not None:
        length = asked.length(None, batches_per_epoch(train, valid, batch_size), epochs=1.0)
    theirs = keras.optimizers.schedules.deserialize(config)
    return peak_one(from_keras(theirs, total_steps=length), f"the optimizer's {type(theirs).__name__}")


def _data(data: Any) -> Any:
    """Return arrays as they are, and batches of Keras or TensorFlow as batches of tensors."""
    if data is None or isinstance(data, torch.utils.data.DataLoader):
        return data
    if isinstance(data, tuple | list) and len(data) == 2 and all(is_array(part) for part in data):
        return tuple(data)
    if isinstance(data, tuple | list | dict) or is_array(data):
        allowed = "a pair (x, y) of arrays, or batches (x, y), beside a Keras model"
        raise DataError(describe("find(train=...)", allowed, data))
    return _Batches(data)


class _Batches:
    """Batches (x, y) of a Keras dataset or of `tf.data`, as tensors."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def __iter__(self) -> Iterator[Any]:
        source = self._source
        indexed = hasattr(source, "__getitem__")  # a PyDataset, whose iteration never ends
        for batch in (source[place] for place in range(len(source))) if indexed else source:
            if len(batch) != 2:
                advice = "Weights of samples are not taken."
                raise DataError(describe("A batch", "a pair (x, y)", f"{len(batch)} parts", advice))
            yield tuple(_tensors(part) for part in batch)


def _tensors(nest: Any) -> Any:
    if isinstance(nest, dict):
        return {key: _tensors(value) for key, value in nest.items()}
    if isinstance(nest, tuple | list):
        return type(nest)(_tensors(value) for value in nest)
    return torch.from_numpy(np.array(nest))
