"""Schedulers that are stepped in the wrong place, too often or too rarely."""

from dataclasses import dataclass
from typing import Any

from rightrate.watch.detector import Block, State
from rightrate.watch.finding import Finding

__all__ = ["SchedulerMisplaced"]

_ROWS = 8
_LEAST_STEPS = 64
_EVERY = 32
_SHARE = 0.5
_TIMES = 2.0
_EARLY = 32


@dataclass(frozen=True, kw_only=True)
class SchedulerMisplaced:
    """Says that a scheduler is stepped at other times than it was made for.

    The first of these that is true is said, once; being early may be said besides.

    - More often than the optimizer, in eight observations in a row: such as once per micro-batch.
    - Before the first step of the optimizer, so that its first rate was never used.
    - Past its length, for eight observations.
    - So rarely that it would not come to half of its length by the end of the run: such as once per epoch,
      though it was made for steps; or so often that it would come to more than twice its length. Both need
      `total_steps`, and are asked every 32 steps from step 64 on.

    A run that is resumed begins where its scheduler stands: only what happens from there on counts.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"first": None, "often": None, "newest": None, "past": None, "said": []}

    def again(self, state: State) -> State:
        """Return what is remembered where the run was put back, and its scheduler: what was said."""
        return {**self.init(), "said": state["said"]}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        found: list[Finding] = []
        new = dict(state)
        for step, count in zip(block.steps, block.rates.scheduler_steps, strict=False):
            _note(new, step, count, block.rates.scheduler_length)
            wrong = _wrong(new, block)
            if wrong is not None and wrong.name not in new["said"]:
                new["said"] = [*new["said"], wrong.name]
                found.append(_finding(new, block, wrong))
        return tuple(found), new


@dataclass(frozen=True, kw_only=True)
class _Wrong:
    name: str
    since: int
    text: str
    advice: str
    confidence: float


def _note(state: dict[str, Any], step: int, count: int, length: int | None) -> None:
    """Put one observation into the state: where runs of observations began, and how many they are."""
    newest = state["newest"]
    if newest is None:
        state["first"] = [step, count]
    elif count - newest[1] > step - newest[0]:
        began, rows = state["often"] or (newest, 0)
        state["often"] = [began, min(rows + 1, _ROWS)]
    else:
        state["often"] = None
    if length is not None and count > length:
        began, rows = state["past"] or ([step, count], 0)
        state["past"] = [began, min(rows + 1, _ROWS)]
    else:
        state["past"] = None
    state["newest"] = [step, count]


def _wrong(state: dict[str, Any], block: Block) -> _Wrong | None:
    """Return the one thing that explains the rest of what is wrong, or None."""
    often, past = state["often"], state["past"]
    if often is not None and often[1] == _ROWS:
        return _too_often(often[0], state["newest"])
    if state["said"] and state["said"] != ["early"]:
        return None
    if _early(state, block):
        return _Wrong(
            name="early",
            since=0,
            text="The scheduler was stepped before the optimizer's first step: its first rate was not used.",
            advice="Call scheduler.step() after optimizer.step().",
            confidence=0.9,
        )
    planned = _planned(state, block)
    if planned is None and past is not None and past[1] == _ROWS:
        return _Wrong(
            name="past",
            since=past[0][0],
            text=f"The scheduler was made for {block.rates.scheduler_length:,} steps and goes on past them.",
            advice="Make it for the whole run: after its end a rate rises again, or stays at zero.",
            confidence=0.9,
        )
    return planned


def _too_often(began: list[int], newest: list[int]) -> _Wrong:
    times = (newest[1] - began[1]) / (newest[0] - began[0])
    return _Wrong(
        name="often",
        since=began[0],
        text=f"The scheduler is stepped {times:.3g} times for each step of the optimizer.",
        advice=(
            "Step it once after optimizer.step(), not once per batch that is accumulated; with Accelerate, "
            "which steps it once per process, nothing is wrong."
        ),
        confidence=0.9,
    )


def _early(state: dict[str, Any], block: Block) -> bool:
    (step, count), start = state["first"], block.rates.scheduler_start
    seen = state["newest"][0] - step
    return step == 0 and start is not None and 0 < count - start <= _EARLY and seen >= _ROWS


def _planned(state: dict[str, Any], block: Block) -> _Wrong | None:
    """Return what is wrong with where the scheduler will be at the end of the run."""
    total, length = block.facts.total_steps, block.rates.scheduler_length
    (step, count), (now, reached) = state["first"], state["newest"]
    taken, stepped = now - step + 1, reached - count
    if total is None or length is None or taken < _LEAST_STEPS or taken % _EVERY:
        return None
    most = count + (stepped + 1) / taken * (total - step)
    least = count + (stepped - 1) / taken * (total - step)
    if most >= _SHARE * length and least <= _TIMES * length:
        return None
    rarely = most < _SHARE * length
    return _Wrong(
        name="rarely" if rarely else "fast",
        since=step,
        text=(
            f"The scheduler was made for {length:,} steps and was stepped {stepped:,} "
            f"time{'' if stepped == 1 else 's'} in {taken:,} "
            f"steps of the optimizer: in {total:,} it will come to about {(most + least) / 2:,.0f}."
        ),
        advice=(
            "Step it after every step of the optimizer, or make it for the number of times it is stepped."
            if rarely
            else "Make it for the number of optimizer steps of the run, or step it once per epoch."
        ),
        confidence=0.85,
    )


def _finding(state: dict[str, Any], block: Block, wrong: _Wrong) -> Finding:
    step, count = state["newest"]
    length = block.rates.scheduler_length
    return Finding(
        verdict="scheduler_misplaced",
        step=step,
        since=wrong.since,
        text=wrong.text,
        advice=wrong.advice,
        confidence=wrong.confidence,
        evidence={"scheduler_steps": count, **({} if length is None else {"scheduler_length": length})},
    )
