"""Keras's own schedules, read from what they say of themselves: Keras is not loaded for it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import (
    Cosine,
    CosineRestarts,
    Exponential,
    FloatArray,
    InverseTime,
    LinearWarmup,
    Polynomial,
    Schedule,
)
from rightrate.schedules.frameworks.reading import Reading, cycles, then_constant

__all__ = ["read"]

_WHERE = "from_keras"
_Config = Mapping[str, Any]


def read(schedule: Any, total_steps: int | None) -> Schedule:
    """Return our schedule; `rightrate.schedules.from_keras` has the description."""
    kind = type(schedule)
    if kind.__module__ == "rightrate.schedules.frameworks.keras":
        ours: Schedule = schedule.schedule
        reading = Reading(rates=ours, likely=lambda total: ours, total_steps=ours.total_steps)
    elif kind.__module__.split(".")[0] == "keras" and kind.__name__ in _READERS:
        reading = _READERS[kind.__name__](schedule.get_config())
    else:
        reason = f"Known are Keras's {', '.join(_READERS)}."
        raise ConfigError(describe(f"{_WHERE}(schedule)", "a schedule of a known formula", kind, reason))
    return reading.schedule(_WHERE, total_steps)


def _cosine(config: _Config) -> Reading:
    first, floor, length = config["initial_learning_rate"], config["alpha"], config["decay_steps"]
    peak, warm = (
        (first, 0) if config["warmup_target"] is None else (config["warmup_target"], config["warmup_steps"])
    )

    def rates(steps: FloatArray) -> FloatArray:
        passed = np.clip((steps - warm) / length, 0.0, 1.0)
        falling = peak * ((1 - floor) * 0.5 * (1 + np.cos(np.pi * passed)) + floor)
        rising = first + (peak - first) * steps / max(warm, 1)
        return np.asarray(np.where(steps < warm, rising, falling))

    def likely(total: int) -> Schedule:
        decay: Schedule = Cosine(peak=peak, total_steps=length, floor=floor)
        if warm:
            decay = LinearWarmup(peak=peak, total_steps=warm, start=first / peak) + decay
        return then_constant(decay, peak * floor, total)

    return Reading(rates=rates, likely=likely, total_steps=warm + length)


def _cosine_restarts(config: _Config) -> Reading:
    peak, floor = config["initial_learning_rate"], config["alpha"]
    first, growth, fall = config["first_decay_steps"], config["t_mul"], config["m_mul"]

    def rates(steps: FloatArray) -> FloatArray:
        cycle, passed = cycles(steps, first, growth)
        cosine = 0.5 * float(fall) ** cycle * (1 + np.cos(np.pi * passed))
        return np.asarray(peak * ((1 - floor) * cosine + floor))

    return Reading(
        rates=rates,
        likely=lambda total: CosineRestarts(
            peak=peak, total_steps=total, cycle_steps=first, growth=int(growth), floor=floor
        ),
    )


def _exponential(config: _Config) -> Reading:
    peak, length = config["initial_learning_rate"], config["decay_steps"]
    rate, staircase = config["decay_rate"], config["staircase"]
    return Reading(
        rates=lambda steps: peak * rate ** (np.floor(steps / length) if staircase else steps / length),
        likely=lambda total: Exponential(
            peak=peak, total_steps=total, decay_steps=length, rate=rate, staircase=staircase
        ),
    )


def _inverse_time(config: _Config) -> Reading:
    peak, length = config["initial_learning_rate"], config["decay_steps"]
    rate, staircase = config["decay_rate"], config["staircase"]
    return Reading(
        rates=lambda steps: peak / (1 + rate * (np.floor(steps / length) if staircase else steps / length)),
        likely=lambda total: InverseTime(
            peak=peak, total_steps=total, decay_steps=length, rate=rate, staircase=staircase
        ),
    )


def _piecewise(config: _Config) -> Reading:
    """Read `values[k]` up to and *with* `boundaries[k]`."""
    boundaries, values = np.array(config["boundaries"]), np.array(config["values"], dtype=np.float64)
    return Reading(rates=lambda steps: np.asarray(values[np.searchsorted(boundaries, steps, side="left")]))


def _polynomial(config: _Config) -> Reading:
    first, last = config["initial_learning_rate"], config["end_learning_rate"]
    length, power, cycle = config["decay_steps"], config["power"], config["cycle"]

    def rates(steps: FloatArray) -> FloatArray:
        ends = length * np.maximum(np.ceil(steps / length), 1.0) if cycle else float(length)
        return np.asarray((first - last) * (1 - np.minimum(steps, ends) / ends) ** power + last)

    def likely(total: int) -> Schedule:
        decay = Polynomial(peak=first, total_steps=length, power=power, floor=last / first)
        return then_constant(decay, last, total)

    return Reading(rates=rates, likely=likely, total_steps=None if cycle else length)


_READERS: dict[str, Callable[[_Config], Reading]] = {
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _cosine_restarts,
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
}
