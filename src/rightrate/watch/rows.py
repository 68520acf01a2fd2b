"""From losses and steps, in whatever order a loop gives them, to one row for each optimizer step."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from torch import Tensor

from rightrate.watch.arriving import Arriving, arriving, numbers_of
from rightrate.watch.measure import Reading

__all__ = ["BLOCK", "Row", "Rows"]

BLOCK = 32
_MOST = 1024
_BLOCKS, _SECONDS = 8, 0.5
_NO_STEPS = (
    f"{_MOST:,} losses were observed without a step of the optimizer that is watched; "
    "if it was built anew, watch the new one, and observe inside of the with block"
)
_NO_LOSSES = f"the losses of {_MOST:,} steps were not observed; call w.observe(loss) in the loop"


class Row:
    """What is known of one optimizer step.

    Args:
        step: The step, 0-based, among those that were applied.
        rates: The rate of every parameter group at that step, the watcher's multiplier included.
        skipped: Whether the watcher skipped it.
    """

    # defaults of the class: a row is made at every step
    losses: Sequence[float | Arriving] = ()
    measured: Arriving | list[float] | None = None
    told = math.nan
    scheduler_steps: int | None = None
    skipped = False
    _reading: Reading | None = None

    def __init__(self, step: int, rates: tuple[float, ...], *, skipped: bool = False) -> None:
        self.step = step
        self.rates = rates
        if skipped:
            self.skipped = True

    def ready(self) -> bool:
        """Return whether every number of the row is here."""
        for loss in self.losses:
            if type(loss) is Arriving and not loss.ready():
                return False
        return type(self.measured) is not Arriving or self.measured.ready()

    @property
    def reading(self) -> Reading | None:
        """What was measured, waiting for it if need be; None for nothing."""
        if self._reading is None and self.measured is not None:
            self._reading = Reading.of(numbers_of([self.measured]))
        return self._reading

    def loss(self) -> float:
        """Return the mean of what was observed for this step, waiting for it if need be; NaN for nothing."""
        losses = self.losses
        if not losses:
            return math.nan
        if len(losses) == 1 and not isinstance(first := losses[0], Arriving):  # the usual case, made fast
            return first
        return sum(x.numbers()[0] if isinstance(x, Arriving) else x for x in losses) / len(losses)


class Rows:
    """Puts observations and steps together.

    A loop observes before its optimizer steps, or after; the first step tells which. What is observed
    between two steps belongs to the later one in the first case and to the earlier one in the second. With
    accumulated batches, several observations make one step, and count as their mean. Of steps and of losses
    that wait for each other the newest 1,024 are kept.

    Steps and losses are written down as they come, which is all that most steps of a loop pay for; they are
    put together when a block's worth is there, or somebody asks. Several blocks in a row cost half as much
    each as one now and then, so that in a fast loop as many are taken together as half a second brings, and
    at most eight.

    Args:
        at_once: Whether a block is to be taken as soon as it is there, however fast the loop is.
        clock: Seconds.
    """

    def __init__(self, *, at_once: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._clock = clock
        self._taken = -math.inf
        self._events: list[Row | float | Arriving | None] = []  # None: a step at the rates of the one before
        self._room = 2 * BLOCK
        self._like = Row(-1, ())
        self._waiting: deque[Row] = deque()
        self._open: list[float | Arriving] = []
        self._last: Row | None = None
        self._before: bool | None = None

    @property
    def pending(self) -> float | Arriving | None:
        """The newest loss that no step has been taken with yet; None where that is not known."""
        self._settle()
        return self._open[-1] if self._open and self._before is not False else None

    def observe(self, loss: object) -> bool:
        """Take one loss, a tensor of one number or a number; return whether `take` should be called now.

        That is where blocks of rows wait, where the loss is not finite, and always where it comes from a
        device, whose numbers have to be asked after.
        """
        if isinstance(loss, Tensor):
            if loss.numel() != 1:
                raise ValueError(f"a loss is one number, this one has {loss.numel()}")
            if not loss.is_cpu:
                arrived = arriving(loss)
                self._events.append(arrived if isinstance(arrived, Arriving) else arrived[0])
                return True
            number = float(loss.item())
        else:
            number = float(loss)  # type: ignore[arg-type]
        self._events.append(number)
        if not math.isfinite(number):
            return True
        if len(self._events) < self._room:
            return False
        self._settle()
        return len(self._waiting) >= BLOCK and self._due()

    def _due(self) -> bool:
        if self._at_once or len(self._waiting) >= _BLOCKS * BLOCK:
            return True
        return self._clock() - self._taken >= _SECONDS

    def stepped(self, row: Row) -> None:
        """Take one optimizer step."""
        self._events.append(row)

    def repeated(self) -> None:
        """Take one optimizer step that differs from the one before in its number alone."""
        self._events.append(None)
        if len(self._events) >= _MOST:
            self._settle()

    def _settle(self) -> None:
        """Put together what was written down."""
        if not self._events:
            return
        events, self._events = self._events, []
        lost = ""
        for event in events:
            if event is None or type(event) is Row:
                lost = self._step(event) or lost
            else:
                self._open.append(event)  # type: ignore[arg-type]
                if len(self._open) > _MOST:
                    del self._open[0]
                    lost = _NO_STEPS
        self._room = self._rest()
        if lost:
            raise RuntimeError(lost)

    def _rest(self) -> int:
        """Return how many events fill the next block, where a step has one loss."""
        waiting = len(self._waiting)
        return 2 * (BLOCK - (waiting if self._at_once else waiting % BLOCK))

    def _step(self, row: Row | None) -> str:
        """Take one step, and return what is to be said of it."""
        if row is None:
            row = Row(self._like.step + 1, self._like.rates)
        if not row.skipped:
            self._like = row
        if self._before is None:
            self._before = bool(self._open)
        lost = self._close()
        self._last = row
        return (self._close() or lost) if self._before else lost

    def _close(self) -> str:
        """Give the last step what was observed; what belongs to a step that was skipped is left out."""
        last = self._last
        if last is None:
            return ""
        last.losses, self._open, self._last = self._open, [], None
        if last.skipped:
            return ""
        self._waiting.append(last)
        if len(self._waiting) <= _MOST:
            return ""
        self._waiting.popleft()
        return _NO_LOSSES

    def take(self) -> list[Row]:
        """Return the rows that are complete and here, in order."""
        self._settle()
        if self._last is not None and self._alarming():
            self._close()
        found = []
        while self._waiting and self._waiting[0].ready():
            found.append(self._waiting.popleft())
        self._room, self._taken = self._rest(), self._clock()
        return found

    def _alarming(self) -> bool:
        return any(isinstance(loss, float) and not math.isfinite(loss) for loss in self._open)

    def drain(self) -> list[Row]:
        """Return all rows, waiting for their numbers; the last one with what was observed for it so far."""
        self._settle()
        self._close()
        found = list(self._waiting)
        self._waiting.clear()
        self._room, self._taken = 2 * BLOCK, self._clock()
        return found

    def __len__(self) -> int:
        """Return how many rows wait for their numbers."""
        self._settle()
        return len(self._waiting)
