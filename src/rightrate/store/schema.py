"""The tables of a store, and how those of an older version become the present ones."""

import sqlite3
from collections.abc import Sequence

from rightrate.errors import StoreError

__all__ = ["APPLICATION", "MIGRATIONS", "check", "migrate", "version_of"]

APPLICATION = 0x72726174
"""What marks a SQLite database as a store: "rrat"."""

Migration = tuple[str, ...]

MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE study (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            uid TEXT NOT NULL,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            identity TEXT NOT NULL,
            settings TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            versions TEXT NOT NULL,
            began REAL NOT NULL,
            ended REAL,
            record TEXT,
            sha256 TEXT,
            owner TEXT
        )""",
        "CREATE UNIQUE INDEX study_uid ON study (uid)",
        "CREATE INDEX study_identity ON study (identity)",
        """CREATE TABLE piece (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            study INTEGER NOT NULL REFERENCES study (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            state_sha256 TEXT,
            at REAL NOT NULL,
            UNIQUE (study, key)
        )""",
        """CREATE TABLE state (
            study INTEGER NOT NULL,
            key TEXT NOT NULL,
            part INTEGER NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (study, key, part),
            FOREIGN KEY (study, key) REFERENCES piece (study, key) ON DELETE CASCADE
        )""",
        """CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            study INTEGER NOT NULL REFERENCES study (id) ON DELETE CASCADE,
            stream TEXT NOT NULL,
            at REAL NOT NULL,
            content TEXT NOT NULL
        )""",
        "CREATE INDEX event_stream ON event (study, stream, id)",
        """CREATE TABLE note (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            study INTEGER NOT NULL REFERENCES study (id) ON DELETE CASCADE,
            at REAL NOT NULL,
            content TEXT NOT NULL
        )""",
    ),
)
"""Statements that lead from version i to version i + 1; what stands here is never changed, only added to."""


def version_of(connection: sqlite3.Connection, path: object) -> int:
    """Return the version of a store; 0 for an empty database.

    Raises:
        StoreError: If it is a database of something else, or of a newer version.
    """
    mark = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if mark == 0 and version == 0 and not _objects(connection):
        return 0
    if mark != APPLICATION or version < 1:
        raise StoreError(f"{path} is a database of another program, not a store of rightrate.")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} is a store of version {version}, and this rightrate reads versions up to "
            f"{len(MIGRATIONS)}: it was written by a newer one. Update rightrate to open it."
        )
    return version


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a store, within a transaction that was begun, from a version to the present one."""
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def check(connection: sqlite3.Connection, version: int, path: object) -> None:
    """Check that a store has the tables of its version and nothing else: no view and no trigger above all.

    Raises:
        StoreError: If it has not; a store that somebody tampered with is not read.
    """
    wanted, found = _schema(MIGRATIONS[:version]), _objects(connection)
    for (kind, name), statement in sorted(found.items()):
        if (kind, name) not in wanted:
            raise StoreError(f"{path} is not opened: it has a {kind} {name!r}, which no store has.")
        if statement != wanted[kind, name]:
            raise StoreError(f"{path} is not opened: its {kind} {name!r} is not that of a store.")
    missing = sorted(name for kind, name in wanted.keys() - found.keys())
    if missing:
        raise StoreError(f"{path} is not opened: it has no {missing[0]!r}, which every store has.")


def _schema(migrations: Sequence[Migration]) -> dict[tuple[str, str], str]:
    connection = sqlite3.connect(":memory:")
    try:
        for statements in migrations:
            for statement in statements:
                connection.execute(statement)
        return _objects(connection)
    finally:
        connection.close()


def _objects(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 1000").fetchall()
    return {(str(kind), str(name)): str(sql) for kind, name, sql in rows}
