"""The part of a study's journal that belongs to a search inside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rightrate.store.journal import Journal

__all__ = ["Within"]


@dataclass(frozen=True, kw_only=True)
class Within:
    """A journal whose pieces are pieces of another one, under a name of their own.

    Args:
        journal: The other one.
        name: What their keys begin with there.
    """

    journal: Journal
    name: str

    def finished(self, key: str) -> Any:
        """Return what a finished piece came to, or None."""
        return self.journal.finished(self._key(key))

    def finish(self, key: str, value: Any, state: Mapping[str, object] | None = None) -> None:
        """Record what a piece came to."""
        self.journal.finish(self._key(key), value, state)

    def due(self) -> bool:
        """Say whether a checkpoint should be written now."""
        return self.journal.due()

    def checkpoint(self, key: str, state: Mapping[str, object]) -> None:
        """Write the state of a piece in progress."""
        self.journal.checkpoint(self._key(key), state)

    def resume(self, key: str) -> Mapping[str, object] | None:
        """Return the newest valid state of a piece, or None."""
        return self.journal.resume(self._key(key))

    def _key(self, key: str) -> str:
        return f"{self.name}/{key}"
