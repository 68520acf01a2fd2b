"""Losses that are NaN or infinite."""

import math
from dataclasses import dataclass

from rightrate.watch.detector import Block, State
from rightrate.watch.finding import Finding

__all__ = ["NonFinite"]


_CALM = 32


@dataclass(frozen=True, kw_only=True)
class NonFinite:
    """Says at which step the loss stopped being a finite number; again after 32 finite ones in a row.

    NaN and infinity are what it looks for: each counts at the step where it stands.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"calm": _CALM}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        calm, found = state["calm"], []
        if len(block.finite) == len(block.losses):
            return (), {"calm": min(_CALM, calm + len(block.losses))}
        for step, loss in zip(block.steps, block.losses, strict=True):
            if math.isfinite(loss):
                calm = min(_CALM, calm + 1)
                continue
            found += [_finding(block, step, loss)] if calm == _CALM else []
            calm = 0
        return tuple(found), {"calm": calm}


def _finding(block: Block, since: int, loss: float) -> Finding:
    rows = zip(block.steps, block.losses, strict=True)
    count = sum(not math.isfinite(value) for step, value in rows if step >= since)
    return Finding(
        verdict="non_finite",
        step=block.last,
        since=since,
        text=f"The loss is {loss} at step {since:,}.",
        advice="Go back to a snapshot from before it and cut the learning rate.",
        confidence=1.0,
        evidence={"non_finite_losses": count},
    )
