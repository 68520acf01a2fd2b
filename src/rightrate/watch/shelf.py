"""Snapshots of a run: the start, and the last two."""

from rightrate.watch.snapshot import Snapshot

__all__ = ["Shelf"]

_LAST = 2


class Shelf:
    """Keeps the first snapshot and the last two, so that a failure that is noticed late can be gone behind.

    Args:
        every: Steps between snapshots, >= 1.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._next = 0
        self.snapshots: list[Snapshot] = []

    def due(self, step: int) -> bool:
        """Return whether the next snapshot should be taken."""
        return step >= self._next

    def put(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; one between the first and the last two gives way."""
        self._next = snapshot.step + self.every
        self.snapshots.append(snapshot)
        if len(self.snapshots) > 1 + _LAST:
            del self.snapshots[1]

    def before(self, since: int) -> Snapshot | None:
        """Return the last snapshot that lies half an interval before a step, or the first one.

        What was taken later is dropped, since it holds what went wrong.
        """
        if not self.snapshots:
            return None
        good = [one for one in self.snapshots[1:] if one.step <= since - self.every / 2]
        self.snapshots = [self.snapshots[0], *good]
        return self.snapshots[-1]

    def drop_last(self) -> None:
        """Drop the last snapshot, because going back to it did not help; the first one stays."""
        if len(self.snapshots) > 1:
            self.snapshots.pop()

    def again(self, step: int) -> None:
        """Take the next snapshot an interval after this step."""
        self._next = step + self.every
