"""Cool down from wherever the rate is, once told to."""

from dataclasses import dataclass
from typing import Literal, TypedDict

from rightrate import _check
from rightrate.schedules import _fields
from rightrate.schedules.adaptive.control import reading
from rightrate.schedules.wsd import COOLDOWNS, left

__all__ = ["CoolDown", "CoolDownState"]


class CoolDownState(TypedDict):
    """What `CoolDown` remembers.

    Attributes:
        lr: The learning rate.
        start: The rate at which the cool-down started, or None before it.
        passed: How many of its steps are over.
    """

    lr: float
    start: float | None
    passed: int


@dataclass(frozen=True, kw_only=True)
class CoolDown:
    """Keep the rate until told, then bring it down to `floor` of itself.

    Use it where the end of a run is not known when it starts: whatever the schedule was, training can be
    brought to its end from any step on. `WarmupStableDecay` is this with the step known in advance.

    Observe a number after every step: above 0 it says "cool down now", otherwise, and for NaN, "go on".
    `step + 1 - 900` says so in time for step 900; `target - loss` where a loss is reached. Nothing that is
    observed during the cool-down counts.

    Told after step `t`, the rate of step `t + 1 + k` is `lr(t) * (floor + (1 - floor) * f(k / n))` for
    `k = 0 ... n` with `n = cooldown_steps`, and that of `k = n` after it. `f(x)` is `1 - x` ("linear"),
    `1 - sqrt(x)` ("1-sqrt") or `(1 + cos(pi * x)) / 2` ("cosine"): Hägele et al., Scaling Laws and
    Compute-Optimal Training Beyond Fixed Training Durations (2024), who find 10 to 20 percent of the run
    enough. torch, Keras and optax have none.

    Args:
        cooldown_steps: The length of the cool-down in optimizer steps, >= 1.
        cooldown: Its form: "linear", "1-sqrt" or "cosine".
        floor: The fraction of the rate at its end, in [0, 1].

    Raises:
        ConfigError: If an argument is outside its domain.

    Example:
        >>> control = CoolDown(cooldown_steps=4)
        >>> state = control.init(0.8)
        >>> rates = []
        >>> for step in range(8):
        ...     lr, state = control.update(state, step + 1 - 3)  # down from step 4 on
        ...     rates.append(round(lr, 12))
        >>> rates
        [0.8, 0.8, 0.8, 0.8, 0.6, 0.4, 0.2, 0.0]
    """

    cooldown_steps: int
    cooldown: Literal["linear", "1-sqrt", "cosine"] = "linear"
    floor: float = 0.0

    def __post_init__(self) -> None:
        _fields.integer(self, "cooldown_steps", low=1)
        _fields.choice(self, "cooldown", COOLDOWNS)
        _fields.number(self, "floor", low=0.0, high=1.0)

    def init(self, lr: float) -> CoolDownState:
        """Return the state before the first observation.

        Raises:
            ConfigError: If `lr` is not a finite number > 0.
        """
        return {"lr": _check.number("CoolDown.init(lr)", lr, above=0.0), "start": None, "passed": 0}

    def update(self, state: CoolDownState, observation: float) -> tuple[float, CoolDownState]:
        """Return the rate of the next step, and the next state.

        Raises:
            ConfigError: If the observation is not one number.
        """
        told = reading("CoolDown.update(observation)", observation) > 0
        start, passed = state["start"], state["passed"] + 1
        if start is None:
            if not told:
                return state["lr"], {"lr": state["lr"], "start": None, "passed": 0}
            start, passed = state["lr"], 0
        passed = min(passed, self.cooldown_steps)
        rest = float(left(self.cooldown, passed / self.cooldown_steps))
        lr = start * (self.floor + (1.0 - self.floor) * rest)
        return lr, {"lr": lr, "start": start, "passed": passed}
