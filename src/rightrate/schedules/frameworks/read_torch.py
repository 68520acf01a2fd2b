"""torch's own schedulers, read."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from torch.optim import lr_scheduler as theirs

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules import (
    Cosine,
    Exponential,
    FloatArray,
    Linear,
    LinearWarmup,
    MultiStep,
    Polynomial,
    Schedule,
    Step,
    sequence,
)
from rightrate.schedules.frameworks.read_torch_cycles import (
    WHERE,
    base_of,
    cosine_restarts,
    cyclic,
    one_cycle,
)
from rightrate.schedules.frameworks.reading import Reading, then_constant
from rightrate.schedules.frameworks.torch import ScheduledLR

__all__ = ["read"]


def read(scheduler: Any, total_steps: int | None, group: int) -> Schedule:
    """Return the schedule of one parameter group; `rightrate.schedules.from_torch` has the description."""
    reading = _reading(scheduler, group)
    schedule = reading.schedule(WHERE, total_steps)
    step, rate = scheduler.last_epoch, float(scheduler.get_last_lr()[group])
    inside = step < schedule.total_steps
    if inside and not math.isclose(rate, schedule(step), rel_tol=1e-3, abs_tol=1e-6 * schedule.peak):
        allowed = f"{schedule(step)!r} at its step {step}, as its formula says"
        advice = "Something else changes the rate too, such as another scheduler of the same optimizer."
        raise ConfigError(describe(f"{WHERE}(scheduler): its rate", allowed, rate, advice))
    return schedule


def _reading(scheduler: Any, group: int) -> Reading:
    kind = type(scheduler)
    if kind not in _READERS:
        known = ", ".join(reader.__name__ for reader in _READERS)
        reason = _REASONS.get(kind.__name__, f"Known are {known}.")
        raise ConfigError(describe(f"{WHERE}(scheduler)", "a scheduler of a known formula", kind, reason))
    groups = len(scheduler.optimizer.param_groups)
    if _check.integer(f"{WHERE}(group=...)", group, low=0) >= groups:
        raise ConfigError(describe(f"{WHERE}(group=...)", f"less than {groups}, the number of groups", group))
    return _READERS[kind](scheduler, group)


def _length(scheduler: Any) -> int:
    """Return its `total_iters`; without any, torch never leaves the first rate, whatever the formula says."""
    return _check.integer(f"{WHERE}(scheduler): its total_iters", scheduler.total_iters, low=1)


def _ours(scheduler: Any, group: int) -> Reading:
    schedule, ratio = scheduler.schedule, scheduler.state_dict()["ratios"][group]
    return Reading(
        rates=lambda steps: ratio * schedule(steps),
        likely=lambda total: schedule * ratio,
        total_steps=schedule.total_steps,
    )


def _step(scheduler: Any, group: int) -> Reading:
    base, size, gamma = base_of(scheduler, group), scheduler.step_size, scheduler.gamma
    return Reading(
        rates=lambda steps: base * gamma ** np.floor(steps / size),
        likely=lambda total: Step(peak=base, total_steps=total, every_steps=size, factor=gamma),
    )


def _multi_step(scheduler: Any, group: int) -> Reading:
    base, gamma = base_of(scheduler, group), scheduler.gamma
    milestones = sorted(scheduler.milestones.elements())

    def likely(total: int) -> Schedule:
        reached = tuple(milestone for milestone in milestones if milestone < total)
        return MultiStep(peak=base, total_steps=total, milestones=reached, factor=gamma)

    return Reading(
        rates=lambda steps: base * gamma ** np.searchsorted(milestones, steps, side="right").astype(float),
        likely=likely,
    )


def _exponential(scheduler: Any, group: int) -> Reading:
    base, gamma = base_of(scheduler, group), scheduler.gamma
    return Reading(
        rates=lambda steps: base * gamma**steps,
        likely=lambda total: Exponential(peak=base, total_steps=total, decay_steps=1, rate=gamma),
    )


def _cosine(scheduler: Any, group: int) -> Reading:
    base, low, length = base_of(scheduler, group), scheduler.eta_min, scheduler.T_max
    return Reading(
        rates=lambda steps: low + (base - low) * (1 + np.cos(np.pi * steps / length)) / 2,
        likely=lambda total: Cosine(peak=base, total_steps=total, floor=low / base),
        total_steps=length,
    )


def _linear(scheduler: Any, group: int) -> Reading:
    base, length = base_of(scheduler, group), _length(scheduler)
    first, last = base * scheduler.start_factor, base * scheduler.end_factor

    def likely(total: int) -> Schedule:
        part: Schedule
        if first < last:
            part = LinearWarmup(peak=last, total_steps=length, start=first / last)
        else:
            part = Linear(peak=first, total_steps=length, floor=last / first)
        return then_constant(part, last, total)

    return Reading(
        rates=lambda steps: first + (last - first) * np.minimum(steps, length) / length, likely=likely
    )


def _constant(scheduler: Any, group: int) -> Reading:
    base, factor, length = base_of(scheduler, group), scheduler.factor, _length(scheduler)
    return Reading(rates=lambda steps: np.where(steps < length, base * factor, base))


def _polynomial(scheduler: Any, group: int) -> Reading:
    base, length, power = base_of(scheduler, group), _length(scheduler), scheduler.power
    return Reading(
        rates=lambda steps: base * (1 - np.minimum(steps, length) / length) ** power,
        likely=lambda total: Polynomial(peak=base, total_steps=total, power=power),
        total_steps=length,
    )


def _lambda(scheduler: Any, group: int) -> Reading:
    base, factor = base_of(scheduler, group), scheduler.lr_lambdas[group]
    if isinstance(factor, Schedule):
        ours = factor * base
        return Reading(rates=ours, likely=lambda total: ours, total_steps=ours.total_steps)
    return Reading(rates=lambda steps: np.array([base * float(factor(int(step))) for step in steps]))


def _multiplicative(scheduler: Any, group: int) -> Reading:
    base, factor = base_of(scheduler, group), scheduler.lr_lambdas[group]

    def rates(steps: FloatArray) -> FloatArray:
        return np.asarray(base * np.cumprod([1.0, *(float(factor(int(step))) for step in steps[1:])]))

    return Reading(rates=rates)


def _sequential(scheduler: Any, group: int) -> Reading:
    for index, part in enumerate(scheduler._schedulers):
        reason = _NO_PARTS.get(type(part), "")
        if reason and (index > 0 or isinstance(part, theirs.SequentialLR)):
            allowed = "a SequentialLR of schedulers of their own step"
            raise ConfigError(describe(f"{WHERE}(scheduler)", allowed, type(part), reason))
    parts = [_reading(part, group) for part in scheduler._schedulers]
    starts = [0, *scheduler._milestones]

    def lengths(total: int) -> list[int]:
        ends = [*starts[1:], total]
        return [max(min(end, total) - start, 0) for start, end in zip(starts, ends, strict=True)]

    def rates(steps: FloatArray) -> FloatArray:
        each = zip(parts, lengths(len(steps)), strict=True)
        return np.concatenate([part.rates(np.arange(float(length))) for part, length in each if length])

    def likely(total: int) -> Schedule:
        each = zip(parts, lengths(total), strict=True)
        return sequence(*(part.schedule(WHERE, length) for part, length in each if length))

    last = parts[-1].total_steps
    return Reading(rates=rates, likely=likely, total_steps=last and starts[-1] + last)


_READERS: dict[type, Callable[[Any, int], Reading]] = {
    ScheduledLR: _ours,
    theirs.StepLR: _step,
    theirs.MultiStepLR: _multi_step,
    theirs.ExponentialLR: _exponential,
    theirs.CosineAnnealingLR: _cosine,
    theirs.CosineAnnealingWarmRestarts: cosine_restarts,
    theirs.LinearLR: _linear,
    theirs.ConstantLR: _constant,
    theirs.PolynomialLR: _polynomial,
    theirs.OneCycleLR: one_cycle,
    theirs.CyclicLR: cyclic,
    theirs.LambdaLR: _lambda,
    theirs.MultiplicativeLR: _multiplicative,
    theirs.SequentialLR: _sequential,
}

_NO_PARTS: dict[type, str] = {
    theirs.SequentialLR: "Inside another one it is not started as by itself; write all parts in one list.",
    theirs.MultiplicativeLR: "After a milestone it starts from whatever rate it finds; read it by itself.",
}
"""What has other rates inside a `SequentialLR` than by itself; a `MultiplicativeLR` only as a later part."""

_REASONS = {
    "ReduceLROnPlateau": "Its rates follow a metric, not the step.",
    "ChainedScheduler": "Its parts multiply each other's rates step by step; read them one by one.",
    "SWALR": "It starts from whatever rate the optimizer has when averaging begins.",
}
