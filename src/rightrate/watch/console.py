"""One line at most every few seconds, for people."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Console"]

_SECONDS = 5.0
_SHOWN = 320


class Console:
    """Writes sentences to stderr: at once if the last line is a few seconds old, otherwise the latest later.

    What comes in between is not lost silently: the next line says how many others there were.

    Args:
        stream: Where to write; None is stderr as it is at the time.
        clock: Seconds.
        seconds: The least time between two lines.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = _SECONDS,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._seconds = seconds
        self._written: float | None = None
        self._waiting: list[str] = []
        self._left_out = 0

    def say(self, text: str) -> None:
        """Write a sentence now or later."""
        if len(self._waiting) >= 1:
            self._left_out += 1
            self._waiting.pop(0)
        self._waiting.append(text)
        self.tick()

    def tick(self) -> None:
        """Write what waits if enough time has passed."""
        if self._waiting and (self._written is None or self._clock() - self._written >= self._seconds):
            self.flush()

    def flush(self) -> None:
        """Write what waits, whatever the time."""
        if not self._waiting:
            return
        self._written = self._clock()
        more = f" (and {self._left_out} more)" if self._left_out else ""
        text = "".join(letter if letter.isprintable() else " " for letter in self._waiting.pop(0))
        self._left_out = 0
        text = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
        stream = sys.stderr if self._stream is None else self._stream
        stream.write(f"rightrate: {text}{more}\n")
        stream.flush()
