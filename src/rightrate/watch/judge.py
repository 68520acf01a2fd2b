"""Runs the detectors over blocks of steps, and keeps their faults away from each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from rightrate.watch.faults import Faults
from rightrate.watch.settings import Settings

__all__ = ["Judge"]


class Judge:
    """Hands blocks of steps to the detectors and gathers what they find.

    Args:
        settings: What was asked.
        faults: Where a detector's failures go.
    """

    def __init__(self, settings: Settings, faults: Faults) -> None:
        self._settings = settings
        self._faults = faults
        self.findings: list[Any] = []

    def look(self, block: Sequence[Any]) -> list[Any]:
        """Return what is new in a block of (row, loss)."""
        return []

    def validated(self, step: int, value: float) -> None:
        """Take one validation into the next block."""

    def again(self) -> None:
        """Forget what was seen, because the run was put back."""

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from saved data."""
