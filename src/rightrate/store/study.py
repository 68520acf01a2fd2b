"""One study of a store, for the workflow that works on it."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from rightrate.store.checkpoints import Checkpoints
from rightrate.store.database import Database, open_to_write
from rightrate.store.events import Event, append, events
from rightrate.store.identity import Asked, Place, begun, same, versions
from rightrate.store.journal import Forgetful, Journal
from rightrate.store.owner import Owner, StudyLock, held_by
from rightrate.store.plain import digest, number_in, read_plain, text_in, write_plain
from rightrate.store.stored_journal import StoredJournal

__all__ = ["Study", "checkpoint_folder", "open_study"]


class Study(Protocol):
    """A study that is worked on."""

    @property
    def number(self) -> int:
        """Its number in the store; 0 where there is no store."""
        ...

    @property
    def journal(self) -> Journal:
        """What remembers its pieces."""
        ...

    @property
    def record(self) -> Any:
        """What the finished study came to, plain JSON data; None while it is not finished."""
        ...

    def note(self, text: str) -> None:
        """Say a sentence, and write it down with the study."""
        ...

    def finish(self, record: Any) -> None:
        """Record what the study came to, in one transaction; its checkpoints go."""
        ...

    def append(self, stream: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of plain JSON data, all or none, to a log that other processes can follow."""
        ...

    def rows(self, stream: str, after: int = 0) -> list[Event]:
        """Return the rows of a log with numbers above `after`, in the order they came, at most 10,000."""
        ...


@contextmanager
def open_study(
    store: str | os.PathLike[str] | None,
    *,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    fingerprint: Mapping[str, str],
    fresh: bool = False,
    say: Callable[[str], object] | None = None,
) -> Iterator[Study]:
    """Go on with the newest study that asks the same, or begin one.

    The same is: kind, name, settings and fingerprint. Where the newest study of a kind and name asks
    something else, what changed is said, and a new one begins. Within the block no other process can work on
    the study.

    Args:
        store: The file, made where there is none; None remembers nothing.
        kind: "find", "compare", "tune" or "watch".
        name: The task, as people call it.
        settings: What was asked: plain JSON data.
        fingerprint: What it is asked about, part by part ("model", "training data"), each a digest.
        fresh: Begin a new study, whatever there is.
        say: Called with each sentence for people; None writes them to stderr.

    Raises:
        HeldError: If another process works on the study.
        StoreError: If the store cannot be used.
        ConfigError: If `settings` are not plain JSON data.

    Example:
        >>> import tempfile
        >>> asked = dict(kind="find", name="digits", settings={"steps": 10}, fingerprint={"model": "ab"})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with open_study(f"{folder}/runs.db", **asked) as study:
        ...         study.finish({"lr": 0.1})
        ...     with open_study(f"{folder}/runs.db", **asked, say=str) as study:
        ...         study.record
        {'lr': 0.1}
    """
    tell = _to_stderr if say is None else say
    if store is None:
        yield _Passing(tell)
        return
    asked = Asked.of(kind, name, settings, fingerprint)
    database = open_to_write(Path(store).resolve())
    try:
        known = None if fresh else same(database, asked, tell)
        place = known or begun(database, asked, fresh=fresh)
        with _owned(database, place):
            study = _Stored(database, place, tell)
            if known:
                study.greet()
            yield study
    finally:
        database.close()


def checkpoint_folder(store: Path, uid: str) -> Path:
    """Return where the checkpoints of an unfinished study are: beside the store, not in what is sent."""
    return store.with_name(f"{store.name}-checkpoints") / uid


@contextmanager
def _owned(database: Database, place: Place) -> Iterator[None]:
    folder = checkpoint_folder(database.path, place.uid)
    lock = StudyLock(folder / "lock")
    if not lock.take():
        (row,) = database.rows("SELECT owner FROM study WHERE id = ?", (place.number,))
        raise held_by(f"Study {place.number} of {database.path.name}", Owner.read(row["owner"]))
    try:
        with database.transaction() as connection:
            query = "UPDATE study SET owner = ? WHERE id = ?"
            connection.execute(query, (Owner.present().text(), place.number))
        yield
    finally:
        checkpoints = Checkpoints(folder, place.uid)
        if not checkpoints.files():
            checkpoints.clear()
        lock.release()


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class _Stored:
    """A study in a store."""

    def __init__(self, database: Database, place: Place, tell: Callable[[str], object]) -> None:
        self.number = place.number
        self._database = database
        self._tell = tell
        self._checkpoints = Checkpoints(checkpoint_folder(database.path, place.uid), place.uid)
        self.journal: Journal = StoredJournal(database, place.number, self._checkpoints, self.note)
        self.record: Any = self._recorded()
        if self.record is not None and self._checkpoints.files():  # it was killed before they could go
            self._checkpoints.clear()

    def note(self, text: str) -> None:
        self._tell(text)
        with self._database.transaction() as connection:
            query = "INSERT INTO note (study, at, content) VALUES (?, ?, ?)"
            connection.execute(query, (self.number, time.time(), text))

    def finish(self, record: Any) -> None:
        text = write_plain("Study.finish(record)", record)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE study SET record = ?, sha256 = ?, ended = ? WHERE id = ?",
                (text, digest(text), time.time(), self.number),
            )
        self.record = read_plain("A record", text)
        self._checkpoints.clear()
        self._database.settle()

    def append(self, stream: str, rows: Sequence[Mapping[str, Any]]) -> None:
        append(self._database, self.number, stream, rows)

    def rows(self, stream: str, after: int = 0) -> list[Event]:
        return events(self._database, self.number, stream, after)

    def greet(self) -> None:
        """Say that there is an answer, or where the study goes on."""
        where = f"study {self.number} of {self._database.path.name}"
        (row,) = self._database.rows("SELECT ended, versions FROM study WHERE id = ?", (self.number,))
        if self.record is not None:
            on = time.strftime(
                "%Y-%m-%d %H:%M", time.localtime(number_in("When a study ended", row["ended"]))
            )
            self._tell(f"This is the answer of {where}, finished on {on}; --fresh starts anew.")
            return
        query = "SELECT COUNT(*) AS count FROM piece WHERE study = ?"
        ((count,),) = self._database.rows(query, (self.number,))
        if count or self._checkpoints.files():
            said = "1 piece" if count == 1 else f"{count} pieces"
            self._tell(f"Going on where {where} stopped, {said} finished; --fresh starts anew.")
        before, now = read_plain("Versions", row["versions"]), versions()
        changed = [
            f"{name} {before.get(name)} then, {now[name]} now"
            for name in now
            if now[name] != before.get(name)
        ]
        if changed:
            self.note(f"The rest may differ in the last digits: it began with {'; '.join(changed)}.")

    def _recorded(self) -> Any:
        (row,) = self._database.rows("SELECT record, sha256 FROM study WHERE id = ?", (self.number,))
        if row["record"] is None:
            return None
        if row["sha256"] != digest(text_in("A record", row["record"])):
            self.note(f"The record of study {self.number} is damaged in the store and is not used.")
            return None
        return read_plain("A record", row["record"])


class _Passing:
    """A study that is not stored."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.number = 0
        self.journal: Journal = Forgetful()
        self.record: Any = None
        self._tell = tell

    def note(self, text: str) -> None:
        self._tell(text)

    def finish(self, record: Any) -> None:
        self.record = record

    def append(self, stream: str, rows: Sequence[Mapping[str, Any]]) -> None:
        pass

    def rows(self, stream: str, after: int = 0) -> list[Event]:
        return []
