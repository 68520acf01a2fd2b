"""Blocks for the tests of detectors: made of rows, cut anywhere, and looked at through JSON."""

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from rightrate.watch.course import Course
from rightrate.watch.detector import Block, Detector, Facts, Rates, Sample, State
from rightrate.watch.editors import Edit
from rightrate.watch.finding import Finding
from rightrate.watch.measure import Measured

QUIET = Measured(
    gradient_norm=1.0,
    update_norm=0.1,
    weight_norm=10.0,
    gradient_cosine=0.3,
    update_cosine=0.3,
    still_fraction=0.0,
    flat_fraction=0.0,
)


def sample(
    step: int, *, still_groups: Sequence[int] = (), flat: Sequence[str] = (), **values: float
) -> Sample:
    """Return a sample with some values that are not usual."""
    measured = replace(QUIET, **values)
    return Sample(step=step, measured=measured, still_groups=tuple(still_groups), flat_tensors=tuple(flat))


def block(
    steps: Sequence[int],
    losses: Sequence[float] | None = None,
    *,
    samples: Sequence[Sample] = (),
    facts: Facts | None = None,
    **rates: Any,
) -> Block:
    """Return a block of rows; rates are those of `Rates`, applied at 0.1 unless told."""
    given = {"applied": ((0.1,),) * len(steps), **rates}
    return Block(
        steps=tuple(steps),
        losses=(1.0,) * len(steps) if losses is None else tuple(losses),
        rates=Rates(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}),
        samples=tuple(samples),
        facts=facts or Facts(),
    )


def edit(step: int, before: float, after: float, who: str = "other code") -> Edit:
    """Return a change of the rate."""
    return Edit(step=step, who=who, before=before, after=after)


def parts(whole: Block, cuts: Sequence[int]) -> list[Block]:
    """Return a block cut before some of its rows, each part with the course up to it."""
    places = [0, *sorted(min(cut, len(whole.steps)) for cut in cuts), len(whole.steps)]
    found, course = [], Course()
    for a, b in pairwise(places):
        steps = whole.steps[a:b]
        below = steps[-1] if steps else -1
        above = whole.steps[a - 1] if a else -1
        rates = {name: getattr(whole.rates, name)[a:b] for name in ("applied", "told", "scheduler_steps")}
        edits = tuple(e for e in whole.rates.edits if above < e.step <= below)
        course = course.add(steps, whole.losses[a:b])
        found.append(
            replace(
                whole,
                steps=steps,
                losses=whole.losses[a:b],
                rates=replace(whole.rates, **rates, edits=edits),
                samples=tuple(one for one in whole.samples if above < one.step <= below),
                course=course,
            )
        )
    return found


def found_in(detector: Detector, blocks: Sequence[Block]) -> tuple[list[Finding], State]:
    """Return what a detector finds in blocks, and its last state; states pass through JSON on the way.

    Each block is looked at twice, and the state it is given must stay as it was.
    """
    state: State = detector.init()
    findings: list[Finding] = []
    for one in blocks:
        kept = copy.deepcopy(state)
        new, after = detector.update(state, one)
        assert (new, after) == detector.update(state, one)
        assert state == kept
        state = json.loads(json.dumps(after, allow_nan=False))
        findings += new
    return findings, state


def told(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    """Return what was found and since when."""
    return [(finding.verdict, finding.since) for finding in findings]
