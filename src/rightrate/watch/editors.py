"""Who changes the rates between steps: a scheduler, or other code."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch.optim import Optimizer

from rightrate.watch.schedulers import schedulers_of

__all__ = ["OTHER", "Edit", "Editors"]

OTHER = "other code"
_LIMIT = 200
_NEW = 128


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A rate that was changed between two steps, the watcher's multiplier left out.

    Args:
        step: The first step with the new rate.
        who: The class of the scheduler that did it, or "other code".
        before: The rate of the first group that changed, before.
        after: The same after.
    """

    step: int
    who: str
    before: float
    after: float


class Editors:
    """Compares the rates before each step with those after the step before, and says who changed them.

    A change is a known scheduler's where one took a step in between. Schedulers of torch need not be named:
    the first change makes the watcher look for those that hold the optimizer.

    Of a scheduler that changes the rate step after step the first change is kept; of other code every one, up
    to 200.

    Args:
        schedulers: What is known to set rates; anything with a `last_epoch`.

    Attributes:
        left: The rates as the last step of each optimizer left them, by its `id`.
    """

    def __init__(self, schedulers: Sequence[Any] = ()) -> None:
        self.schedulers: list[Any] = list(schedulers)
        self.edits: list[Edit] = []
        self._new: deque[Edit] = deque(maxlen=_NEW)
        self._looked: set[int] = set()
        self.left: dict[int, tuple[float, ...]] = {}
        self._marks: list[Any] = []
        self._last = ""

    def after_step(self, optimizer: Optimizer, rates: tuple[float, ...]) -> None:
        """Remember the rates as a step leaves them."""
        self.left[id(optimizer)] = rates
        if self.schedulers:
            self._marks = [_mark(scheduler) for scheduler in self.schedulers]

    def forget(self) -> None:
        """Forget the rates of the last step: what was put back since then is nobody's edit."""
        self.left.clear()
        self._marks.clear()

    def before_step(self, optimizer: Optimizer, rates: tuple[float, ...], step: int) -> Edit | None:
        """Return the change since the last step, or None."""
        left = self.left.get(id(optimizer))
        if left is None or left == rates:
            return None
        pair = next(
            ((a, b) for a, b in zip(left, rates, strict=False) if a != b and (a == a or b == b)), None
        )
        if pair is None:
            return None
        edit = Edit(step=step, who=self._who(optimizer, rates), before=pair[0], after=pair[1])
        if edit.who != self._last or edit.who == OTHER:
            self._new.append(edit)
            if len(self.edits) < _LIMIT:
                self.edits.append(edit)
        self._last = edit.who
        return edit

    def state_dict(self) -> list[dict[str, Any]]:
        """Return the changes as plain data."""
        return [asdict(edit) for edit in self.edits]

    def load_state_dict(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Go on from saved data."""
        self.edits = [Edit(**edit) for edit in state]

    def new(self) -> tuple[Edit, ...]:
        """Return the changes since this was last asked, the latest 128 at most."""
        edits = tuple(self._new)
        self._new.clear()
        return edits

    def _who(self, optimizer: Optimizer, rates: tuple[float, ...]) -> str:
        moved = [
            scheduler
            for scheduler, mark in zip(self.schedulers, self._marks, strict=False)
            if _mark(scheduler) != mark
        ]
        if not moved and self.look(optimizer):
            moved = self.schedulers[-1:]
        return next((type(one).__name__ for one in moved if _set_by(one, rates)), OTHER)

    def look(self, optimizer: Optimizer) -> bool:
        """Look once for torch's schedulers of an optimizer; return whether there are any not known before."""
        if id(optimizer) in self._looked:
            return False
        self._looked.add(id(optimizer))
        new = [
            found for found in schedulers_of(optimizer) if all(found is not one for one in self.schedulers)
        ]
        self.schedulers += new
        return bool(new)


def _set_by(scheduler: Any, rates: tuple[float, ...]) -> bool:
    """Return whether the rates are those a scheduler set last, as far as it tells them."""
    told = getattr(scheduler, "_last_lr", None)
    return not told or tuple(map(float, told)) == rates


def _mark(scheduler: Any) -> Any:
    return tuple(getattr(scheduler, name, None) for name in ("last_epoch", "_step_count", "_last_lr"))
