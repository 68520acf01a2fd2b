"""The journal of a study in a store."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rightrate.errors import StoreError
from rightrate.store.checkpoints import Checkpoints
from rightrate.store.database import Database
from rightrate.store.plain import digest, read_plain, write_plain

__all__ = ["StoredJournal", "seal"]

_EVERY_SECONDS = 20.0
_SHARE = 0.03  # of the time, at most, goes into writing checkpoints
_PART_BYTES = 1 << 24


class StoredJournal:
    """A `Journal` whose pieces are rows of a database and whose checkpoints are files beside it.

    What does not match its SHA-256 counts as not there, and is named in a note.

    Args:
        database: The store.
        study: The study's number.
        checkpoints: The study's checkpoints.
        note: Writes a sentence down.
    """

    def __init__(
        self, database: Database, study: int, checkpoints: Checkpoints, note: Callable[[str], object]
    ) -> None:
        self._database = database
        self._study = study
        self._checkpoints = checkpoints
        self._note = note
        self._written = time.monotonic()
        self._pause = _EVERY_SECONDS
        self._failed = False

    def finished(self, key: str) -> Any:
        """Return what a finished piece came to, or None."""
        row = self._piece(key)
        if row is None:
            return None
        if row["sha256"] != seal(key, row["value"]):
            self._note(f"What {key!r} came to is damaged in the store and is not used.")
            return None
        return read_plain(f"What {key!r} came to", row["value"])

    def finish(self, key: str, value: Any, state: Mapping[str, object] | None = None) -> None:
        """Record what a piece came to, with its last state, in one transaction."""
        text = write_plain(f"What {key!r} came to", value)
        content = None if state is None else _packed(state)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM state WHERE study = ? AND key = ?", (self._study, key))
            connection.execute(
                "INSERT OR REPLACE INTO piece (study, key, value, sha256, state_sha256, at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    self._study,
                    key,
                    text,
                    seal(key, text),
                    None if content is None else digest(content),
                    time.time(),
                ),
            )
            for part, start in enumerate(range(0, len(content or b""), _PART_BYTES)):
                connection.execute(
                    "INSERT INTO state (study, key, part, content) VALUES (?, ?, ?, ?)",
                    (self._study, key, part, (content or b"")[start : start + _PART_BYTES]),
                )
        self._checkpoints.forget(key)

    def due(self) -> bool:
        """Say whether a checkpoint should be written: by a clock that no one can set."""
        return time.monotonic() - self._written >= self._pause

    def checkpoint(self, key: str, state: Mapping[str, object]) -> None:
        """Write the state of a piece in progress.

        Where it cannot be written, that is said once and the work goes on: what was stored is as it was.
        """
        began = time.monotonic()
        try:
            self._checkpoints.write(key, _packed(state))
        except OSError as error:
            if not self._failed:
                said = error.strerror or type(error).__name__
                self._note(f"No checkpoint can be written in {self._checkpoints.folder} ({said}).")
            self._failed = True
        self._written = time.monotonic()
        self._pause = max(_EVERY_SECONDS, (self._written - began) / _SHARE)

    def resume(self, key: str) -> Mapping[str, object] | None:
        """Return the newest valid state of a piece, or the one it was finished with, or None."""
        from rightrate.store.state import unpack

        row = self._piece(key)
        if row is None:
            return self._checkpoints.newest(key, unpack, self._note)
        if row["state_sha256"] is None:
            return None
        parts = self._database.rows(
            "SELECT content FROM state WHERE study = ? AND key = ? ORDER BY part", (self._study, key)
        )
        blobs = [part["content"] for part in parts if isinstance(part["content"], bytes)]
        content = b"".join(blobs)
        if digest(content) != row["state_sha256"]:
            self._note(f"The state that {key!r} was finished with is damaged in the store and is not used.")
            return None
        try:
            state: Mapping[str, object] = unpack(content)
        except StoreError as error:
            self._note(f"The state that {key!r} was finished with is not used: {error}")
            return None
        return state

    def _piece(self, key: str) -> Any:
        query = "SELECT value, sha256, state_sha256 FROM piece WHERE study = ? AND key = ?"
        return next(iter(self._database.rows(query, (self._study, key))), None)


def seal(key: str, value: str) -> str:
    """Return the digest of a piece: what it came to belongs to its key."""
    return digest(f"{key}\n{value}")


def _packed(state: Mapping[str, object]) -> bytes:
    from rightrate.store.state import pack

    return pack(state)
