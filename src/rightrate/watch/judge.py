"""Runs the detectors over blocks of steps, and keeps their faults away from each other."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rightrate.watch.arriving import numbers_of
from rightrate.watch.course import Course
from rightrate.watch.detector import Block, Facts, Rates, Sample, State
from rightrate.watch.detectors import DETECTORS
from rightrate.watch.editors import Edit
from rightrate.watch.faults import Faults
from rightrate.watch.finding import Finding
from rightrate.watch.measure import Measured
from rightrate.watch.rows import Row
from rightrate.watch.settings import Settings

__all__ = ["Judge"]

_KEPT = 200


class Judge:
    """Hands blocks of steps to the detectors and gathers what they find; one that fails is asked no more.

    Args:
        settings: What was asked.
        faults: Where a detector's failures go.
        edits: Returns all changes of the rate so far.
    """

    def __init__(self, settings: Settings, faults: Faults, edits: Callable[[], Sequence[Edit]]) -> None:
        self._facts = Facts(total_steps=settings.total_steps, chance_loss=settings.chance_loss)
        self._faults = faults
        self._edits = edits
        self._told = 0
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
                found += new
        self.findings = [*self.findings, *found][-_KEPT:]
        return found

    def _block(self, block: Sequence[tuple[Row, float]]) -> Block:
        edits, self._told = tuple(self._edits()[self._told :]), len(self._edits())
        validations, self._validations = tuple(self._validations), []
        steps, losses = tuple(row.step for row, _ in block), tuple(loss for _, loss in block)
        lrs = [row.rates[0] if row.rates else math.nan for row, _ in block]
        self._course = self._course.add(steps, losses, lrs)
        return Block(
            steps=steps,
            losses=losses,
            rates=Rates(applied=tuple(row.rates for row, _ in block), edits=edits),
            samples=tuple(
                Sample(step=row.step, measured=Measured.of(numbers_of([row.measured])))
                for row, _ in block
                if row.measured is not None
            ),
            validations=validations,
            facts=self._facts,
            course=self._course,
        )

    def validated(self, step: int, value: float) -> None:
        """Take one validation into the next block."""
        self._validations = [*self._validations, (step, value)][-_KEPT:]

    def again(self) -> None:
        """Forget what was seen, because the run was put back; what was found stays."""
        self._states, self._course = {}, self._course.again()

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
