"""Ctrl-C once: finish the step and return what is known. Twice: stop at once."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt"]

_LINE = "Stopping after the present step; press Ctrl-C again to stop at once."


class Interrupt:
    """Turns the first Ctrl-C into a request to stop, and the second into `KeyboardInterrupt`.

    Only the main thread can have signal handlers: elsewhere, and where Ctrl-C is ignored (as after `nohup`),
    nothing is installed and only `request()` asks for a stop. At the end the former handler comes back.

    Args:
        announce: Called with one line for people when the stop is requested.

    Example:
        >>> with Interrupt(print) as interrupt:
        ...     interrupt.request()
        ...     interrupt.requested
        Stopping after the present step; press Ctrl-C again to stop at once.
        True
    """

    def __init__(self, announce: Callable[[str], object]) -> None:
        self._announce = announce
        self._requested = False
        self._said = False
        self._installed = False
        self._before: Any = None

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""
        if self._requested:
            self._say()
        return self._requested

    def request(self) -> None:
        """Ask for a stop after the present step; a second time changes nothing."""
        self._requested = True
        self._say()

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if before not in (None, signal.SIG_IGN):
                self._before = signal.signal(signal.SIGINT, self._handle)
                self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._before)
            self._installed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self.request()

    def _say(self) -> None:
        if self._said:
            return
        self._said = True
        try:
            self._announce(_LINE)
        except RuntimeError:
            # The signal came in the middle of writing to the same stream; said when `requested` is next read.
            self._said = False
