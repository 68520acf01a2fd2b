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
    CosineRestarts,
    Exponential,
    ExpRange,
    FloatArray,
    Linear,
    LinearWarmup,
    MultiStep,
    OneCycle,
    Polynomial,
    Schedule,
    Step,
    Triangular,
    Triangular2,
    sequence,
)
from rightrate.schedules.frameworks.reading import Reading, cycles, then_constant
from rightrate.schedules.frameworks.torch import ScheduledLR

__all__ = ["read"]

_WHERE = "from_torch"


def read(scheduler: Any, total_steps: int | None, group: int) -> Schedule:
    """Return the schedule of one parameter group; `rightrate.schedules.from_torch` has the description."""
    reading = _reading(scheduler, group)
    schedule = reading.schedule(_WHERE, total_steps)
    step, rate = scheduler.last_epoch, float(scheduler.get_last_lr()[group])
    inside = step < schedule.total_steps
    if inside and not math.isclose(rate, schedule(step), rel_tol=1e-3, abs_tol=1e-6 * schedule.peak):
        allowed = f"{schedule(step)!r} at its step {step}, as its formula says"
        advice = "Something else changes the rate too, such as another scheduler of the same optimizer."
        raise ConfigError(describe(f"{_WHERE}(scheduler): its rate", allowed, rate, advice))
    return schedule


def _reading(scheduler: Any, group: int) -> Reading:
    kind = type(scheduler)
    if kind not in _READERS:
        known = ", ".join(reader.__name__ for reader in _READERS)
        reason = _REASONS.get(kind.__name__, f"Known are {known}.")
        raise ConfigError(describe(f"{_WHERE}(scheduler)", "a scheduler of a known formula", kind, reason))
    groups = len(scheduler.optimizer.param_groups)
    if _check.integer(f"{_WHERE}(group=...)", group, low=0) >= groups:
        raise ConfigError(
            describe(f"{_WHERE}(group=...)", f"less than {groups}, the number of groups", group)
        )
    return _READERS[kind](scheduler, group)


def _base(scheduler: Any, group: int) -> float:
    return float(scheduler.base_lrs[group])


def _ours(scheduler: Any, group: int) -> Reading:
    schedule, ratio = scheduler.schedule, scheduler.state_dict()["ratios"][group]
    return Reading(
        rates=lambda steps: ratio * schedule(steps),
        likely=lambda total: schedule * ratio,
        total_steps=schedule.total_steps,
    )


def _step(scheduler: Any, group: int) -> Reading:
    base, size, gamma = _base(scheduler, group), scheduler.step_size, scheduler.gamma
    return Reading(
        rates=lambda steps: base * gamma ** np.floor(steps / size),
        likely=lambda total: Step(peak=base, total_steps=total, every_steps=size, factor=gamma),
    )


def _multi_step(scheduler: Any, group: int) -> Reading:
    base, gamma = _base(scheduler, group), scheduler.gamma
    milestones = sorted(scheduler.milestones.elements())

    def likely(total: int) -> Schedule:
        reached = tuple(milestone for milestone in milestones if milestone < total)
        return MultiStep(peak=base, total_steps=total, milestones=reached, factor=gamma)

    return Reading(
        rates=lambda steps: base * gamma ** np.searchsorted(milestones, steps, side="right").astype(float),
        likely=likely,
    )


def _exponential(scheduler: Any, group: int) -> Reading:
    base, gamma = _base(scheduler, group), scheduler.gamma
    return Reading(
        rates=lambda steps: base * gamma**steps,
        likely=lambda total: Exponential(peak=base, total_steps=total, decay_steps=1, rate=gamma),
    )


def _cosine(scheduler: Any, group: int) -> Reading:
    base, low, length = _base(scheduler, group), scheduler.eta_min, scheduler.T_max
    return Reading(
        rates=lambda steps: low + (base - low) * (1 + np.cos(np.pi * steps / length)) / 2,
        likely=lambda total: Cosine(peak=base, total_steps=total, floor=low / base),
        total_steps=length,
    )


def _cosine_restarts(scheduler: Any, group: int) -> Reading:
    base, low = _base(scheduler, group), scheduler.eta_min
    first, growth = scheduler.T_0, scheduler.T_mult

    def rates(steps: FloatArray) -> FloatArray:
        _, passed = cycles(steps, first, growth)
        return np.asarray(low + (base - low) * (1 + np.cos(np.pi * passed)) / 2)

    return Reading(
        rates=rates,
        likely=lambda total: CosineRestarts(
            peak=base, total_steps=total, cycle_steps=first, growth=growth, floor=low / base
        ),
    )


def _linear(scheduler: Any, group: int) -> Reading:
    base, length = _base(scheduler, group), scheduler.total_iters
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
    base, factor, length = _base(scheduler, group), scheduler.factor, scheduler.total_iters
    return Reading(rates=lambda steps: np.where(steps < length, base * factor, base))


