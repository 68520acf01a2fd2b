"""A learning rate that never reaches the optimizer, or has no effect there."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from rightrate.watch.detector import Block, State
from rightrate.watch.editors import OTHER
from rightrate.watch.finding import Finding

__all__ = ["RateNotApplied"]

_APART = 0.01
_ROWS = 8
_FACTOR = 4.0
_ALIKE = 1.25
_SAMPLES = 4
_WAITING = 128


@dataclass(frozen=True, kw_only=True)
class RateNotApplied:
    """Says that the rate a scheduler tells is not the applied one, or that a new rate changed nothing.

    Told and applied rate differ by more than 1 % in eight observations in a row, no edit by other code
    explains it, and either the scheduler was stepped meanwhile or they differed from the beginning.

    A rate changed nothing where it is at least four times what it was, or a quarter, and in four samples
    updates are as long as in the four before it, and gradients too, each within a quarter.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"apart": None, "fresh": True, "edited": [], "samples": []}

    def again(self, state: State) -> State:
        """Return what is remembered where the run was put back: everything."""
        return state

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        found: list[Finding] = []
        state = _compared(state, block, found)
        samples = list(state["samples"])
        for sample in block.samples:
            lr = (*block.rates_at(sample.step), math.nan)[0]
            row = [sample.step, lr, sample.measured.update_norm, sample.measured.gradient_norm]
            if all(math.isfinite(number) and number > 0.0 for number in row[1:]):
                samples = [*samples, row][-2 * _SAMPLES :]
                found += _without_effect(samples)
        return tuple(found), {**state, "samples": samples}


def _compared(state: State, block: Block, found: list[Finding]) -> State:
    """Return the state after the told and the applied rates of a block."""
    edited = [*state["edited"], *(edit.step for edit in block.rates.edits if edit.who == OTHER)]
    apart, fresh = state["apart"], state["fresh"]
    counts = block.rates.scheduler_steps or (0,) * len(block.steps)
    rows = zip(block.steps, block.rates.told, block.rates.applied, counts, strict=False)
    for step, told, applied, count in rows:
        if not applied or not math.isfinite(told + applied[0]):
            continue
        if math.isclose(told, applied[0], rel_tol=_APART):
            apart = None
        else:
            first = {"since": step, "count": count, "rows": 0, "told": False, "start": fresh, "edited": False}
            apart = {**(apart or first), "rows": min(apart["rows"] + 1, _ROWS) if apart else 1}
            apart["edited"] = apart["edited"] or step in edited
            if _worth_saying(apart, count):
                apart["told"] = True
                found.append(_apart_finding(apart, step, told, applied[0], count))
        fresh = False
    waiting = [step for step in edited if not block.steps or step > block.steps[-1]]
    return {**state, "apart": apart, "fresh": fresh, "edited": waiting[-_WAITING:]}


def _worth_saying(apart: Mapping[str, Any], count: int) -> bool:
    new = not apart["told"] and not apart["edited"]
    return new and apart["rows"] >= _ROWS and (apart["start"] or count != apart["count"])


def _apart_finding(apart: Mapping[str, Any], step: int, told: float, applied: float, count: int) -> Finding:
    stepped = count - apart["count"]
    return Finding(
        verdict="rate_not_applied",
        step=step,
        since=apart["since"],
        text=f"The scheduler says that the rate is {told:.4g}; the optimizer uses {applied:.4g}.",
        advice=(
            "Build the scheduler for the optimizer that steps, after it was built for the last time, and "
            "when resuming load the states of both."
        ),
        confidence=0.95 if stepped else 0.7,
        evidence={"told": told, "applied": applied, "scheduler_steps_since": stepped},
    )


def _without_effect(samples: list[list[float]]) -> list[Finding]:
    """Return what is found where the latest samples are the fourth ones after a change of the rate."""
    before, after = samples[:_SAMPLES], samples[_SAMPLES:]
    if len(after) < _SAMPLES:
        return []
    (_, old, *_), (_, new, *_) = before[-1], after[0]
    steady = all(row[1] == old for row in before) and all(row[1] == new for row in after)
    if not steady or abs(math.log(new / old)) < math.log(_FACTOR):
        return []
    updates, gradients = (median(r[i] for r in after) / median(r[i] for r in before) for i in (2, 3))
    if max(abs(math.log(updates)), abs(math.log(gradients))) > math.log(_ALIKE):
        return []
    since = int(after[0][0])
    finding = Finding(
        verdict="rate_not_applied",
        step=int(after[-1][0]),
        since=since,
        text=f"The rate went from {old:.4g} to {new:.4g} by step {since:,}; updates are as long as before.",
        advice=(
            "This optimizer does not use group['lr'], or holds a copy of it, as a captured graph does: "
            "set the rate where it reads it."
        ),
        confidence=0.8,
        evidence={"before": old, "after": new, "update_ratio": updates, "gradient_ratio": gradients},
    )
    return [finding]
