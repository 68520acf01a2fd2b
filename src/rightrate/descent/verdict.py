"""What became of a descent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from rightrate.descent.slope import Slope, norm
from rightrate.schedules import FloatArray

__all__ = ["Status", "Walk", "falls_on_both_sides", "judged", "ran_away", "unmoved"]

Status = Literal["converged", "slow", "oscillating", "diverged", "stuck"]

UNMOVED_STEPS = 10
_RUNAWAY = 1e10
_ROUNDING = float(np.finfo(np.float64).eps)
_STRAIGHT = 0.5
_GROWING = 1.01
_CLOSER = 0.9
_NOTICEABLE = 1e-6
_MOST_VARIABLES = 50


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Where a descent was: one entry for the start and one for each step.

    Args:
        points: The points.
        values: The function's value at each.
        norms: The gradient's norm at each.
        lrs: The rate of each step, one fewer.
        limit: The gradient norm that counts as near zero.
    """

    points: Sequence[FloatArray]
    values: Sequence[float]
    norms: Sequence[float]
    lrs: Sequence[float]
    limit: float

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
        if falls_on_both_sides(slope, walk.points[-1]):
            where = "Started on" if walk.steps == 0 else f"Came to, {after},"
            falls = "but there is a direction in which the function falls on both sides"
            return "stuck", f"{where} a saddle or a maximum: {size}, {falls}. Start elsewhere."
        if walk.steps == 0:
            return "converged", f"Nothing to do: at the start {size}."
        return "converged", f"Converged {after}: {size}."
    recent = walk.points[-UNMOVED_STEPS - 1 :]
    if all(unmoved(a, b) for a, b in pairwise(recent)):
        cause = "The learning rate is 0" if walk.lrs[-1] == 0 else "Steps are too small to change the point"
        return "stuck", f"{cause} {after}, and {size}. Raise the learning rate."
    if _climbs(walk.values):
        risen = f"from {walk.values[0]:.4g} to {walk.values[-1]:.4g}"
        return "diverged", f"The value rose {risen} in {_steps(walk.steps)}. Lower the learning rate."
    length, net = _recent_length(walk.points)
    half = _steps(_half(walk.steps))
    if net < _STRAIGHT * length:
        far = f"{length / net:.3g} times as far as it came" if net > 0 else "and came back to the same point"
        closing = _closes_in(walk.norms)
        how, advice = ("closing in", "or take more steps") if closing else ("no nearer", "or let it fall")
        went = f"Goes to and fro, {how}: in the last {half} it went {far}"
        return "oscillating", f"{went}; {size}. Lower the learning rate, {advice}."
    return "slow", f"Still on its way {after}: {size}. Raise the learning rate, or take more steps."


def falls_on_both_sides(slope: Slope, x: FloatArray) -> bool:
    """Return whether there is a direction in which the function falls both ways from `x`.

    The direction is that of the most negative curvature, from central differences of the gradient; the two
    values beside `x` confirm it. With more than 50 variables nothing is looked at, and the answer is no.
    """
    flat = np.atleast_1d(np.asarray(x, dtype=np.float64)).ravel()
    if flat.size > _MOST_VARIABLES:
        return False
    with np.errstate(all="ignore"):
        columns = []
        for place in range(flat.size):
            width = np.zeros_like(flat)
            width[place] = 1e-4 * max(1.0, abs(flat[place]))
            rise = _gradient(slope, flat + width, x) - _gradient(slope, flat - width, x)
            columns.append(rise / (2 * width[place]))
        hessian = np.array(columns)
        if not np.isfinite(hessian).all():
            return False
        curvatures, directions = np.linalg.eigh((hessian + hessian.T) / 2)
        if curvatures[0] >= -1e-3 * np.abs(curvatures).max():
            return False
        aside = 1e-3 * max(1.0, norm(flat)) * directions[:, 0]
        here, _ = slope(x)
        below = here - 4 * _ROUNDING * abs(here)
        return all(slope((flat + sign * aside).reshape(np.shape(x))[()])[0] < below for sign in (1, -1))


def _gradient(slope: Slope, flat: FloatArray, x: FloatArray) -> FloatArray:
    return np.atleast_1d(slope(flat.reshape(np.shape(x))[()])[1]).ravel()


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
    """Return whether all of the last quarter lies above the start, and it is still climbing."""
    before, last = np.array_split(np.array(values[-max(2, _half(len(values) - 1)) :]) - values[0], 2)
    noticeable = _NOTICEABLE * abs(values[0])
    return bool(last.min() > noticeable and last.max() > _GROWING * before.max())


def _closes_in(norms: Sequence[float]) -> bool:
    """Return whether the largest gradient of the last quarter is clearly below that of the quarter before."""
    before, last = np.array_split(np.array(norms[-max(2, _half(len(norms) - 1)) :]), 2)
    return bool(last.max() < _CLOSER * before.max())


def _recent_length(points: Sequence[FloatArray]) -> tuple[float, float]:
    """Return how far the last half of the steps went, and how far they came."""
    half = points[-_half(len(points) - 1) - 1 :]
    return sum(norm(b - a) for a, b in pairwise(half)), norm(half[-1] - half[0])


def _steps(number: int) -> str:
    return f"{number:,} step" + ("" if number == 1 else "s")
