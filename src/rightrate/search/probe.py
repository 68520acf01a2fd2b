"""Parallel probes: many rates side by side under the run's own schedule, refined in rungs.

Rung 0 locates: nearly the whole range, one rate a decade, very short. Rung 1 narrows: a few rates around the
best, a little more below than above, because the best rate falls as runs get longer; a small budget has none,
since longer trials tell more. Rung 2 decides: three
rates at the longest length the budget allows. One more goes where the answer is least certain: to a still
lower rate if the lowest one was good, or to the rate the answer moved to if that has not been tried. What is
left is a second seed of the answer.

Where trials of rung 2 do clearly better on batches they have seen, what is left goes to two trials on such a
part of the training data that they see it as often as the run will see all of it. They overfit as far as the
run will, so they measure whether that moves the best rate.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rightrate.search.curve import expected_curve
from rightrate.search.drift import expected_on_part, told_overfitting
from rightrate.search.rungs import Rung, telling_rungs
from rightrate.search.space import Action, Observation, Space
from rightrate.search.strategy import State

__all__ = ["AMPLE", "Plan", "Probe", "plan"]

AMPLE = 500
"""Member-steps from which on there are three rungs, and a fifth is kept for rates and seeds beyond them."""

_ENOUGH = 200
_WIDE_RANGE = 1e4
_FEWEST = 4
_AMPLE_PARTS = (0.1, 0.13, 0.55)
_SHORT_PARTS = (0.3, 0.0, 0.52)
_THIN_PARTS = (0.3, 0.0, 0.7)
_THIN = 0.5
_NARROW = (-0.75, -0.35, 0.0, 0.35)
_DECIDE = (-0.55, -0.15, 0.2)
_NARROW_RISING = (-0.35, 0.0, 0.35, 0.7)
_DECIDE_RISING = (-0.35, 0.0, 0.35)
_PART = (-0.9, -0.3)
_PART_LENGTH = 0.11  # of the allowance: one trial on a part of the data; both are what rungs 0 to 2 leave
_OFTEN = 2.0  # passes over the data: a run of fewer hardly overfits
_LEAST_EPOCH = 0.8  # steps: a smaller part would be seen too rarely
_DOUBTFUL = 0.08  # of what was learned: the gap from which on a part of the data is looked at
_TOLD = 0.5
_FURTHER = -0.35
_OPEN = 0.02
_STEEP = 0.05
_NEAR = 0.12
_EXTENSIONS = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Lengths of the rungs, from the length of the run and the budget.

    Args:
        locate: Rates of rung 0.
        locate_steps: Length of rung 0.
        narrow_steps: Length of rung 1; 0 if the allowance is below `AMPLE`, and there is none.
        decide_steps: Length of rung 2 and of what follows it.
        part_steps: Length of trials on a part of the data; 0 if there can be none.
        part_epoch: Steps of one pass over that part, so that it is seen as often as the run will see all.
        enough: Whether these lengths are long enough to judge by.
    """

    locate: tuple[float, ...]
    locate_steps: int
    narrow_steps: int
    decide_steps: int
    part_steps: int
    part_epoch: int
    enough: bool


