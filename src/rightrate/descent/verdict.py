"""What became of a descent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from rightrate.descent.place import place_of
from rightrate.descent.slope import Slope, norm
from rightrate.schedules import FloatArray

__all__ = ["Status", "Walk", "judged", "ran_away", "unmoved"]

Status = Literal["converged", "slow", "oscillating", "diverged", "stuck"]

UNMOVED_STEPS = 10
_RUNAWAY = 1e10
_ROUNDING = float(np.finfo(np.float64).eps)
_STRAIGHT = 0.5
_GROWING = 1.01
_CLOSER = 0.9
_NOTICEABLE = 1e-6
_NEAR = 0.1
_PLACES = {
    "saddle": ("a saddle or a maximum", "there is a direction in which the function falls on both sides"),
    "ledge": (
        "a flat place that is no minimum",
        "there is a direction in which the function falls on and on",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Where a descent was: one entry for the start and one for each step.

    Args:
        points: The points.
        values: The function's value at each.
        norms: The gradient's norm at each.
        lrs: The rate of each step, one fewer.
        limit: The gradient norm that counts as near zero.
        decay: The rule's weight decay.
    """

    points: Sequence[FloatArray]
    values: Sequence[float]
    norms: Sequence[float]
    lrs: Sequence[float]
    limit: float
    decay: float = 0.0

    @property
    def steps(self) -> int:
        """The steps taken."""
        return len(self.lrs)


def ran_away(walk: Walk) -> bool:
    """Return whether value or gradient are not finite, or the gradient is 1e10 times that of the start."""
    size = walk.norms[-1]
    return not (math.isfinite(walk.values[-1]) and size <= _RUNAWAY * max(1.0, walk.norms[0]))


def unmoved(before: FloatArray, after: FloatArray) -> bool:
    """Return whether a step is lost in rounding."""
    return norm(after - before) <= _ROUNDING * norm(before)


def judged(walk: Walk, slope: Slope) -> tuple[Status, str]:
    """Return what became of a descent that has ended, and a sentence; `descend` has the definitions."""
    if ran_away(walk):
        return "diverged", _run_away(walk)
    size = f"the gradient norm is {walk.norms[-1]:.2g}, near zero is {walk.limit:.2g}"
    after = f"after {_steps(walk.steps)}"
    if walk.norms[-1] <= walk.limit:
        return _at_rest(walk, slope, size)
    recent = walk.points[-UNMOVED_STEPS - 1 :]
    if all(unmoved(a, b) for a, b in pairwise(recent)):
        cause = "The learning rate is 0" if walk.lrs[-1] == 0 else "Steps are too small to change the point"
        return "stuck", f"{cause} {after}, and {size}. Raise the learning rate."
    if _climbs(walk.values):
        risen = f"from {walk.values[0]:.4g} to {walk.values[-1]:.4g}"
        return "diverged", f"The value rose {risen} in {_steps(walk.steps)}. Lower the learning rate."
    swings = _swings(walk)
    if swings is not None:
        closing = _closes_in(walk.norms)
        how, advice = ("closing in", "or take more steps") if closing else ("no nearer", "or let it fall")
        return "oscillating", f"{swings[0]}, {how}: {swings[1]}; {size}. Lower the learning rate, {advice}."
    return "slow", _on_its_way(walk, f"{after}: {size}")


def _at_rest(walk: Walk, slope: Slope, size: str) -> tuple[Status, str]:
    """Return what kind of place was found, where the gradient is near zero."""
    after = f"after {_steps(walk.steps)}"
    last = walk.points[-1]
    reach = norm(last - walk.points[0]) or _NEAR * max(1.0, norm(last))
    place = place_of(slope, last, reach=reach, fallen=max(0.0, walk.values[0] - walk.values[-1]))
    if place != "minimum":
        where, why = _PLACES[place]
        came = "Started on" if walk.steps == 0 else f"Came to, {after},"
        return "stuck", f"{came} {where}: {size}, but {why}. Start elsewhere."
    if walk.steps == 0:
        return "converged", f"Nothing to do: at the start {size}."
    return "converged", f"Converged {after}: {size}."


def _on_its_way(walk: Walk, size: str) -> str:
    """Return what keeps a slow descent, and what to do."""
    last, before = walk.points[-1], walk.points[-2]
    if walk.values[-1] > walk.values[0] + _NOTICEABLE * abs(walk.values[0]):
        risen = f"the value is {walk.values[-1]:.4g}, from {walk.values[0]:.4g} at the start"
        return f"Went far off, and is on its way back {size}; {risen}. Lower the learning rate."
    if norm(last - before) < _STRAIGHT * walk.lrs[-1] * walk.decay * norm(last):
        return f"Held back by the weight decay {size}. Set it to 0, or take more steps."
    return f"Still on its way {size}. Raise the learning rate, or take more steps."


def _run_away(walk: Walk) -> str:
    after = f"After {_steps(walk.steps)}"
    finite = [value for value in walk.values if math.isfinite(value)]
    if finite[-1] < walk.values[0] and finite[-1] == min(finite):
        fallen = f"{after} the value had fallen to {finite[-1]:.3g} and faster and faster"
        return f"{fallen}: the function may have no minimum."
    cause = "was no longer finite" if not math.isfinite(walk.values[-1]) else f"was {walk.values[-1]:.3g}"
    return f"{after} the value {cause}, from {walk.values[0]:.4g} at the start. Lower the learning rate."


def _half(steps: int) -> int:
    return min(steps, max(2, (steps + 1) // 2))


def _climbs(values: Sequence[float]) -> bool:
    """Return whether all of the last quarter lies above the start, and its end is the highest so far."""
    before, last = np.array_split(np.array(values[-max(2, _half(len(values) - 1)) :]) - values[0], 2)
    growing = last.max() > _GROWING * before.max() and last.argmax() >= len(last) // 2
    return bool(growing and last.min() > _NOTICEABLE * abs(values[0]))


def _closes_in(norms: Sequence[float]) -> bool:
    """Return whether the largest gradient of the last quarter is clearly below that of the quarter before."""
    before, last = np.array_split(np.array(norms[-max(2, _half(len(norms) - 1)) :]), 2)
    return bool(last.max() < _CLOSER * before.max())


def _swings(walk: Walk) -> tuple[str, str] | None:
    """Return what the last half of the steps did if it went to and fro, or up and down, and how much."""
    half = _half(walk.steps)
    points, values = walk.points[-half - 1 :], np.array(walk.values[-half - 1 :])
    length, net = sum(norm(b - a) for a, b in pairwise(points)), norm(points[-1] - points[0])
    if net < _STRAIGHT * length:
        far = f"{length / net:.3g} times as far as it came" if net > 0 else "and came back to the same point"
        return "Goes to and fro", f"in the last {_steps(half)} it went {far}"
    changes = np.abs(np.diff(values))
    total = float(changes[changes > 4 * _ROUNDING * np.abs(values[1:])].sum())
    if abs(values[-1] - values[0]) < _STRAIGHT * total:
        return "Goes up and down", f"in the last {_steps(half)} the value rose and fell by {total:.3g} in all"
    return None


def _steps(number: int) -> str:
    return f"{number:,} step" + ("" if number == 1 else "s")
