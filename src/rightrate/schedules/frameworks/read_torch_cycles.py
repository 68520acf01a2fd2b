"""torch's schedulers that go round, read."""

import math
from typing import Any

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import (
    CosineRestarts,
    ExpRange,
    FloatArray,
    OneCycle,
    Schedule,
    Triangular,
    Triangular2,
)
from rightrate.schedules.frameworks.reading import Reading, cycles

__all__ = ["WHERE", "base_of", "cosine_restarts", "cyclic", "one_cycle"]

WHERE = "from_torch"


def base_of(scheduler: Any, group: int) -> float:
    """Return the rate of a group before its scheduler."""
    return float(scheduler.base_lrs[group])


def cosine_restarts(scheduler: Any, group: int) -> Reading:
    """Read a `CosineAnnealingWarmRestarts`."""
    base, low = base_of(scheduler, group), scheduler.eta_min
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


def one_cycle(scheduler: Any, group: int) -> Reading:
    """Read a `OneCycleLR`."""
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
            raise ConfigError(describe(f"{WHERE}(total_steps=...)", allowed, len(steps)))
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


def cyclic(scheduler: Any, group: int) -> Reading:
    """Read a `CyclicLR`."""
    low, high = base_of(scheduler, group), float(scheduler.max_lrs[group])
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