def plan(space: Space) -> Plan:
    """Return the plan of a search that stays within the allowance."""
    allowance, longest = search_allowance(space), space.steps
    # Length tells more than rates do: the low end of a wide range is tried only if the answer lies there.
    # The high end is where training fails.
    margin = 10.0 if space.high / space.low >= _WIDE_RANGE else 1.0
    locate = _decades(space.low * margin, space.high)
    short = _THIN_PARTS if space.budget < _THIN else _SHORT_PARTS
    parts = _AMPLE_PARTS if allowance >= AMPLE else short
    lengths = [
        int(part * allowance / count)
        for part, count in zip(parts, (len(locate), len(_NARROW), len(_DECIDE)), strict=True)
    ]
    decide = min(longest, max(10, lengths[2]))
    part = int(_PART_LENGTH * allowance)
    epoch = part * space.epoch / longest if space.divisible and space.epoch else 0.0
    seen = epoch >= _LEAST_EPOCH and part >= _OFTEN * epoch
    parted = seen and allowance >= AMPLE and space.budget >= _THIN and decide <= longest / 2
    return Plan(
        locate=locate,
        locate_steps=min(longest, max(5, min(longest // 4, lengths[0]))),
        narrow_steps=min(longest, max(8, min(longest // 2, lengths[1]))) if parts[1] else 0,
        decide_steps=decide,
        part_steps=part if parted else 0,
        part_epoch=max(1, round(epoch)) if parted else 0,
        enough=allowance >= _ENOUGH,
    )


def _decades(low: float, high: float) -> tuple[float, ...]:
    count = max(_FEWEST, round(math.log10(high / low)) + 1)
    return tuple(float(lr) for lr in np.geomspace(low, high, count))


def search_allowance(space: Space) -> int:
    """Return the member-steps for searching: all but one run, kept for confirmation, from budget 2 on."""
    return space.allowance - (space.steps if space.budget >= 2 else 0)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The default strategy of `find`."""

    def start(self, space: Space) -> State:
        """Return the state before anything was observed."""
        return {
            "space": space.to_dict(),
            "stage": "locate",
            "seen": [],
            "spent": 0,
            "rung": 0,
            "extended": 0,
            "explored": False,
        }

    def decide(self, state: State, observations: Sequence[Observation]) -> tuple[Sequence[Action], State]:
        """Return the next rung, or nothing when the allowance is used up."""
        space = Space.from_dict(state["space"])
        seen = [*(Observation.from_dict(item) for item in state["seen"]), *observations]
        new: dict[str, Any] = {**state, "seen": [item.to_dict() for item in seen]}
        action = _STAGES[str(state["stage"])](space, plan(space), seen, new)
        left = search_allowance(space) - int(state["spent"])
        if action is None or action.steps > left:
            return (), {**new, "stage": "over"}
        action = replace(action, lrs=_thinned(action.lrs, left // action.steps))
        new["spent"] = int(state["spent"]) + action.cost
        new["rung"] = int(state["rung"]) + 1
        return (action,), new


_Stage = Callable[[Space, Plan, Sequence[Observation], dict[str, Any]], Action | None]


def _trials(
    space: Space, new: dict[str, Any], lrs: tuple[float, ...], steps: int, epoch: int | None = None
) -> Action:
    return Action(kind="probe", rung=int(new["rung"]), lrs=lrs, steps=steps, seed=space.seed, epoch=epoch)


def _locate(space: Space, plan_: Plan, seen: Sequence[Observation], new: dict[str, Any]) -> Action | None:
    new["stage"] = "narrow"
    return _trials(space, new, plan_.locate, plan_.locate_steps)


def _narrow(space: Space, plan_: Plan, seen: Sequence[Observation], new: dict[str, Any]) -> Action | None:
    # Where even the lowest rate explodes, lower ones come first; where the highest did best, higher ones.
    best = min(seen, key=lambda item: (item.value if math.isfinite(item.value) else math.inf, item.lr))
    ends = min(item.lr for item in seen), max(item.lr for item in seen)
    if best.lr in ends and int(new["extended"]) < _EXTENSIONS:
        new["extended"] = int(new["extended"]) + 1
        factor = 10.0 if best.lr == ends[1] else 0.1
        return _trials(space, new, (best.lr * factor,), plan_.locate_steps)
    new["stage"] = "decide"
    telling = telling_rungs(seen, space)
    if not telling:
        return _trials(space, new, _wide(space), plan_.decide_steps)
    if not plan_.narrow_steps:
        return _decide(space, plan_, seen, new)
    centre = expected_curve(telling, space, steps=plan_.locate_steps).best()
    offsets = _NARROW_RISING if telling[-1].rising else _NARROW
    return _trials(space, new, _rates(centre, offsets), plan_.narrow_steps)


def _wide(space: Space) -> tuple[float, ...]:
    """Return a few rates over the middle of the range, for models that start slowly."""
    low, high = math.log10(space.low), math.log10(space.high)
    return tuple(
        float(10**place) for place in np.linspace(low + (high - low) / 3, high - (high - low) / 6, 5)
    )


def _decide(space: Space, plan_: Plan, seen: Sequence[Observation], new: dict[str, Any]) -> Action | None:
    new["stage"] = "part"
    telling = telling_rungs(seen, space)
    if not telling:
        return None
    centre = expected_curve(telling, space, steps=plan_.decide_steps).best()
    offsets = _DECIDE_RISING if telling[-1].rising else _DECIDE
    return _trials(space, new, _rates(centre, offsets), plan_.decide_steps)


def _part(space: Space, plan_: Plan, seen: Sequence[Observation], new: dict[str, Any]) -> Action | None:
    new["stage"] = "settle"
    rungs = telling_rungs(seen, space)
    affordable = int(new["spent"]) + len(_PART) * plan_.part_steps <= search_allowance(space)
    if not plan_.part_steps or not affordable or not _doubtful(space, rungs):
        return _settle(space, plan_, seen, new)
    centre, _ = expected_on_part(space, rungs, plan_.part_steps)
    return _trials(space, new, _rates(centre, _PART), plan_.part_steps, plan_.part_epoch)


def _doubtful(space: Space, rungs: Sequence[Rung]) -> bool:
    """Say whether seen batches do better than validation data by enough to doubt, and not to be sure."""
    longest = rungs[-1]
    room = longest.level - float(longest.value.min())
    known = longest.level == space.untrained and told_overfitting(space, rungs) < _TOLD
    return known and not longest.rising and longest.gap > _DOUBTFUL * room


def _settle(space: Space, plan_: Plan, seen: Sequence[Observation], new: dict[str, Any]) -> Action | None:
    rungs = telling_rungs(seen, space)
    target = expected_curve(rungs, space, steps=space.steps).best()
    steps = plan_.decide_steps
    tried = [item for item in seen if item.steps == steps and item.epoch is None]
    if not new["explored"]:
        new["explored"] = True
        lowest = math.log10(min(item.lr for item in tried))
        nearest = min(abs(math.log10(item.lr) - target) for item in tried)
        if len(rungs[-1].place) > 1 and rungs[-1].regret[-1] == 0 and rungs[-1].regret[-2] > _STEEP:
            highest = math.log10(max(item.lr for item in tried))
            return _trials(space, new, _rates(highest, (-_FURTHER,)), steps)
        if float(rungs[-1].regret[0]) <= _OPEN:
            return _trials(space, new, _rates(lowest, (_FURTHER,)), steps)
        if nearest > _NEAR:
            return _trials(space, new, _rates(target, (0.0,)), steps)
    pick = min(tried, key=lambda item: abs(math.log10(item.lr) - target))
    seeds = {item.seed for item in tried if item.lr == pick.lr}
    if len(seeds) > 1 and len({item.value for item in tried if item.lr == pick.lr}) == 1:
        return None  # nothing in this training is random, so more seeds say nothing
    return replace(_trials(space, new, (pick.lr,), steps), kind="confirm", seed=space.seed + len(seeds))


def _over(space: Space, plan_: Plan, seen: Sequence[Observation], new: dict[str, Any]) -> Action | None:
    return None


_STAGES: dict[str, _Stage] = {
    "locate": _locate,
    "narrow": _narrow,
    "decide": _decide,
    "part": _part,
    "settle": _settle,
    "over": _over,
}


def _rates(centre: float, offsets: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{10 ** (centre + offset):.4g}") for offset in offsets)


def _thinned(lrs: tuple[float, ...], count: int) -> tuple[float, ...]:
    if count >= len(lrs):
        return lrs
    places = np.unique(np.round(np.linspace(0, len(lrs) - 1, count)).astype(int))
    return tuple(lrs[int(place)] for place in places)
