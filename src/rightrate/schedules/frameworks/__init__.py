"""Schedules in other frameworks, and theirs here: one file a framework, each loads it on first use.

The methods of `Schedule` (`torch`, `keras`, `optax`, `transformers`, `lightning`) lead here.
"""

from typing import Any

from rightrate.schedules.base import Schedule

__all__ = ["from_keras", "from_torch"]


def from_torch(scheduler: Any, *, total_steps: int | None = None, group: int = 0) -> Schedule:
    """Return the schedule of an existing torch scheduler, from its first step on.

    Read are `StepLR`, `MultiStepLR`, `ExponentialLR`, `CosineAnnealingLR`, `CosineAnnealingWarmRestarts`,
    `LinearLR`, `ConstantLR`, `PolynomialLR`, `OneCycleLR`, `CyclicLR`, `LambdaLR`, `MultiplicativeLR`,
    `SequentialLR` of these, and what `schedule.torch(optimizer)` made. The rates of all steps are computed
    from torch's formulas; where one of our schedules has them all it is returned by name, otherwise a
    `Piecewise` with one value for each step at which the rate changes.

    Steps are calls of `scheduler.step()`. Where that is called once an epoch, put the answer into
    `per_epoch(..., steps_per_epoch)`. Where some calls have been made already, `shifted(..., skip_steps=
    scheduler.last_epoch)` is what is left. Momentum, which `OneCycleLR` and `CyclicLR` change too, is left
    out.

    Args:
        scheduler: The scheduler. It is not changed.
        total_steps: The length of the run in calls of `step()`, >= 1. It may be left out where the scheduler
            knows it: `T_max`, `total_steps`, and `total_iters` of a polynomial.
        group: The parameter group whose rates are read.

    Raises:
        ConfigError: If the scheduler cannot be read, with the reason; if it does not know its length and none
            is given; or if the optimizer's rate is not what the scheduler alone makes of it.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        >>> from_torch(torch.optim.lr_scheduler.StepLR(optimizer, step_size=30), total_steps=90)
        Step(peak=0.1, total_steps=90, warmup_steps=0, every_steps=30, factor=0.1)
    """
    from rightrate.schedules.frameworks.read_torch import read

    return read(scheduler, total_steps, group)


def from_keras(schedule: Any, *, total_steps: int | None = None) -> Schedule:
    """Return the schedule of an existing Keras `LearningRateSchedule`.

    Read are `CosineDecay`, `CosineDecayRestarts`, `ExponentialDecay`, `InverseTimeDecay`,
    `PiecewiseConstantDecay`, `PolynomialDecay`, and what `schedule.keras()` made. The rates of all steps are
    computed in float64 from Keras's formulas, which compute them in float32; where one of our schedules has
    them all it is returned by name, otherwise a `Piecewise` with one value for each step at which the rate
    changes. Where restarts grow by a fraction, Keras may miss one by a step, as it rounds a logarithm.

    Args:
        schedule: The schedule.
        total_steps: The length of the run in steps, >= 1. It may be left out where `decay_steps` says where
            the rate arrives at its end: `CosineDecay`, after its warm-up, and `PolynomialDecay` without
            `cycle`.

    Raises:
        ConfigError: If the schedule cannot be read, with the reason, or does not know its length and none is
            given.
    """
    from rightrate.schedules.frameworks.read_keras import read

    return read(schedule, total_steps)
