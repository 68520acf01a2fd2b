"""Losses of made-up runs, and what a detector finds in them."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from rightrate.watch.detector import Block, Detector, Facts
from rightrate.watch.finding import Finding
from tests.watch.detectors.parts import block, found_in, parts

__all__ = ["blocks_of", "found", "noisy"]


def noisy(shape: Callable[[int], float], steps: int, noise: float = 0.02) -> list[float]:
    """Return losses about a shape, with noise of some relative standard deviation; the same at each call."""
    draw = random.Random(0)
    return [shape(step) * (1.0 + draw.gauss(0.0, noise)) for step in range(steps)]


def blocks_of(
    losses: Sequence[float],
    facts: Facts | None = None,
    *,
    cut: int = 32,
    validations: Sequence[tuple[int, float]] = (),
) -> list[Block]:
    """Return the blocks of a run."""
    whole = block(range(len(losses)), losses, facts=facts or Facts(total_steps=len(losses)))
    made = []
    left = list(validations)
    for one in parts(whole, range(cut, len(losses), cut)):
        arrived = tuple(v for v in left if one.steps and v[0] <= one.steps[-1])
        left = left[len(arrived) :]
        made.append(replace(one, validations=arrived))
    return made


def found(
    detector: Detector,
    losses: Sequence[float],
    facts: Facts | None = None,
    validations: Sequence[tuple[int, float]] = (),
) -> list[Finding]:
    """Return what a detector finds in a run."""
    return found_in(detector, blocks_of(losses, facts, validations=validations))[0]
