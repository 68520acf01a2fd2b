"""skorch's nets, in their own parameter: `lr`."""

from typing import Any

import torch
from torch import Tensor

from rightrate.errors import DataError, describe
from rightrate.schedules import Constant, Schedule, Shape
from rightrate.schedules.scaled import scaled
from rightrate.tasks.adapted.question import Asked
from rightrate.tasks.batches import training_source
from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["build", "owns", "task"]

_SCHEDULED = """\
from skorch.callbacks import LRScheduler
from rightrate.schedules.frameworks.torch import ScheduledLR

net.set_params(
    lr={lr},
    callbacks=[LRScheduler(ScheduledLR, schedule={schedule}, step_every="batch")],
)"""


def owns(model: Any) -> bool:
    """Say whether this is a net of skorch."""
    from skorch import NeuralNet

    return isinstance(model, NeuralNet)


def task(asked: Asked) -> tuple[Task, None]:
    """Return the task of a net: its module, its loss, its optimizer, its batches and epochs.

    A net that is initialized starts from its weights. Callbacks play no part.

    Raises:
        DataError: If there are no training data.
    """
    net = asked.model
    if asked.train is None:
        raise DataError(describe("find(train=...)", "given beside a net", None, "Pass (X, y)."))
    own = _initialized(net)
    constant = asked.schedule in (None, "constant")
    batch_size = asked.batch_size or net.batch_size
    device = str(net.device or "cpu")
    made = Task(
        model=own.module_,
        train=asked.train,
        valid=asked.valid,
        loss=_loss(own),
        training=Training(batch_size=_whole(asked) if batch_size == -1 else batch_size, device=device),
        info=TaskInfo(
            name=type(net).__name__,
            optimizer=own.optimizer_,
            notes=_notes(net),
            setting="net.set_params(lr={lr})" if constant else _SCHEDULED,
        ),
    )
    return made, None


def build(model: Any, lr: float, shape: Shape, torchs: Any) -> Any:
    """Return a clone of the net, not initialized, with the rate, and with the schedule as a callback."""
    from sklearn.base import clone
    from skorch.callbacks import LRScheduler

    from rightrate.schedules.frameworks.torch import ScheduledLR

    new = clone(model).set_params(lr=lr)
    if not isinstance(shape, Schedule):
        lambdas = LRScheduler(torch.optim.lr_scheduler.LambdaLR, lr_lambda=shape, step_every="batch")
        return new.set_params(callbacks=[*(model.callbacks or ()), lambdas])
    if shape == Constant(total_steps=shape.total_steps):
        return new
    follow = LRScheduler(ScheduledLR, schedule=scaled(shape, lr), step_every="batch")
    return new.set_params(callbacks=[*(model.callbacks or ()), follow])


def _initialized(net: Any) -> Any:
    """Return a clone with module, loss and optimizer made; weights are the net's own where it has some."""
    from sklearn.base import clone

    with torch.random.fork_rng(devices=[]):
        own = clone(net).set_params(callbacks="disable", verbose=0).initialize()
    if net.initialized_:
        own.module_.load_state_dict(net.module_.state_dict())
    return own


def _whole(asked: Asked) -> int:
    """Return the batch size that makes one batch of all samples."""
    samples = training_source(asked.train, batch_size=1, device="cpu").samples
    if samples is None:
        raise DataError(describe("find(train=...)", "of known length where batch_size is -1", asked.train))
    return samples


def _loss(net: Any) -> Any:
    """Return the net's own loss, which for a classifier knows of probabilities."""

    def loss(outputs: Any, targets: Any) -> Tensor:
        value: Tensor = net.get_loss(outputs, targets, X=None, training=True)
        return value

    return loss


def _notes(net: Any) -> tuple[str, ...]:
    names = [type(item[1] if isinstance(item, tuple) else item).__name__ for item in net.callbacks or ()]
    if not names or net.callbacks == "disable":
        return ()
    return (f"The search leaves out the net's callbacks: {', '.join(names)}.",)
