"""What is shown while a search runs: one live line on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from rightrate.cli.console import printable

if TYPE_CHECKING:
    from rightrate.search.driver import Progress

__all__ = ["LiveLine", "PlainLines", "Silent", "Watcher", "watcher"]

_NAMES = {"range": "range test", "probe": "probe", "confirm": "second seed"}
_PLAIN_SECONDS = 5.0


class Watcher(Protocol):
    """Shows where a search is."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the screen as if nothing had been shown, or as plain lines left it."""
        ...

    def stage(self, text: str) -> None:
        """Show what happens before training starts."""
        ...

    def __call__(self, progress: "Progress") -> None:
        """Show where training is."""
        ...


def watcher(stream: TextIO, console: Console, *, quiet: bool) -> "Watcher":
    """Return what fits the stream: nothing when quiet, a live line on a terminal, else plain lines."""
    if quiet:
        return Silent()
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveLine(console)
    return PlainLines(stream)


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def stage(self, text: str) -> None:
        """Show nothing."""

    def __call__(self, progress: "Progress") -> None:
        """Show nothing."""


class PlainLines:
    """A line for each stage and rung, and one every few seconds in between.

    Args:
        stream: Where to write.
        clock: Seconds, for the time between lines.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._began = clock()
        self._written = self._began
        self._rung: object = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def stage(self, text: str) -> None:
        """Write what happens before training starts."""
        self._write(text)

    def __call__(self, progress: "Progress") -> None:
        """Write a line if the rung is new or the last line is a few seconds old."""
        rung = (progress.name, progress.action.kind, progress.action.rung)
        if rung != self._rung or self._clock() - self._written >= _PLAIN_SECONDS:
            self._rung = rung
            self._write(line_of(progress, self._clock() - self._began))

    def _write(self, line: str) -> None:
        self._written = self._clock()
        self._stream.write(f"{printable(line)}\n")
        self._stream.flush()


class LiveLine:
    """One line that changes in place and is gone at the end.

    Args:
        console: A terminal.
        clock: Seconds, for the time that is shown.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._stage = "starting"
        self._progress: Progress | None = None
        self._spinner = Spinner("dots")
        self._live = Live(get_renderable=self._render, console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def stage(self, text: str) -> None:
        """Show what happens before training starts."""
        self._stage = printable(text)

    def __call__(self, progress: "Progress") -> None:
        """Show where training is."""
        self._progress = progress

    def refresh(self) -> None:
        """Draw the line now; it is drawn eight times a second anyway."""
        self._live.refresh()

    def _render(self) -> Table:
        elapsed = self._clock() - self._began
        if self._progress is None:
            line = f"{self._stage}, {elapsed:.0f} s"
        else:
            line = line_of(self._progress, elapsed)
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(no_wrap=True, overflow="ellipsis")
        grid.add_row(self._spinner, Text(line))
        return grid


def line_of(progress: "Progress", elapsed: float) -> str:
    """Return where a search is: rung or name, members, rates, steps done, share of the budget, time."""
    from rightrate.report.text import count, duration, rate

    action = progress.action
    lowest, highest = rate(min(action.lrs)), rate(max(action.lrs))
    what = _NAMES.get(action.kind, action.kind)
    if action.kind == "range":
        rates = f"lr {lowest} to {highest}"
    elif len(action.lrs) == 1:
        rates = f"lr {lowest}"
    else:
        rates = f"{len(action.lrs)} members, lr {lowest} to {highest}"
    where = progress.name or (what if action.kind == "range" else f"rung {action.rung}, {what}")
    parts = [f"{where}: {rates}", f"step {count(progress.done)} of {count(action.steps)}"]
    if progress.allowance:
        parts.append(f"{100 * progress.spent / progress.allowance:.0f} % of the budget")
    return ", ".join([*parts, duration(round(elapsed))])
