"""A log of a study that only grows, which other processes can follow."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rightrate.errors import StoreError, describe
from rightrate.store.database import Database
from rightrate.store.plain import number_in, read_plain, write_plain

__all__ = ["Event", "append", "events", "log"]

_MOST, _MOST_IN_ALL = 10_000, 1_000_000


@dataclass(frozen=True, kw_only=True)
class Event:
    """One row of a log.

    Args:
        number: Its place; rows that were added later have larger ones.
        at: When it was added, seconds since 1970.
        values: Plain JSON data.
    """

    number: int
    at: float
    values: Mapping[str, Any]


def append(database: Database, study: int, stream: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a log, all or none.

    Raises:
        ConfigError: If they are not plain JSON data.
        StoreError: If they cannot be written.
    """
    at = time.time()
    texts = [write_plain("Study.append(rows=...)", row) for row in rows]
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO event (study, stream, at, content) VALUES (?, ?, ?, ?)",
            [(study, stream, at, text) for text in texts],
        )


def events(database: Database, study: int, stream: str, after: int = 0) -> list[Event]:
    """Return the rows of a log with numbers above `after`, at most 10,000: ask again after the last."""
    found = database.rows(
        "SELECT id, at, content FROM event WHERE study = ? AND stream = ? AND id > ? ORDER BY id LIMIT ?",
        (study, stream, after, _MOST),
    )
    return [_event(row) for row in found]


def log(database: Database, study: int) -> list[Event]:
    """Return the rows of all logs of a study in the order they came, at most a million."""
    query = "SELECT id, at, content FROM event WHERE study = ? ORDER BY id LIMIT ?"
    return [_event(row) for row in database.rows(query, (study, _MOST_IN_ALL))]


def _event(row: Any) -> Event:
    values = read_plain("A row", row["content"])
    if not isinstance(values, dict):
        raise StoreError(describe("A row of a log", "a mapping", values))
    return Event(number=row["id"], at=number_in("A row", row["at"]), values=values)
