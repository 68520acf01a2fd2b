"""Runs the detectors over blocks of steps, and keeps their faults away from each other."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rightrate.watch.around import Around, sample_of
from rightrate.watch.course import Course
from rightrate.watch.detector import Block, Facts, Rates, State, again
from rightrate.watch.detectors import DETECTORS
from rightrate.watch.faults import Faults
from rightrate.watch.finding import Finding
from rightrate.watch.rows import Row
from rightrate.watch.settings import Settings

__all__ = ["Judge"]

_KEPT = 200
_FALLING = {
    "diverging",
    "collapsed",
    "too_high",
    "too_low",
    "plateau",
    "overfitting",
    "underfitting",
    "converged",
}
"""What is said of a loss that should fall."""


class Judge:
    """Hands blocks of steps to the detectors and gathers what they find; one that fails is asked no more.

    Args:
        settings: What was asked.
        faults: Where a detector's failures go.
        around: Returns what surrounds the rows since it was last asked.
    """

    def __init__(self, settings: Settings, faults: Faults, around: Callable[[], Around]) -> None:
        self._settings = settings
        self._faults = faults
        self._around = around
        self._detectors = dict(DETECTORS)
        self._states: dict[str, State] = {}
        self._course = Course()
        self._validations: list[tuple[int, float]] = []
        self.findings: list[Finding] = []

    def look(self, block: Sequence[tuple[Row, float]]) -> list[Finding]:
        """Return what is new in a block of rows and their losses."""
        if not self._detectors:
            return []
        seen = self._block(block)
        found: list[Finding] = []
        for name, detector in list(self._detectors.items()):
            try:
                state = self._states[name] if name in self._states else detector.init()
                new, self._states[name] = detector.update(state, seen)
            except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
                del self._detectors[name]
                self._faults.failed(seen.last, f"detector {name}, which is asked no more", error)
            else:
                found += map(_doubted, new) if self._settings.adversarial else new
        self.findings = [*self.findings, *found][-_KEPT:]
        return found

    def _block(self, block: Sequence[tuple[Row, float]]) -> Block:
        around = self._surrounded(block)
        validations, self._validations = tuple(self._validations), []
        steps, losses = tuple(row.step for row, _ in block), tuple(loss for _, loss in block)
        lrs = [row.rates[0] if row.rates else math.nan for row, _ in block]
        self._course = self._course.add(steps, losses, lrs)
        readings = [(row.step, row.reading) for row, _ in block]
        return Block(
            steps=steps,
            losses=losses,
            rates=_rates([row for row, _ in block], around),
            samples=tuple(sample_of(step, one, around.tensors) for step, one in readings if one is not None),
            validations=validations,
            facts=Facts(
                total_steps=self._settings.total_steps,
                chance_loss=self._settings.chance_loss,
                full_batch=self._settings.full_batch,
                plain_steps=around.plain_steps,
            ),
            course=self._course,
        )

    def _surrounded(self, block: Sequence[tuple[Row, float]]) -> Around:
        try:
            return self._around()
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(block[-1][0].step, "what surrounds the steps", error)
            return Around()

    def validated(self, step: int, value: float) -> None:
        """Take one validation into the next block."""
        self._validations = [*self._validations, (step, value)][-_KEPT:]

    def again(self) -> None:
        """Forget how the run went, because it was put back; what was found stays."""
        self._states = {name: again(self._detectors[name], state) for name, state in self._states.items()}
        self._course = self._course.again()

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "states": {name: dict(state) for name, state in self._states.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "course": self._course.to_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from saved data; detectors that are not there any more are left out."""
        self._states = {name: kept for name, kept in state["states"].items() if name in self._detectors}
        self.findings = [Finding(**finding) for finding in state["findings"]]
        self._course = Course.from_dict(state["course"]) if "course" in state else Course()


def _doubted(finding: Finding) -> Finding:
    """Return a finding half as sure where it takes for granted that the loss should fall."""
    if finding.verdict not in _FALLING:
        return finding
    return replace(finding, confidence=finding.confidence / 2.0)


def _rates(rows: Sequence[Row], around: Around) -> Rates:
    teller, applied = around.teller, tuple(row.rates for row in rows)
    if teller is None:
        return Rates(applied=applied, edits=around.edits)
    told = tuple(row.told for row in rows)
    counts = tuple(row.scheduler_steps for row in rows if row.scheduler_steps is not None)
    return Rates(
        applied=applied,
        told=() if all(map(math.isnan, told)) else told,
        edits=around.edits,
        scheduler_steps=counts if len(counts) == len(rows) else (),
        scheduler_length=teller.length,
        scheduler_start=teller.start,
    )
