"""Single losses far above the usual."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rightrate.watch.detector import Block, State
from rightrate.watch.finding import Finding

__all__ = ["Spike"]

_WINDOW = 96
_FEWEST = 32
_HIGH = 8.0
_LEAST_FACTOR = 1.5
_CALM = 8
_TO_SIGMA = 1.4826


@dataclass(frozen=True, kw_only=True)
class Spike:
    """Says that a loss is far above the 96 before its block.

    Eight robust standard deviations of their logarithms, one-sided, and by a factor of 1.5 at least. Losses
    that are not finite are left out of the window; where one in it is not positive, the losses themselves
    take the place of their logarithms. A spike is over after eight losses in a row that are none.

    The robust standard deviation is 1.4826 times the median absolute deviation from the median.
    """

    def init(self) -> State:
        """Return what is remembered before the first block."""
        return {"window": [], "calm": _CALM}

    def update(self, state: State, block: Block) -> tuple[tuple[Finding, ...], State]:
        """Return what was found in the next block, and what to remember."""
        window, calm, found = state["window"], state["calm"], []
        highest, window_then = max(block.finite, default=-math.inf), [*window, *block.finite][-_WINDOW:]
        border = _border(window, highest)
        if highest <= border[0]:
            return (), {"window": window_then, "calm": min(_CALM, calm + len(block.losses))}
        for step, loss in zip(block.steps, block.losses, strict=True):
            if math.isfinite(loss) and loss > border[0]:
                found += [_finding(block, step, loss, border)] if calm >= _CALM else []
                calm = 0
            else:
                calm = min(_CALM, calm + 1)
        return tuple(found), {"window": window_then, "calm": calm}


def _border(window: Sequence[float], highest: float) -> tuple[float, float]:
    """Return above what a loss is a spike, and what is usual; infinity if too little is known, or none is."""
    if len(window) < _FEWEST:
        return math.inf, math.nan
    if min(window) > 0.0:
        if highest <= _LEAST_FACTOR * median(window):
            return math.inf, math.nan
        usual, spread = _robust([math.log(loss) for loss in window])
        height = usual + max(_HIGH * spread, math.log(_LEAST_FACTOR))
        return math.exp(min(height, 709.0)), math.exp(usual)
    usual, spread = _robust(window)
    return (usual + _HIGH * spread if spread > 0.0 else math.inf), usual


def _robust(values: Sequence[float]) -> tuple[float, float]:
    middle = median(values)
    return middle, _TO_SIGMA * median([abs(value - middle) for value in values])


def _finding(block: Block, step: int, loss: float, border: tuple[float, float]) -> Finding:
    return Finding(
        verdict="spike",
        step=block.last,
        since=step,
        text=f"The loss jumped to {loss:.4g} at step {step:,}, where {border[1]:.4g} is usual.",
        advice="Look at the batch of that step; where spikes come again, clip gradients or lower the rate.",
        confidence=0.8,
        evidence={"loss": loss, "usual": border[1], "border": border[0]},
    )
