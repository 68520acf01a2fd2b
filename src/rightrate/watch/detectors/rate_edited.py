"""Rates that were changed by other code than the scheduler."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rightrate.watch.detector import Block, State
from rightrate.watch.editors import OTHER, Edit
from rightrate.watch.finding import Finding

__all__ = ["RateEdited"]

_QUIET_STEPS = 8
_MANY = 8
_ALONE = 3


@dataclass(frozen=True, kw_only=True)
class RateEdited:
    """Says that other code than a scheduler changed the rate between two steps, and from what to what.

    Changes that are at most eight steps apart belong together and are said once: after eight steps without
    another one, or at the eighth.

    Where no scheduler tells the rate, a loop that sets it by hand is nothing to find: eight changes close
    together, or three sets of changes, are such a loop, and nothing more is said of it.

    The watcher's own cuts are no edits. Who it was can be told of schedulers only.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"open": None, "sets": 0, "by_hand": False}

    def again(self, state: State) -> State:
        """Return what is remembered where the run was put back: everything."""
        return state

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        found: list[Finding] = []
        scheduled = bool(block.rates.told)
        edits = [edit for edit in block.rates.edits if edit.who == OTHER]
        for edit in edits:
            state = _closed(state, edit.step, found, scheduled=scheduled)
            state = _taken(state, edit, found, scheduled=scheduled)
        newest = max([block.last, *(edit.step for edit in edits)])
        state = _closed(state, newest, found, scheduled=scheduled)
        return tuple(found), state


def _taken(state: State, edit: Edit, found: list[Finding], *, scheduled: bool) -> State:
    """Return the state with one change more; a set of many is said, or is a loop that sets the rate."""
    former = state["open"] or {"since": edit.step, "before": edit.before, "count": 0, "said": False}
    new = {**former, "last": edit.step, "after": edit.after, "count": former["count"] + 1}
    many = new["count"] == _MANY
    by_hand = state["by_hand"] or (many and not scheduled)
    if many and not by_hand:
        found.append(_finding(new, edit.step, scheduled=scheduled))
        new["said"] = True
    return {**state, "open": new, "by_hand": by_hand}


def _closed(state: State, step: int, found: list[Finding], *, scheduled: bool) -> State:
    """Return the state at a step: a set of changes that is over is said, if it was not."""
    edits = state["open"]
    if edits is None or step - edits["last"] <= _QUIET_STEPS:
        return state
    if not edits["said"] and not state["by_hand"]:
        found.append(_finding(edits, step, scheduled=scheduled))
    sets = min(state["sets"] + 1, _ALONE)
    by_hand = state["by_hand"] or (sets == _ALONE and not scheduled)
    return {"open": None, "sets": sets, "by_hand": by_hand}


def _finding(edits: Mapping[str, Any], step: int, *, scheduled: bool) -> Finding:
    times = "" if edits["count"] == 1 else f" {edits['count']} times"
    beside = ", beside the scheduler" if scheduled else ""
    return Finding(
        verdict="rate_edited",
        step=step,
        since=edits["since"],
        text=(
            f"Other code changed the rate{times} from step {edits['since']:,} on{beside}: "
            f"from {edits['before']:.4g} to {edits['after']:.4g}."
        ),
        advice=(
            "Let one of them set it: some schedulers overwrite an edit at the next step, others carry it on."
            if scheduled
            else "If that was meant, nothing is to be done; otherwise look for code that writes group['lr']."
        ),
        confidence=0.95,
        evidence={"before": edits["before"], "after": edits["after"], "edits": edits["count"]},
    )
