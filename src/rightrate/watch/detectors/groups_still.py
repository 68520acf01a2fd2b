"""Parameter groups, and tensors, that never move though their rate is not zero."""

import math
from dataclasses import dataclass
from typing import Any

from rightrate.watch.detector import Block, Sample, State
from rightrate.watch.finding import Finding

__all__ = ["GroupsStill"]

_SAMPLES = 4
_GROUPS = 64
_OPENING = 8
_VANISHED = 1e-3
_TENSORS = -1


@dataclass(frozen=True, kw_only=True)
class GroupsStill:
    """Says that steps leave a parameter group, or some tensors, as they are.

    A group counts where none of its tensors changed in four samples in a row at which its rate was not zero;
    two samples make a pair, 64 steps from the next. Without such a group, tensors count that have a gradient
    and did not change, where in four samples in a row they were at least half of those that have one: their
    updates are lost in rounding. A few are usual: a bias before a normalisation has a gradient of rounding.

    Samples of a group at rate zero are passed over, and so are those of a gradient that has come down to a
    thousandth of the first eight: a run that has converged does not move either. NaN counts as a change.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"still": [], "opening": []}

    def again(self, state: State) -> State:
        """Return what is remembered where the run was put back: everything."""
        return state

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        if not block.samples:
            return (), state
        found = []
        still = {group: [since, count] for group, since, count in state["still"]}
        opening = list(state["opening"])
        for sample in block.samples:
            norm = sample.measured.gradient_norm
            if math.isfinite(norm):
                opening = [*opening, norm][:_OPENING]
            if opening and norm < _VANISHED * max(opening):
                continue
            applied = block.rates_at(sample.step)
            for group in _moving(sample, applied, still):
                del still[group]
            for group in _standing(sample, applied):
                since, count = still.get(group, (sample.step, 0))
                still[group] = [since, min(count + 1, _SAMPLES + 1)]
                if count + 1 == _SAMPLES:
                    found.append(_finding(group, since, sample, applied))
        kept = [[group, *since_and_count] for group, since_and_count in still.items()][:_GROUPS]
        return tuple(found), {"still": kept, "opening": opening}


def _rate(applied: tuple[float, ...], group: int) -> float:
    return applied[group] if 0 <= group < len(applied) else 1.0


def _standing(sample: Sample, applied: tuple[float, ...]) -> list[int]:
    """Return the groups that stand still at a rate; -1 for tensors, where no whole group does."""
    groups = [group for group in sample.still_groups if _rate(applied, group) != 0.0]
    trained = 1.0 - sample.measured.flat_fraction
    lost = 2.0 * (sample.measured.still_fraction - sample.measured.flat_fraction) >= trained > 0.0
    return groups or ([_TENSORS] if lost and not sample.still_groups and any(applied) else [])


def _moving(sample: Sample, applied: tuple[float, ...], still: dict[int, Any]) -> list[int]:
    standing = _standing(sample, applied)
    return [group for group in still if group not in standing and _rate(applied, group) != 0.0]


def _finding(group: int, since: int, sample: Sample, applied: tuple[float, ...]) -> Finding:
    measured = sample.measured
    if group == _TENSORS:
        share = measured.still_fraction - measured.flat_fraction
        text = (
            f"{share:.0%} of the tensors have a gradient and do not change: their updates are rounded away."
        )
        advice = "Keep these weights in float32, or raise their rate."
    else:
        text = f"No tensor of param_groups[{group}] changes, at a rate of {_rate(applied, group):.4g}."
        advice = (
            "Look whether the model still uses these very tensors and whether the loss depends on them; "
            "after that, whether the updates are too small for the type of the weights."
        )
    return Finding(
        verdict="groups_still",
        step=sample.step,
        since=since,
        text=text,
        advice=advice,
        confidence=0.9,
        evidence={
            "group": group,
            "still_fraction": measured.still_fraction,
            "flat_fraction": measured.flat_fraction,
            "lr": _rate(applied, group),
        },
    )
