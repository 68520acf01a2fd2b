"""Where a watcher's words go: the console and a store, each through one method."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Literal, Protocol

from rightrate.watch.console import Console
from rightrate.watch.rows import Row

__all__ = ["ConsoleSink", "Sink", "StoreSink", "Stream", "joined", "summary_of"]

_MOST = 1000
_PARTS = 8

Stream = Literal["finding", "act", "note", "validation", "steps"]


class Sink(Protocol):
    """Takes what a watcher has to tell, as plain data."""

    def tell(self, stream: Stream, values: Mapping[str, Any]) -> None:
        """Take one finding, act, note or validation, or the summary of some steps.

        Every one has a "step"; findings, acts and notes have a "text", findings an "advice" as well.
        Steps are as `summary_of` gives them.
        """
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class ConsoleSink:
    """Says findings, acts and notes on the console.

    Args:
        console: Where lines go.
        advise: Whether findings come with what to do.
    """

    def __init__(self, console: Console, *, advise: bool) -> None:
        self._console = console
        self._advise = advise

    def tell(self, stream: Stream, values: Mapping[str, Any]) -> None:
        """Say what is for people; give earlier lines that wait their chance otherwise."""
        if stream in ("finding", "act", "note"):
            advice = f" {values['advice']}" if self._advise and values.get("advice") else ""
            self._console.say(f"step {values['step']:,}: {values['text']}{advice}")
        else:
            self._console.tick()

    def close(self) -> None:
        """Say what waits."""
        self._console.flush()


class StoreSink:
    """Writes to a log of a study, in one transaction every other second, so that others can follow.

    Another thread does it, so that training does not wait for a disk, or for a process that locks the store.
    What could not be written raises at the next call. Until then steps are kept as at most eight summaries,
    neighbours joined where there are more, and of the rest the newest 1,000.

    Args:
        append: Adds rows to a stream of the study.
        clock: Seconds.
        seconds: The least time between two transactions.
    """

    def __init__(
        self,
        append: Callable[[str, list[Mapping[str, Any]]], object],
        clock: Callable[[], float] = time.monotonic,
        seconds: float = 2.0,
    ) -> None:
        self._append = append
        self._clock = clock
        self._seconds = seconds
        self._written = clock() - seconds
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=_MOST)
        self._steps: list[Mapping[str, Any]] = []
        self._thread = ThreadPoolExecutor(1, "rightrate-watch")
        self._writing: Future[object] | None = None

    def tell(self, stream: Stream, values: Mapping[str, Any]) -> None:
        """Keep it, and write what is kept if enough time has passed."""
        if stream == "steps":
            self._steps.append(values)
            if len(self._steps) > _PARTS:
                old = self._steps
                self._steps = [*map(joined, old[:-1:2], old[1:-1:2]), old[-1]]
        else:
            self._waiting.append({"what": stream, **values})
        idle = self._writing is None or self._writing.done()
        if idle and self._clock() - self._written >= self._seconds:
            self._write()

    def _write(self) -> None:
        """Begin to write what is kept, when what was begun before is written."""
        if self._writing is not None:
            self._writing.result()
        rows = [*self._waiting, *({"what": "steps", **steps} for steps in self._steps)]
        self._waiting.clear()
        self._steps = []
        self._written = self._clock()
        self._writing = self._thread.submit(self._append, "watch", rows) if rows else None

    def close(self) -> None:
        """Write what is left, and wait until it is written."""
        try:
            self._write()
            if self._writing is not None:
                self._writing.result()
        finally:
            self._thread.shutdown()


def joined(former: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return two neighbouring summaries of steps as one."""
    both = [one for one in (former, new) if one["count"]]
    count = sum(one["count"] for one in both)
    return {
        **new,
        "from": former["from"],
        "count": count,
        "broken": former["broken"] + new["broken"],
        "loss": sum(one["loss"] * one["count"] for one in both) / count if count else None,
        "low": min((one["low"] for one in both), default=None),
        "high": max((one["high"] for one in both), default=None),
    }


def summary_of(block: Sequence[tuple[Row, float]]) -> dict[str, Any]:
    """Return steps and their losses as one summary; it holds the finite losses, None where there are none."""
    losses = [loss for _, loss in block if math.isfinite(loss)]
    last = block[-1][0]
    return {
        "from": block[0][0].step,
        "step": last.step,
        "count": len(losses),
        "broken": len(block) - len(losses),
        "loss": sum(losses) / len(losses) if losses else None,
        "low": min(losses, default=None),
        "high": max(losses, default=None),
        "lr": last.rates[0] if last.rates else None,
    }
