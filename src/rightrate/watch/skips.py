"""Steps that are not taken: their gradients are put aside for the time of the step, and given back."""

from collections.abc import Callable

from torch import Tensor
from torch.optim import Optimizer

from rightrate.watch.arriving import Arriving
from rightrate.watch.gate import Gate, without_gradients

__all__ = ["Skips"]

_IN_A_ROW = 3


class Skips:
    """Decides about single steps, and leaves them out.

    Args:
        give_up: Called with a reason and a step where three steps in a row were left out.
    """

    def __init__(self, give_up: Callable[[str, int], object]) -> None:
        self._give_up = give_up
        self._gate = Gate()
        self._count = 0
        self._passing = 0
        self._aside: list[tuple[Tensor, Tensor]] = []

    def reason(self, optimizer: Optimizer, step: int, pending: float | Arriving | None) -> str:
        """Return why a step is to be left out; nothing where it is to be taken.

        Args:
            optimizer: The one that is about to step; its gradients are there.
            step: The optimizer steps taken so far.
            pending: The loss of this step, if it was observed.
        """
        if self._passing > 0:
            self._passing -= 1
            return "its batch is one of those around the failure"
        reason = self._gate.reason(optimizer, pending)
        self._count = self._count + 1 if reason else 0
        if self._count == _IN_A_ROW:
            self._count = 0
            self._give_up(f"{_IN_A_ROW} steps in a row could not be taken, because {reason}", step)
        return reason or ""

    def leave_out(self, optimizer: Optimizer) -> None:
        """Put the gradients aside until `give_back`."""
        self._aside = without_gradients(optimizer)

    def give_back(self) -> bool:
        """Give gradients that were put aside back, and return whether there were any."""
        aside, self._aside = self._aside, []
        for tensor, gradient in aside:
            tensor.grad = gradient
        return bool(aside)

    def taking(self, optimizer: Optimizer) -> Callable[[], None]:
        """Return what takes the step that was just left out after all, with the gradients it had."""
        kept = [(tensor, gradient.clone()) for tensor, gradient in self._aside]
        return lambda: self._take(optimizer, kept)

    def again(self, passing: int) -> None:
        """Begin anew after a roll-back.

        Args:
            passing: How many of the next steps are left out, whatever they look like.
        """
        self._gate.clear()
        self._passing = passing

    def _take(self, optimizer: Optimizer, kept: list[tuple[Tensor, Tensor]]) -> None:
        now = [(tensor, tensor.grad) for tensor, _ in kept]
        gate, self._gate = self._gate, _Open()
        try:
            for tensor, gradient in kept:
                tensor.grad = gradient
            optimizer.step()
        finally:
            self._gate = gate
            for tensor, former in now:
                tensor.grad = former


class _Open(Gate):
    """Lets every step pass."""

    def reason(self, optimizer: Optimizer, pending: float | Arriving | None) -> str | None:
        """Return None."""
        return None
