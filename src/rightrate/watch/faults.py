"""What fails inside the watcher stays there: it is noted once, and training goes on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Faults", "Note"]

_LOG = logging.getLogger("rightrate.watch")


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something that failed in the watcher itself, or that it could not do.

    Args:
        step: The optimizer step at which it was first seen.
        place: The part that failed, such as "detector Spike".
        text: What happened, one sentence.
    """

    step: int
    place: str
    text: str


class Faults:
    """Remembers what failed, each kind of failure once, and says it once as a warning of the log.

    Args:
        tell: Called with each note.
        limit: The most notes that are kept; further ones are counted.
    """

    def __init__(self, tell: Callable[[Note], object] = str, limit: int = 100) -> None:
        self._tell = tell
        self.notes: list[Note] = []
        self.left_out = 0
        self._limit = limit
        self._seen: set[tuple[str, str]] = set()

    def failed(self, step: int, place: str, error: BaseException) -> None:
        """Note an exception that was kept out of training."""
        self.say(step, place, _sentence(error), kind=type(error).__name__)

    def say(self, step: int, place: str, text: str, *, kind: str | None = None) -> None:
        """Note a sentence; another one of the same place and kind is left out."""
        key = (place, text if kind is None else kind)
        if key in self._seen:
            return
        if len(self.notes) >= self._limit:
            self.left_out += 1
            return
        self._seen.add(key)
        note = Note(step=step, place=place, text=text)
        self.notes.append(note)
        self._tell(note)
        _LOG.warning("%s, step %d: %s", place, step, text)


def _sentence(error: BaseException) -> str:
    """Return what an exception says; one whose own text fails is named all the same."""
    try:
        text = str(error)
    except Exception as another:  # noqa: BLE001 - an exception's text is anyone's code
        text = f"its text cannot be shown ({type(another).__name__})"
    return f"{type(error).__name__}: {text}"[:500]
