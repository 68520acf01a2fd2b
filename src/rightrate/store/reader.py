"""Reading a store without changing it, whoever wrote it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rightrate.errors import StoreError, describe
from rightrate.store.database import Database, open_to_read
from rightrate.store.events import Event, events, log
from rightrate.store.owner import Owner, StudyLock
from rightrate.store.plain import digest, number_in, read_plain, text_in
from rightrate.store.stored_journal import seal
from rightrate.store.study import checkpoint_folder

__all__ = ["Contents", "Listed", "Piece", "Reader", "reading", "studies"]

_MOST = 100_000
_COLUMNS = "id, uid, kind, name, began, ended, owner, record IS NOT NULL AS finished"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One study of a list.

    Args:
        number: Its number in the store.
        kind: "find", "compare", "tune" or "watch".
        name: The task, as people call it.
        status: "finished"; "running" while a process works on it; else "stopped".
        began: Seconds since 1970.
        ended: Likewise; None while it is not finished.
        owner: The process that worked on it last.
    """

    number: int
    kind: str
    name: str
    status: Literal["finished", "running", "stopped"]
    began: float
    ended: float | None
    owner: Owner | None


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A finished piece: its key, when it was finished (seconds since 1970), and what it came to."""

    key: str
    at: float
    value: Any


@dataclass(frozen=True, kw_only=True)
class Contents:
    """All that is known of one study.

    Args:
        listed: What a list says of it.
        settings: What was asked.
        fingerprint: What it was asked about, part by part.
        versions: What it began with.
        record: What it came to; None while it is not finished.
        pieces: What is finished, in the order it was finished.
        notes: Sentences for people.
    """

    listed: Listed
    settings: Mapping[str, Any]
    fingerprint: Mapping[str, Any]
    versions: Mapping[str, Any]
    record: Any
    pieces: Sequence[Piece]
    notes: Sequence[str]


class Reader:
    """A store that is read.

    Args:
        database: Opened to read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def studies(self) -> list[Listed]:
        """Return all studies, the oldest first."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM study ORDER BY id LIMIT {_MOST}")
        return [self._listed(row) for row in rows]

    def listed(self, number: int) -> Listed:
        """Return what a list says of one study, whatever else of it is damaged.

        Raises:
            StoreError: If there is none of that number.
        """
        return self._listed(self._row(_COLUMNS, number))

    def study(self, number: int) -> Contents:
        """Return one study.

        Raises:
            StoreError: If there is none of that number, or what is there is damaged.
        """
        columns = f"{_COLUMNS}, settings, fingerprint, versions"
        row, what = self._row(columns, number), f"of study {number}"
        return Contents(
            listed=self._listed(row),
            settings=_mapping(row["settings"], f"The settings {what}"),
            fingerprint=_mapping(row["fingerprint"], f"The fingerprint {what}"),
            versions=_mapping(row["versions"], f"The versions {what}"),
            record=self.record(number),
            pieces=self._pieces(number),
            notes=self._notes(number),
        )

    def record(self, number: int) -> Any:
        """Return what a study came to; None while it is not finished."""
        row, where = self._row("record, sha256", number), f"The record of study {number}"
        if row["record"] is None:
            return None
        if digest(text_in(where, row["record"])) != row["sha256"]:
            raise _damaged(where)
        return read_plain(where, row["record"])

    def events(self, number: int, stream: str, after: int = 0) -> list[Event]:
        """Return the rows of a study's log with numbers above `after`, at most 10,000."""
        return events(self._database, number, stream, after)

    def log(self, number: int) -> list[Event]:
        """Return all rows of a study's logs, in the order they came."""
        return log(self._database, number)

    def _row(self, columns: str, number: int) -> Any:
        rows = self._database.rows(f"SELECT {columns} FROM study WHERE id = ?", (number,))
        if not rows:
            raise StoreError(f"There is no study {number} in {self._database.path}.")
        return rows[0]

    def _pieces(self, number: int) -> list[Piece]:
        query = "SELECT key, at, value, sha256 FROM piece WHERE study = ? ORDER BY id LIMIT ?"
        pieces = []
        for row in self._database.rows(query, (number, _MOST)):
            key = text_in("The key of a piece", row["key"])
            where = f"The piece {key!r} of study {number}"
            if seal(key, text_in(where, row["value"])) != row["sha256"]:
                raise _damaged(where)
            value = read_plain(where, row["value"])
            pieces.append(Piece(key=key, at=number_in(where, row["at"]), value=value))
        return pieces

    def _notes(self, number: int) -> list[str]:
        query = "SELECT content FROM note WHERE study = ? ORDER BY id LIMIT ?"
        return [text_in("A note", row["content"]) for row in self._database.rows(query, (number, _MOST))]

    def _listed(self, row: Any) -> Listed:
        number = _integer(row["id"])
        where = f"A column of study {number}"
        return Listed(
            number=number,
            kind=text_in(where, row["kind"]),
            name=text_in(where, row["name"]),
            status="finished" if row["finished"] else self._progress(text_in(where, row["uid"])),
            began=number_in(where, row["began"]),
            ended=None if row["ended"] is None else number_in(where, row["ended"]),
            owner=Owner.read(row["owner"]),
        )

    def _progress(self, uid: str) -> Literal["running", "stopped"]:
        if not uid.isalnum():  # it names a folder
            raise StoreError(describe("The unique name of a study", "letters and digits", uid))
        folder = checkpoint_folder(self._database.path, uid)
        return "running" if StudyLock(folder / "lock").is_held() else "stopped"


@contextmanager
def reading(store: str | os.PathLike[str]) -> Iterator[Reader]:
    """Open a store to read; what it holds is checked, as it may come from anyone.

    Raises:
        StoreError: If there is none, or it is not what a store looks like.
    """
    database = open_to_read(Path(store).resolve())
    try:
        yield Reader(database)
    finally:
        database.close()


def studies(store: str | os.PathLike[str]) -> list[Listed]:
    """Return the studies of a store, the oldest first; see `reading`."""
    with reading(store) as reader:
        return reader.studies()


def _damaged(where: str) -> StoreError:
    return StoreError(f"{where} is damaged: it does not match its SHA-256.")


def _mapping(text: object, where: str) -> Mapping[str, Any]:
    data = read_plain(where, text)
    if not isinstance(data, dict):
        raise StoreError(describe(where, "a mapping", data))
    return data


def _integer(value: object) -> int:
    if isinstance(value, int):
        return value
    raise StoreError(describe("The number of a study", "an integer", value))
