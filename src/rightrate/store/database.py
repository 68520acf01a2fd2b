"""A store's database: opened with care, every failure a sentence."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rightrate.errors import StoreError
from rightrate.store import schema

__all__ = ["LARGEST_BYTES", "Database", "open_to_read", "open_to_write"]

LARGEST_BYTES = 1 << 26
"""Longest text and blob of a store: nothing longer is written, nothing longer is read."""

_BUSY_SECONDS = 60.0
_CHECKED_BYTES = 1 << 26
_MAGIC = b"SQLite format 3\x00"


class Database:
    """One connection, which threads share.

    Args:
        connection: In autocommit mode.
        path: The store, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all that is written in the block, or nothing; other processes wait for their turn."""
        with self._lock, _explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, arguments: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""
        with self._lock, _explained(self.path):
            return self._connection.execute(query, arguments).fetchall()

    def settle(self) -> None:
        """Move what other files hold into the one that can be sent to others, where nobody reads it now."""
        with self._lock, _explained(self.path):
            self._connection.execute("PRAGMA busy_timeout = 1000").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._connection.execute(f"PRAGMA busy_timeout = {1000 * _BUSY_SECONDS:.0f}").fetchall()

    def shrink(self) -> None:
        """Give back the room of what was deleted."""
        with self._lock, _explained(self.path):
            self._connection.execute("VACUUM")

    def close(self) -> None:
        """Close the connection."""
        with self._lock, _explained(self.path):
            self._connection.close()


def open_to_write(path: Path) -> Database:
    """Open a store, which is made where there is none and brought to the present version where it is older.

    Raises:
        StoreError: If that cannot be done, or the file is something else.
    """
    if not path.parent.is_dir():
        raise StoreError(f"{path} cannot be a store: there is no folder {path.parent}. Make it first.")
    if path.exists():
        _check_file(path)
    with _explained(path):
        connection = _connected(f"{path.absolute().as_uri()}?mode=rwc")
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return Database(connection, path)


def open_to_read(path: Path) -> Database:
    """Open a store that may come from anywhere: nothing is written, and nothing in it is trusted.

    Raises:
        StoreError: If there is none, it is something else, or not what a store looks like.
    """
    if not path.exists():
        raise StoreError(f"There is no store {path}.")
    _check_file(path)
    with _explained(path):
        connection = _read_only(path)
        try:
            connection.execute("PRAGMA query_only = ON")
            version = schema.version_of(connection, path)
            if version == 0:
                raise StoreError(f"{path} is empty: it has no studies.")
            schema.check(connection, version, path)
            if path.stat().st_size <= _CHECKED_BYTES:
                (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if said != "ok":
                    raise StoreError(f"{path} is damaged: {str(said)[:200]}.")
        except BaseException:
            connection.close()
            raise
    return Database(connection, path)


def _read_only(path: Path) -> sqlite3.Connection:
    """Return a connection that cannot write; on a medium where nothing can be, one that does not try."""
    uri = path.absolute().as_uri()
    connection = _connected(f"{uri}?mode=ro")
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _connected(f"{uri}?immutable=1")
    return connection


def _connected(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_BYTES)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = schema.version_of(connection, path)
    if version:
        schema.check(connection, version, path)
    if not os.access(path, os.W_OK):
        raise StoreError(f"{path} cannot be written to. Name another store, or make it writable.")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if version == len(schema.MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        schema.migrate(connection, schema.version_of(connection, path))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; while others do the same, SQLite does not wait by itself."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
    if start and start != _MAGIC:
        raise StoreError(f"{path} is not a store: it is no SQLite database. Name another file.")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite fails with into an error that names the store."""
    try:
        yield
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        said = str(error).rstrip(".")
        if "readonly" in said or "unable to open" in said:
            advice = " Name another store, or make its file and its folder writable."
        elif "disk is full" in said or "disk I/O" in said:
            advice = " What was stored before is safe: make room and run the same command again."
        elif "locked" in said:
            advice = f" Another process has been writing to it for more than {_BUSY_SECONDS:.0f} seconds."
        elif "too big" in said:
            advice = f" No text and no blob of a store is longer than {LARGEST_BYTES >> 20} MiB."
        else:
            advice = ""
        raise StoreError(f"{path}: SQLite says: {said}.{advice}") from error
