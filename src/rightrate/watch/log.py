"""What a watcher remembers of a run, in bounded memory."""

from collections.abc import Mapping
from typing import Any

from rightrate.watch.history import Curve
from rightrate.watch.measure import Measured

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

    def add(self, step: int, loss: float, rate: float, measured: Measured | None) -> None:
        """Take one step."""
        self.curves["loss"].add(step, loss)
        self.curves["lr"].add(step, rate)
        self.last_loss, self.last_rate = loss, rate
        if measured is not None:
            self.curves["gradient_norm"].add(step, measured.gradient_norm)
            self.curves["update_norm"].add(step, measured.update_norm)

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
