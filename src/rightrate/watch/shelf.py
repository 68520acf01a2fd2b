"""Snapshots of a run: the start, and the last two; in memory or on disk."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

from rightrate.errors import StoreError, describe
from rightrate.store.checkpoints import Checkpoints
from rightrate.store.state import pack, unpack
from rightrate.watch.snapshot import Restorable, Snapshot

__all__ = ["MEMORY", "Kept", "Shelf"]

MEMORY = "memory"

_LAST = 2


class Kept(Protocol):
    """A snapshot that is kept somewhere."""

    @property
    def step(self) -> int:
        """The optimizer steps taken by then."""
        ...

    def restore(self, run: Restorable) -> None:
        """Put everything back as it was."""
        ...

    def drop(self) -> None:
        """Let go of what holds it."""
        ...


class OnDisk:
    """A snapshot in a folder, written whole or not at all, with its SHA-256; no pickle.

    Args:
        snapshot: What to write.
        folder: Where; made if it is not there.
    """

    def __init__(self, snapshot: Snapshot, folder: Path) -> None:
        self.step = snapshot.step
        self._key = f"step {snapshot.step}"
        self._checkpoints = Checkpoints(folder, "snapshots")
        self._checkpoints.write(self._key, pack(snapshot.state))

    def restore(self, run: Restorable) -> None:
        """Read it and put everything back as it was.

        Raises:
            StoreError: If the file is gone or damaged; then nothing is changed.
        """
        state = self._checkpoints.newest(self._key, unpack, _complain)
        if state is None:
            raise StoreError(f"The snapshot of {self._key} is gone from {self._checkpoints.folder}.")
        run.put_back(state)

    def drop(self) -> None:
        """Remove its files."""
        self._checkpoints.forget(self._key)


def _complain(text: str) -> None:
    raise StoreError(text)


class Shelf:
    """Keeps the first snapshot and the last two, so that a failure that is noticed late can be gone behind.

    Args:
        every: Steps between snapshots, >= 1.
        keep: "memory", or a folder, which holds them as safetensors files as long as the run lasts.
    """

    def __init__(self, every: int, keep: str = MEMORY) -> None:
        self.every = every
        self._keep = keep
        self._next = 0
        self.snapshots: list[Kept] = []

    def prepare(self) -> None:
        """Make the folder, and find out whether it can be written to.

        Raises:
            StoreError: If it cannot.
        """
        if self._keep == MEMORY:
            return
        try:
            Path(self._keep).mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self._keep):
                pass
        except OSError as error:
            allowed = '"memory", or a folder that can be written to'
            raise StoreError(describe("Acting(keep=...)", allowed, self._keep, f"{error}.")) from None

    def due(self, step: int) -> bool:
        """Return whether the next snapshot should be taken."""
        return step >= self._next

    def put(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; one between the first and the last two gives way."""
        self._next = snapshot.step + self.every
        self.snapshots.append(snapshot if self._keep == MEMORY else OnDisk(snapshot, Path(self._keep)))
        if len(self.snapshots) > 1 + _LAST:
            self.snapshots.pop(1).drop()

    def before(self, since: int) -> "Kept | None":
        """Return the last snapshot that lies half an interval before a step, or the first one.

        What was taken later is dropped, since it holds what went wrong.
        """
        if not self.snapshots:
            return None
        while len(self.snapshots) > 1 and self.snapshots[-1].step > since - self.every / 2:
            self.snapshots.pop().drop()
        return self.snapshots[-1]

    def drop_last(self) -> None:
        """Drop the last snapshot, because going back to it did not help; the first one stays."""
        if len(self.snapshots) > 1:
            self.snapshots.pop().drop()

    def clear(self) -> None:
        """Let go of all snapshots."""
        while self.snapshots:
            self.snapshots.pop().drop()

    def again(self, step: int) -> None:
        """Take the next snapshot an interval after this step."""
        self._next = step + self.every
