"""Learning-rate-free optimizers, trained for the full length at their documented defaults.

They take the place of the case's optimizer: those like Adam that of adamw, those like SGD that of momentum;
for other optimizers there is no answer. Weight decay, momentum and the like are their own defaults too. What
they hand back is a trained model, so the answer is its validation loss, NaN if training diverged and None if
the package raised. The loop is plain PyTorch: shuffled batches, one thread, the trainable parameters.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from dadaptation import DAdaptAdam, DAdaptSGD
from dog import DoG, PolynomialDecayAverager
from prodigyopt import Prodigy
from schedulefree import AdamWScheduleFree, SGDScheduleFree
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools.tool import THREE, Plain, measured, plain
from rightrate.schedules import resolve, shape_values

__all__ = ["TOOLS", "Free"]

_SAME = {"constant": "constant", "cosine": "cosine", "linear": "linear"}
_CONSTANT = dict.fromkeys(_SAME, "constant")
_CONSTANT_OR_COSINE = {**_SAME, "linear": "cosine"}

_STATISTICS_BATCHES = 50
_REPS_REL_WITH_BATCH_NORM = 1e-4


@dataclass(frozen=True, kw_only=True)
class Free:
    """One optimizer of one package.

    Args:
        rows: The row of the table.
        package: The distribution.
        replaces: The optimizer of the cases it answers.
        train: Trains a case as the package documents and returns the model to be judged.
        schedules: Under which schedule it is trained, by that of the case: its documentation decides.
        seeds: Those it is asked with.
    """

    rows: tuple[str, ...]
    package: str
    replaces: str
    train: Callable[[Plain, str], nn.Module]
    schedules: dict[str, str]
    seeds: tuple[int, ...] = THREE

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return what training reached, or nothing if it does not take the place of the case's optimizer."""
        if case.optimizer != self.replaces:
            return []
        user = plain(case, seed)
        user.optimizer(
            1.0
        )  # torch imports its compiler with the first optimizer of a process: no answer's cost
        model, seconds, note = measured(lambda: self.train(user, self.schedules[case.schedule]))
        return [
            Answer(
                tool=self.rows[0],
                case=case,
                seed=seed,
                lr=None,
                loss=None if model is None else _validation_loss(model, user),
                steps=user.steps,
                seconds=seconds,
                note=note,
            )
        ]


def _parameters(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _has_batch_norm(model: nn.Module) -> bool:
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def _batches(loader: DataLoader[Any]) -> Iterator[Any]:
    while True:
        yield from loader


def _fit(user: Plain, optimizer: Optimizer, schedule: str, after: Callable[[], None] = lambda: None) -> None:
    """Train for the full length; `after` is called after every step."""
    shape = shape_values(resolve(schedule, total_steps=user.steps), user.steps)
    scheduler = LambdaLR(optimizer, lambda step: float(shape[min(step, user.steps - 1)]))
    user.model.train()
    for inputs, targets in itertools.islice(_batches(user.train), user.steps):
        optimizer.zero_grad()
        user.loss(user.model(inputs), targets).backward()
        optimizer.step()
        after()
        scheduler.step()


def _validation_loss(model: nn.Module, user: Plain) -> float:
    """Return the mean loss over all validation samples in evaluation mode; NaN if it is not finite."""
    model.eval()
    total, samples = 0.0, 0
    with torch.no_grad():
        for inputs, targets in user.valid:
            total += float(user.loss(model(inputs), targets)) * len(inputs)
            samples += len(inputs)
    return total / samples if math.isfinite(total) else math.nan


def _adaptive(make: Callable[[list[nn.Parameter]], Optimizer]) -> Callable[[Plain, str], nn.Module]:
    """Return a training whose learning rate stays 1 and is multiplied by the schedule."""

    def train(user: Plain, schedule: str) -> nn.Module:
        _fit(user, make(_parameters(user.model)), schedule)
        return user.model

    return train


def _schedule_free(make: Callable[[list[nn.Parameter]], Any]) -> Callable[[Plain, str], nn.Module]:
    """Return a training with the optimizer's own modes.

    Before a model with batch normalisation is judged, its statistics are those of 50 training batches at the
    averaged weights, as the package's documentation asks for.
    """

    def train(user: Plain, schedule: str) -> nn.Module:
        optimizer = make(_parameters(user.model))
        optimizer.train()
        _fit(user, optimizer, schedule)
        optimizer.eval()
        if _has_batch_norm(user.model):
            user.model.train()
            with torch.no_grad():
                for inputs, _ in itertools.islice(_batches(user.train), _STATISTICS_BATCHES):
                    user.model(inputs)
        return user.model

    return train


def _dog(user: Plain, schedule: str) -> nn.Module:
    """Train with DoG and return the averaged model, which its documentation calls crucial.

    `reps_rel` is the default, 1e-6, or for models with batch normalisation the value suggested there.
    """
    options = {"reps_rel": _REPS_REL_WITH_BATCH_NORM} if _has_batch_norm(user.model) else {}
    optimizer = DoG(_parameters(user.model), **options)
    averager = PolynomialDecayAverager(user.model)
    _fit(user, optimizer, schedule, after=averager.step)
    averaged: nn.Module = averager.averaged_model
    return averaged


TOOLS = (
    # "As a rule of thumb, we recommend either using no scheduler or using cosine annealing."
    Free(
        rows=("Prodigy",),
        package="prodigyopt",
        replaces="adamw",
        train=_adaptive(Prodigy),
        schedules=_CONSTANT_OR_COSINE,
    ),
    # "Use the same learning rate scheduler you would normally use on the problem."
    Free(
        rows=("D-Adaptation Adam",),
        package="dadaptation",
        replaces="adamw",
        train=_adaptive(DAdaptAdam),
        schedules=_SAME,
    ),
    Free(
        rows=("D-Adaptation SGD",),
        package="dadaptation",
        replaces="momentum",
        train=_adaptive(DAdaptSGD),
        schedules=_SAME,
    ),
    # "Schedule-Free learning does not require a decreasing learning rate schedule."
    Free(
        rows=("Schedule-Free AdamW",),
        package="schedulefree",
        replaces="adamw",
        train=_schedule_free(AdamWScheduleFree),
        schedules=_CONSTANT,
    ),
    Free(
        rows=("Schedule-Free SGD",),
        package="schedulefree",
        replaces="momentum",
        train=_schedule_free(SGDScheduleFree),
        schedules=_CONSTANT,
    ),
    # "Since we do not employ a step-size decay scheme, iterate averaging is crucial": no schedule.
    Free(rows=("DoG",), package="dog-optimizer", replaces="momentum", train=_dog, schedules=_CONSTANT),
)
