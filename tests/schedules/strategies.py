"""Hypothesis strategies for schedules, over all fields of all of them."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from rightrate.schedules import (
    Clipped,
    Constant,
    Cosine,
    CosineRestarts,
    CosineWarmup,
    Exponential,
    ExponentialWarmup,
    ExpRange,
    Formula,
    InverseSqrt,
    InverseTime,
    Linear,
    LinearWarmup,
    MultiStep,
    OneCycle,
    PerEpoch,
    Piecewise,
    Polynomial,
    Restarted,
    Rex,
    Scaled,
    Schedule,
    Sequence,
    Shifted,
    Step,
    Triangular,
    Triangular2,
    WarmupStableDecay,
)

Draw = st.DrawFn
MOST_PARTS = 300
"""A run has at most about so many cycles or falls, to be quick to check."""

peaks = st.floats(min_value=1e-12, max_value=1e6)
floors = st.floats(min_value=0.0, max_value=1.0)
factors = st.floats(min_value=1e-3, max_value=1e3)
shares = st.floats(min_value=0.0, max_value=1.0, exclude_min=True)
totals = st.integers(min_value=1, max_value=10_000_000) | st.integers(min_value=1, max_value=12)
few = st.integers(min_value=1, max_value=6)


@st.composite
def lengths(draw: Draw) -> dict[str, int]:
    total_steps = draw(totals)
    return {
        "total_steps": total_steps,
        "warmup_steps": draw(st.integers(min_value=0, max_value=total_steps - 1)),
    }


def _period(draw: Draw, total: int) -> int:
    return draw(st.integers(min_value=1 + total // MOST_PARTS, max_value=2 * total + 1))


def _milestones(draw: Draw, run: dict[str, int]) -> tuple[int, ...]:
    inside = st.integers(min_value=run["warmup_steps"] + 1, max_value=run["total_steps"] - 1)
    return tuple(sorted(draw(st.sets(inside, min_size=1, max_size=5))))


def _timed(draw: Draw, run: dict[str, int]) -> dict[str, Any]:
    return {"decay_steps": _period(draw, run["total_steps"]), "staircase": draw(st.booleans())}


DECAYS: dict[type[Formula], Callable[[Draw, dict[str, int]], dict[str, Any]]] = {
    Constant: lambda draw, run: {},
    Linear: lambda draw, run: {"floor": draw(floors)},
    Cosine: lambda draw, run: {"floor": draw(floors)},
    Rex: lambda draw, run: {"floor": draw(floors)},
    Polynomial: lambda draw, run: {"power": draw(factors), "floor": draw(floors)},
    Exponential: lambda draw, run: {"rate": draw(shares), **_timed(draw, run)},
    InverseTime: lambda draw, run: {"rate": draw(factors), **_timed(draw, run)},
    InverseSqrt: lambda draw, run: {"timescale_steps": draw(st.none() | totals)},
    Step: lambda draw, run: {"every_steps": _period(draw, run["total_steps"]), "factor": draw(shares)},
    CosineRestarts: lambda draw, run: {
        "cycle_steps": _period(draw, run["total_steps"]),
        "growth": draw(st.integers(min_value=1, max_value=4)),
        "floor": draw(floors),
    },
    WarmupStableDecay: lambda draw, run: {
        "cooldown_steps": draw(st.integers(1, run["total_steps"] - run["warmup_steps"])),
        "cooldown": draw(st.sampled_from(["linear", "1-sqrt", "cosine"])),
        "floor": draw(floors),
    },
}


@st.composite
def decays(draw: Draw) -> Formula:
    kind = draw(st.sampled_from(list(DECAYS)))
    run = draw(lengths())
    return kind(peak=draw(peaks), **run, **DECAYS[kind](draw, run))


@st.composite
def multi_steps(draw: Draw) -> MultiStep:
    run = draw(lengths().filter(lambda run: run["warmup_steps"] < run["total_steps"] - 1))
    return MultiStep(peak=draw(peaks), **run, milestones=_milestones(draw, run), factor=draw(shares))


@st.composite
def triangles(draw: Draw) -> Formula:
    kind = draw(st.sampled_from([Triangular, Triangular2, ExpRange]))
    total_steps = draw(totals.filter(lambda total: total > 1))
    half = draw(st.integers(min_value=1 + total_steps // MOST_PARTS, max_value=total_steps - 1))
    gamma = {"gamma": draw(st.floats(1e-9, 1.0) | st.floats(0.999, 1.0))} if kind is ExpRange else {}
    run = {"total_steps": total_steps, "half_cycle_steps": half}
    return kind(peak=draw(peaks), **run, floor=draw(floors), **gamma)


one_cycles = st.builds(
    OneCycle,
    peak=peaks,
    total_steps=totals,
    rise_fraction=floors,
    start=floors,
    floor=floors,
    curve=st.sampled_from(["cosine", "linear"]),
)
warmups = st.one_of(
    st.builds(LinearWarmup, peak=peaks, total_steps=totals, start=st.none() | floors),
    st.builds(CosineWarmup, peak=peaks, total_steps=totals, start=st.none() | floors),
    st.builds(ExponentialWarmup, peak=peaks, total_steps=totals, start=st.none() | st.floats(1e-9, 1.0)),
)


@st.composite
def piecewise(draw: Draw) -> Piecewise:
    until = tuple(sorted(draw(st.sets(totals, min_size=1, max_size=5))))
    values = draw(st.lists(peaks | st.just(0.0), min_size=len(until), max_size=len(until)).filter(any))
    return Piecewise(until=until, values=tuple(values))


def formulas() -> st.SearchStrategy[Formula]:
    """Return the schedules that are one formula with a peak."""
    return st.one_of(decays(), multi_steps(), triangles(), one_cycles, warmups)


@st.composite
def wrapped(draw: Draw, inside: st.SearchStrategy[Schedule]) -> Schedule:
    """Return one combinator around schedules, which must be above 0 somewhere."""
    schedule = draw(inside)
    kind = draw(st.sampled_from([Scaled, Clipped, Shifted, Restarted, PerEpoch, Sequence]))
    if kind is Sequence:
        return Sequence(parts=(schedule, *draw(st.lists(inside, max_size=2))))
    if kind is Clipped:
        low, high = sorted(draw(st.tuples(peaks | st.just(0.0), peaks)))
        return Clipped(schedule=schedule, low=low, high=draw(st.none() | st.just(high or 1.0)))
    if kind is Shifted:
        return Shifted(schedule=schedule, skip_steps=draw(st.integers(0, schedule.total_steps - 1)))
    if kind is Scaled:
        return Scaled(schedule=schedule, factor=draw(factors))
    return (
        Restarted(schedule=schedule, times=draw(few))
        if kind is Restarted
        else PerEpoch(schedule=schedule, steps_per_epoch=draw(few))
    )


def _no_zero_part(schedule: Schedule) -> bool:
    """Whether no rate is 0, so that whatever is cut from it is a schedule."""
    return bool(schedule(0) > 0 and schedule(schedule.total_steps - 1) > 0)


def schedules() -> st.SearchStrategy[Schedule]:
    """Return every kind of schedule, and schedules of schedules."""
    simple = formulas() | piecewise()
    return simple | st.recursive(simple.filter(_no_zero_part), wrapped, max_leaves=4)
