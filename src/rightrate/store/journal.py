"""What a study remembers, so that it can go on where it stopped."""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Forgetful", "Journal"]


class Journal(Protocol):
    """Remembers what a study finished, piece by piece, and the newest state of the piece in progress.

    A piece is whatever is finished as a whole: an engine verdict, an action of a search, one run of a
    comparison, one round of a population. Its key is unique in the study and the same each time the study is
    run. The order of a workflow is always: ask `finished`, then `resume`, then work, `checkpoint` when `due`,
    and `finish`.
    """

    def finished(self, key: str) -> Any:
        """Return what a finished piece came to (plain JSON data, NaN and infinities as they are), or None."""
        ...

    def finish(self, key: str, value: Any, state: Mapping[str, object] | None = None) -> None:
        """Record what a piece came to, in one transaction; its checkpoints give way to `state`, if any."""
        ...

    def due(self) -> bool:
        """Say whether so much time has passed that a checkpoint should be written now."""
        ...

    def checkpoint(self, key: str, state: Mapping[str, object]) -> None:
        """Write the state of a piece in progress: nested mappings and sequences of tensors and plain data."""
        ...

    def resume(self, key: str) -> Mapping[str, object] | None:
        """Return the newest valid state of a piece, or the one it was finished with, or None."""
        ...


class Forgetful:
    """The journal of a study that is not stored: it starts from nothing each time."""

    def finished(self, key: str) -> Any:
        """Return None."""
        return None

    def finish(self, key: str, value: Any, state: Mapping[str, object] | None = None) -> None:
        """Forget it."""

    def due(self) -> bool:
        """Return False."""
        return False

    def checkpoint(self, key: str, state: Mapping[str, object]) -> None:
        """Forget it."""

    def resume(self, key: str) -> Mapping[str, object] | None:
        """Return None."""
        return None