def _polynomial(scheduler: Any, group: int) -> Reading:
    base, length, power = _base(scheduler, group), scheduler.total_iters, scheduler.power
    return Reading(
        rates=lambda steps: base * (1 - np.minimum(steps, length) / length) ** power,
        likely=lambda total: Polynomial(peak=base, total_steps=total, power=power),
        total_steps=length,
    )


def _one_cycle(scheduler: Any, group: int) -> Reading:
    settings = scheduler.optimizer.param_groups[group]
    phases, length, peak = scheduler._schedule_phases, scheduler.total_steps, settings["max_lr"]

    def rate(step: float) -> float:
        start = 0.0
        for phase in phases[:-1]:
            if step <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = phases[-1]
        passed = (step - start) / (phase["end_step"] - start) if step > start else 0.0
        return float(scheduler._anneal_func(settings[phase["start_lr"]], settings[phase["end_lr"]], passed))

    def rates(steps: FloatArray) -> FloatArray:
        if len(steps) > length:
            allowed = f"at most its own total_steps={length}"
            raise ConfigError(describe(f"{_WHERE}(total_steps=...)", allowed, len(steps)))
        return np.array([rate(step) for step in steps.tolist()])

    return Reading(
        rates=rates,
        likely=lambda total: OneCycle(
            peak=peak,
            total_steps=total,
            rise_fraction=(phases[0]["end_step"] + 1) / length,
            start=settings["initial_lr"] / peak,
            floor=settings["min_lr"] / peak,
            curve="cosine" if scheduler._anneal_func_type == "cos" else "linear",
        ),
        total_steps=length,
    )


def _cyclic(scheduler: Any, group: int) -> Reading:
    low, high = _base(scheduler, group), float(scheduler.max_lrs[group])
    size, up = scheduler.total_size, scheduler.step_ratio

    def rate(step: float) -> float:
        cycle = math.floor(1 + step / size)
        passed = 1.0 + step / size - cycle
        height = passed / up if passed <= up else (passed - 1) / (up - 1)
        place = cycle if scheduler.scale_mode == "cycle" else step
        return float(low + (high - low) * height * scheduler.scale_fn(place))

    def likely(total: int) -> Schedule:
        half = round(size / 2)
        if scheduler.mode != "exp_range":
            kind = Triangular2 if scheduler.mode == "triangular2" else Triangular
            return kind(peak=high, total_steps=total, half_cycle_steps=half, floor=low / high)
        peak = max(rate(step) for step in range(half + 1))
        floor, gamma = low / peak, scheduler.gamma
        return ExpRange(peak=peak, total_steps=total, half_cycle_steps=half, floor=floor, gamma=gamma)

    return Reading(rates=lambda steps: np.array([rate(step) for step in steps.tolist()]), likely=likely)


def _lambda(scheduler: Any, group: int) -> Reading:
    base, factor = _base(scheduler, group), scheduler.lr_lambdas[group]
    if isinstance(factor, Schedule):
        ours = factor * base
        return Reading(rates=ours, likely=lambda total: ours, total_steps=ours.total_steps)
    return Reading(rates=lambda steps: np.array([base * float(factor(int(step))) for step in steps]))


def _multiplicative(scheduler: Any, group: int) -> Reading:
    base, factor = _base(scheduler, group), scheduler.lr_lambdas[group]

    def rates(steps: FloatArray) -> FloatArray:
        return np.asarray(base * np.cumprod([1.0, *(float(factor(int(step))) for step in steps[1:])]))

    return Reading(rates=rates)


def _sequential(scheduler: Any, group: int) -> Reading:
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
        return sequence(*(part.schedule(_WHERE, length) for part, length in each if length))

    last = parts[-1].total_steps
    return Reading(rates=rates, likely=likely, total_steps=last and starts[-1] + last)


_READERS: dict[type, Callable[[Any, int], Reading]] = {
    ScheduledLR: _ours,
    theirs.StepLR: _step,
    theirs.MultiStepLR: _multi_step,
    theirs.ExponentialLR: _exponential,
    theirs.CosineAnnealingLR: _cosine,
    theirs.CosineAnnealingWarmRestarts: _cosine_restarts,
    theirs.LinearLR: _linear,
    theirs.ConstantLR: _constant,
    theirs.PolynomialLR: _polynomial,
    theirs.OneCycleLR: _one_cycle,
    theirs.CyclicLR: _cyclic,
    theirs.LambdaLR: _lambda,
    theirs.MultiplicativeLR: _multiplicative,
    theirs.SequentialLR: _sequential,
}

_REASONS = {
    "ReduceLROnPlateau": "Its rates follow a metric, not the step.",
    "ChainedScheduler": "Its parts multiply each other's rates step by step; read them one by one.",
    "SWALR": "It starts from whatever rate the optimizer has when averaging begins.",
}
