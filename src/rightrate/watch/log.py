"""What a watcher remembers of a run, in bounded memory."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rightrate.watch.history import Curve
from rightrate.watch.rows import Row

__all__ = ["CURVES", "RunLog"]

CURVES = ("loss", "lr", "gradient_norm", "update_norm", "validation")


class RunLog:
    """The curves of a run, thinned, and the newest numbers.

    Args:
        points: The most points of a curve.
    """

    def __init__(self, points: int = 512) -> None:
        self.curves = {name: Curve(points) for name in CURVES}
        self.last_loss: float | None = None
        self.last_rate: float | None = None
        self.last_validation: float | None = None

    def extend(self, block: Sequence[tuple[Row, float]]) -> None:
        """Take some steps and their losses."""
        if not block:
            return
        steps, losses = [row.step for row, _ in block], [loss for _, loss in block]
        rates = [row.rates[0] if row.rates else math.nan for row, _ in block]
        self.curves["loss"].extend(steps, losses)
        self.curves["lr"].extend(steps, rates)
        self.last_loss, self.last_rate = losses[-1], rates[-1]
        for row, _ in block:
            reading = row.reading
            if reading is not None:
                self.curves["gradient_norm"].add(row.step, reading.measured.gradient_norm)
                self.curves["update_norm"].add(row.step, reading.measured.update_norm)

    def validated(self, step: int, value: float) -> None:
        """Take one validation."""
        self.curves["validation"].add(step, value)
        self.last_validation = value

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        curves = {name: curve.state_dict() for name, curve in self.curves.items()}
        return {"curves": curves, "last": [self.last_loss, self.last_rate, self.last_validation]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from saved data."""
        for name, curve in self.curves.items():
            curve.load_state_dict(state["curves"][name])
        self.last_loss, self.last_rate, self.last_validation = state["last"]
