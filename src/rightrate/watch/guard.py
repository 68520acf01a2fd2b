"""When a run is lost, by its losses alone: what `mode="act"` goes back for."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rightrate.watch.mender import Order
from rightrate.watch.opening import opening_level
from rightrate.watch.rows import Row

__all__ = ["Guard"]

_BLOCKS = 2
_FEWEST = 8
_HIGH = 2.5
_LEARNED = 0.7
_LOST = 0.95
_SCATTERED = 0.5


class Guard:
    """Holds the losses against the level a run began at, which is that of having learned nothing.

    A run is lost where a loss is not finite, or where two blocks in a row have medians above 0.95 of the
    level, after a block whose mean was more than 2.5 times the level and where it began (it blew up, and
    stayed up or came to rest at chance), or one whose median was below 0.7 of it (it had learned, and lost it
    again). A rate that is merely too low does neither. After a roll-back the two blocks are enough. Losses
    that are not positive are judged for being finite alone, and so is a block of which a tenth is below half
    of its median: losses of a run that has learned nothing seldom are, those of unlike batches often.

    Args:
        chance_loss: Loss of the best constant prediction, or None.
        adversarial: Whether the loss need not fall, as those of a GAN need not: it is judged for being finite
            alone.
    """

    def __init__(self, chance_loss: float | None = None, *, adversarial: bool = False) -> None:
        self._level = chance_loss
        self._adversarial = adversarial
        self._start: float | None = None
        self._medians: list[float] = []
        self._highest = -math.inf
        self._lowest = math.inf

    def look(self, block: Sequence[tuple[Row, float]]) -> Order | None:
        """Return the order to go back, or None."""
        broken = next((row for row, loss in block if not math.isfinite(loss)), None)
        if broken is not None:
            return Order(kind="rollback", reason="the loss is not finite", since=broken.step)
        losses = [loss for _, loss in block]
        if self._adversarial or len(losses) < _FEWEST:
            return None
        start = self._start = opening_level(losses) if self._start is None else self._start
        level = self._level = losses[0] if self._level is None else self._level
        self._highest = max(self._highest, sum(losses) / len(losses))
        self._medians = [*self._medians, median(losses)][-_BLOCKS:]
        self._lowest = min(self._lowest, self._medians[-1])
        scattered = sorted(losses)[len(losses) // 10] <= _SCATTERED * self._medians[-1]
        if level <= 0.0 or scattered or len(self._medians) < _BLOCKS or min(self._medians) <= _LOST * level:
            return None
        since = block[0][0].step - len(block)
        if self._lowest < _LEARNED * level:
            reason = f"the loss is back at {self._medians[-1]:.4g}, where it began, after {self._lowest:.4g}"
            return Order(kind="rollback", reason=reason, since=since)
        if self._highest > _HIGH * max(level, start):
            now = self._medians[-1]
            reason = f"the loss is {now:.4g} and does not come down from {level:.4g}, where the run began"
            return Order(kind="rollback", reason=reason, since=since)
        return None

    def again(self) -> None:
        """Judge anew, because the run was put back: the next two blocks have to come below the level."""
        self._medians, self._highest, self._lowest = [], math.inf, math.inf

    def state_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"level": self._level, "start": self._start}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from saved data."""
        self._level, self._start = state["level"], state.get("start")
