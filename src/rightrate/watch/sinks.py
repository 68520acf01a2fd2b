"""Where a watcher's words go: the console and a store, each through one method."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from rightrate.watch.console import Console
from rightrate.watch.rows import Row

__all__ = ["ConsoleSink", "Sink", "StoreSink", "Stream", "joined", "summary_of"]

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
        self._waiting: list[Mapping[str, Any]] = []
        self._steps: dict[str, Any] | None = None

    def tell(self, stream: Stream, values: Mapping[str, Any]) -> None:
        """Keep it, and write what is kept if enough time has passed; steps are joined until then."""
        if stream == "steps":
            self._steps = joined(self._steps, values)
        else:
            self._waiting.append({"what": stream, **values})
        if self._clock() - self._written >= self._seconds:
            self._write()

    def _write(self) -> None:
        rows, self._waiting = self._waiting, []
        if self._steps is not None:
            rows.append({"what": "steps", **self._steps})
            self._steps = None
        self._written = self._clock()
        if rows:
            self._append("watch", rows)

    def close(self) -> None:
        """Write what is left."""
        self._write()


def joined(former: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return two neighbouring summaries of steps as one."""
    if former is None:
        return dict(new)
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
