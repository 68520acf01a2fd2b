"""A made-up model whose best rate, cliff and noise are known, to replay searches on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rightrate.search.probe import Probe, plan
from rightrate.search.recommend import Context, recommend
from rightrate.search.record import Answer, Fit
from rightrate.search.space import Observation, Space

__all__ = ["FLOOR", "UNTRAINED", "Landscape", "context", "search", "space"]

UNTRAINED, FLOOR = 2.3, 0.2


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What a run of `steps` steps at a rate reaches.

    Args:
        best: The best rate of the full run.
        cliff: The rate of the full run above which it ends no better than untrained, and NaN twice as high.
        full: Length of the full run.
        noise: Standard deviation of what a run reaches.
        drift: Decades that best rate and cliff fall when a run gets ten times as long.
        width: Decades from the best rate to a regret of 0.39.
    """

    best: float
    cliff: float
    full: int
    noise: float = 0.01
    drift: float = 0.4
    width: float = 1.0

    def __call__(self, lr: float, steps: int, seed: int) -> float:
        draws = np.random.default_rng([seed, steps, round(1e6 * (20 + math.log10(lr)))])
        moved = math.log10(lr) - self.drift * math.log10(self.full / steps)
        if moved > math.log10(2 * self.cliff):
            return math.nan
        if moved > math.log10(self.cliff):
            return UNTRAINED + 0.3
        distance = (moved - math.log10(self.best)) / self.width
        lift = 0.3 * (1 - min(1.0, (steps / self.full) ** 0.4))
        regret = 1 - math.exp(-0.5 * distance**2)
        return FLOOR + lift + (UNTRAINED - FLOOR - lift) * regret + float(draws.normal(0, self.noise))


def space(**changes) -> Space:
    settings = {
        "low": 1e-6,
        "high": 1.0,
        "steps": 2000,
        "budget": 0.95,
        "seed": 0,
        "decays": False,
        "untrained": UNTRAINED,
    }
    return Space(**{**settings, **changes})


def context(asked: Space, **changes) -> Context:
    settings = {
        "plan": plan(asked),
        "schedule": "constant",
        "warmup_steps": 0,
        "tolerance": 0.02,
        "sign": 1,
        "name": "loss",
        "interrupted": False,
    }
    return Context(**{**settings, **changes})


def search(
    asked: Space, reached: Callable[[float, int, int], float], **changes
) -> tuple[Answer, Fit, tuple[Observation, ...]]:
    """Play a whole search and return its answer, its curve and what it observed."""
    seen = played(asked, reached)
    answer, fit = recommend(asked, seen, context(asked, **changes))
    return answer, fit, seen


def played(asked: Space, reached: Callable[[float, int, int], float]) -> tuple[Observation, ...]:
    """Play a search; `check_strategy` does it too, with all its checks and in twice the time."""
    strategy = Probe()
    state, seen, every = strategy.start(asked), [], []
    while True:
        actions, state = strategy.decide(state, seen)
        if not actions:
            return tuple(every)
        seen = [
            Observation(
                lr=lr,
                steps=action.steps,
                seed=action.seed,
                rung=action.rung,
                value=reached(lr, action.steps, action.seed),
            )
            for action in actions
            for lr in action.lrs
        ]
        every += seen
