"""The hands of `mode="act"`: skips, roll-backs, cuts and stops, each logged and undoable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch.optim import Optimizer

from rightrate.watch.acts import Act, Acting
from rightrate.watch.arriving import Arriving
from rightrate.watch.rates import Rates
from rightrate.watch.shelf import Shelf
from rightrate.watch.skips import Skips
from rightrate.watch.snapshot import Restorable, Snapshot

__all__ = ["Mender", "Order"]

_LOGGED = 1000
_UNDOABLE = 20


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be done at the next step.

    Args:
        kind: "rollback", "lower" or "stop".
        reason: Why, one sentence.
        since: For a roll-back, the first step that went wrong.
    """

    kind: Literal["rollback", "lower", "stop"]
    reason: str
    since: int = 0


class Mender:
    """Does what is ordered, at the only place where weights may change: around an optimizer's step.

    Args:
        run: Returns what trains, as far as it is known by now.
        rates: The rates whose multiplier is cut.
        acting: How far to go.
        shelf: Where snapshots are kept.
        say: Called with every act.
    """

    def __init__(
        self,
        run: Callable[[], Restorable],
        rates: Rates,
        acting: Acting,
        shelf: Shelf,
        say: Callable[[Act], object],
    ) -> None:
        self._run = run
        self._rates = rates
        self._acting = acting
        self._shelf = shelf
        self._say = say
        self._skips = Skips(self._give_up)
        self._orders: list[Order] = []
        self._undo: list[tuple[Act, Callable[[], object]]] = []
        self._back_at: int | None = None
        self.acts: list[Act] = []
        self.rescues = 0
        self.stopped = ""

    def prepare(self) -> None:
        """Find out whether snapshots can be kept.

        Raises:
            StoreError: If their folder cannot be written to.
        """
        self._shelf.prepare()

    def order(self, order: Order) -> None:
        """Have something done at the next step; of two orders of a kind the later one counts."""
        self._orders = [one for one in self._orders if one.kind != order.kind] + [order]

    def before_step(
        self, optimizer: Optimizer, step: int, pending: float | Arriving | None, *, closure: bool
    ) -> bool:
        """Do what was ordered, and return whether this step is skipped; then its gradients are put aside.

        Args:
            optimizer: The one that is about to step.
            step: The optimizer steps taken so far.
            pending: The loss of this step, if it was observed.
            closure: Whether the step evaluates a closure; such a step cannot be skipped.
        """
        rolled_back = self.carry_out(step)
        if closure:
            return False
        if rolled_back:
            self._skip(optimizer, step, "its gradient belongs to weights that are gone")
            return True
        return self.skips(optimizer, step, pending)

    def carry_out(self, step: int) -> bool:
        """Do what was ordered, and keep a snapshot where there is none.

        This alone comes before the steps of a framework whose gradients nobody sees.

        Args:
            step: The optimizer steps taken so far.

        Returns:
            Whether the weights are others now.
        """
        rolled_back = self._obey(step)
        if not self._shelf.snapshots and self._shelf.due(step):  # one that failed waits for the interval
            self._shelf.put(Snapshot(self._run(), step))
        return rolled_back

    def skips(self, optimizer: Optimizer, step: int, pending: float | Arriving | None) -> bool:
        """Return whether a step is skipped whose gradients are there; then they are put aside.

        It comes before the step, or inside of it where its closure has made them and nothing else is to
        follow but the update.
        """
        reason = self._skips.reason(optimizer, step, pending)
        if not reason:
            return False
        act = self._skip(optimizer, step, reason)
        self._undo = [one for one in self._undo if one[0].kind != "skip"]
        if "not finite" not in reason:
            self._undoable(act, self._skips.taking(optimizer))
        return True

    def _skip(self, optimizer: Optimizer, step: int, reason: str) -> Act:
        self._skips.leave_out(optimizer)
        return self._log(Act(kind="skip", step=step, reason=f"the step was not taken: {reason}"))

    def _give_up(self, reason: str, step: int) -> None:
        self.order(Order(kind="rollback", reason=reason, since=step))

    def after_step(self, step: int) -> None:
        """Give gradients that were put aside back, and keep a snapshot where one is due."""
        skipped = self._skips.give_back()
        if not skipped and not self._orders and self._shelf.due(step):
            self._shelf.put(Snapshot(self._run(), step))

    def _obey(self, step: int) -> bool:
        orders, self._orders = self._orders, []
        rolled_back = False
        for order in orders:
            if order.kind == "rollback":
                rolled_back = self._roll_back(order, step)
            elif order.kind == "lower" and not rolled_back:
                self._lower(order.reason, step)
            elif order.kind == "stop":
                self.stop(order.reason, step)
        return rolled_back

    def _roll_back(self, order: Order, step: int) -> bool:
        if self.stopped:
            return False
        if self.rescues >= self._acting.rescues:
            text = f"{order.reason}; all {self._acting.rescues} rescues are spent"
            self.stop(text, step)
            return False
        if self._back_at is not None and step - self._back_at < 2 * self._shelf.every:
            self._shelf.drop_last()
        found = self._shelf.before(order.since)
        if found is None:
            return False
        run, before = self._run(), self._rates.multiplier
        present = Snapshot(run, step)
        found.restore(run)
        self.rescues += 1
        self._rates.multiplier = before * self._acting.cut ** (1 if found.step else 2)
        self._back_at = step
        self._skips.again(self._acting.skip_steps)
        self._shelf.again(step)
        act = Act(
            kind="rollback",
            step=step,
            reason=order.reason,
            before={"multiplier": before, "weights of step": step},
            after={"multiplier": self._rates.multiplier, "weights of step": found.step},
        )
        self._undo = [one for one in self._undo if one[0].kind != "rollback"]

        def back() -> None:
            present.restore(self._run())
            self._set(before)

        self._undoable(self._log(act), back)
        return True

    def _lower(self, reason: str, step: int) -> None:
        before = self._rates.multiplier
        after = before * self._acting.lower
        self._set(after)
        numbers = {"before": {"multiplier": before}, "after": {"multiplier": after}}
        act = Act(kind="lower", step=step, reason=reason, **numbers)
        self._undoable(self._log(act), lambda: self._set(before))

    def stop(self, reason: str, step: int) -> None:
        """Ask for the end of the run."""
        if self.stopped:
            return
        self.stopped = reason
        act = Act(kind="stop", step=step, reason=reason)
        self._undoable(self._log(act), self._go_on)

    def _go_on(self) -> None:
        self.stopped = ""

    def _set(self, multiplier: float) -> None:
        self._rates.multiplier = multiplier

    def close(self) -> None:
        """Let go of the snapshots; what was done can be undone no more."""
        self._shelf.clear()
        self._undo = []

    def undo(self, step: int) -> Act | None:
        """Undo the latest act that can be undone, and return the act of undoing; None where there is none."""
        if not self._undo:
            return None
        act, back = self._undo.pop()
        back()
        return self._log(
            Act(
                kind="undo", step=step, reason=f"undone by request: {act}", before=act.after, after=act.before
            )
        )

    def state_dict(self) -> dict[str, Any]:
        """Return plain data; snapshots are not part of it."""
        return {
            "acts": [act.to_dict() for act in self.acts],
            "rescues": self.rescues,
            "stopped": self.stopped,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from saved data."""
        self.acts = [Act(**act) for act in state["acts"]]
        self.rescues, self.stopped = int(state["rescues"]), str(state["stopped"])

    def _log(self, act: Act) -> Act:
        if len(self.acts) < _LOGGED:
            self.acts.append(act)
        self._say(act)
        return act

    def _undoable(self, act: Act, back: Callable[[], object]) -> None:
        self._undo = [*self._undo, (act, back)][-_UNDOABLE:]
