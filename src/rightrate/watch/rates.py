"""The rates of optimizers as they are applied: the watcher's multiplier is in them during steps only."""

import math
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

__all__ = ["Rates"]

_READ_EVERY = 32


class Rates:
    """Multiplies the rates of optimizers for the time of their steps, and tells what they were.

    Schedulers and people read and write `group["lr"]` between steps, and never see the multiplier: whatever
    they write is multiplied at the next step, and neither lost nor multiplied twice.

    A rate that is a tensor on a device is read every 32nd step, since reading it makes the device wait.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
        >>> rates = Rates()
        >>> rates.multiplier = 0.5
        >>> rates.apply(optimizer), optimizer.param_groups[0]["lr"]
        ((0.2,), 0.2)
        >>> rates.take_back(optimizer)
        >>> optimizer.param_groups[0]["lr"]
        0.4
    """

    def __init__(self) -> None:
        self.multiplier = 1.0
        self._held: dict[int, list[tuple[dict[str, Any], Any, Any]]] = {}
        self._read: dict[tuple[int, int], tuple[int, float]] = {}

    def apply(self, optimizer: Optimizer) -> tuple[float, ...]:
        """Put the multiplier into the rates of all groups, and return the rates that the step will use."""
        given_rates = self.given(optimizer)
        if self.multiplier == 1.0:
            return given_rates
        held = self._held[id(optimizer)] = []
        for group in optimizer.param_groups:
            given = group.get("lr")
            if given is not None:
                applied = given * self.multiplier
                held.append((group, given, applied))
                group["lr"] = applied
        return tuple(rate * self.multiplier for rate in given_rates)

    def take_back(self, optimizer: Optimizer) -> None:
        """Take the multiplier out of the rates.

        A rate that was written meanwhile, by the step itself or by a scheduler after a step that raised, is
        divided by it where it is nearer to the rate that was applied than to the one that was given.
        """
        if not self._held:
            return
        for group, given, applied in self._held.pop(id(optimizer), ()):
            now = group["lr"]
            if now is applied:
                group["lr"] = given
            elif _nearer(now, applied, given):
                group["lr"] = now / self.multiplier

    def given(self, optimizer: Optimizer) -> tuple[float, ...]:
        """Take the multiplier out, and return the rates that a scheduler or a person set; NaN for none."""
        if self._held:
            self.take_back(optimizer)
        groups = optimizer.param_groups
        if len(groups) == 1 and type(lr := groups[0].get("lr")) is float:
            return (lr,)
        return tuple(
            self._number((id(optimizer), place), group.get("lr")) for place, group in enumerate(groups)
        )

    def _number(self, key: tuple[int, int], lr: Any) -> float:
        if isinstance(lr, Tensor) and lr.device.type != "cpu":
            reads, known = self._read.get(key, (0, 0.0))
            known = float(lr) if reads % _READ_EVERY == 0 else known
            self._read[key] = (reads + 1, known)
            return known
        return math.nan if lr is None else float(lr)


def _nearer(rate: Any, one: Any, other: Any) -> bool:
    """Return whether a rate is nearer to one than to another, by factors; where any is zero, to the one."""
    rate, one, other = float(rate), float(one), float(other)
    if min(rate, one, other) <= 0.0:
        return True
    return abs(math.log(rate / one)) <= abs(math.log(rate / other))
