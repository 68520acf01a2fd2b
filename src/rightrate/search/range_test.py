"""The classic learning-rate range test: one member, a rate that grows geometrically.

Kept because people know it: its curve is drawn beside the probes. Its own reading (the rate a tenth of the
one with the lowest smoothed loss) is reported, never used for the answer.

Reference: Smith, Cyclical Learning Rates for Training Neural Networks (2017), section 3.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightrate.search.record import Curve
from rightrate.search.space import Action, Observation, Space
from rightrate.search.strategy import State

__all__ = ["RangeTest", "reading"]

_LONGEST = 100
_FRACTION = 20
_SHORTEST = 15
_SMOOTHING = 0.9


@dataclass(frozen=True, kw_only=True)
class RangeTest:
    """One pass over the whole range, at most a twentieth of the allowance and 100 steps long, or none."""

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        return {"space": space.to_dict(), "done": False}

    def decide(self, state: State, observations: Sequence[Observation]) -> tuple[Sequence[Action], State]:
        """Return the one action the first time, nothing after it."""
        space = Space.from_dict(state["space"])
        steps = min(_LONGEST, int(space.allowance / _FRACTION))
        if state["done"] or steps < _SHORTEST:
            return (), {**state, "done": True}
        action = Action(kind="range", rung=-1, lrs=(space.low, space.high), steps=steps, seed=space.seed)
        return (action,), {**state, "done": True}


def reading(curve: Curve) -> float | None:
    """Return the classic reading: a tenth of the rate with the lowest smoothed loss, or None without one.

    The loss is smoothed by an exponential average with bias correction, momentum 0.9, as fastai does.
    """
    losses = np.array(curve.train)
    finite = np.isfinite(losses)
    count = int(np.argmin(finite)) if not finite.all() else len(losses)
    if count < 3:
        return None
    average, smooth = 0.0, np.empty(count)
    for index in range(count):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * float(losses[index])
        smooth[index] = average / (1 - _SMOOTHING ** (index + 1))
    return float(curve.lr[int(np.argmin(smooth))]) / 10
