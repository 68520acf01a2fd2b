"""Which study a question belongs to, and what changed where there is none."""

import platform
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from rightrate.store.database import Database
from rightrate.store.plain import canonical, digest, read_plain, write_plain

__all__ = ["Asked", "Place", "begun", "same", "versions"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What identifies a study.

    Args:
        kind: "find", "compare", "tune" or "watch".
        name: The task, as people call it.
        settings: What was asked, as canonical text.
        fingerprint: What it is asked about, as canonical text.
    """

    kind: str
    name: str
    settings: str
    fingerprint: str

    @classmethod
    def of(cls, kind: str, name: str, settings: Mapping[str, Any], fingerprint: Mapping[str, str]) -> "Asked":
        """Return it for plain data."""
        return cls(
            kind=kind,
            name=name,
            settings=canonical(write_plain("open_study(settings=...)", settings)),
            fingerprint=canonical(write_plain("open_study(fingerprint=...)", fingerprint)),
        )

    @property
    def identity(self) -> str:
        """A digest of all of it."""
        return digest("\n".join((self.kind, self.name, self.settings, self.fingerprint)))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a study is in a store.

    Args:
        number: For people.
        uid: Unique among all studies of all stores.
    """

    number: int
    uid: str


def same(database: Database, asked: Asked, tell: Callable[[str], object]) -> Place | None:
    """Return the newest study that asks the same; where none does, say what is new about the question."""
    found = _newest(database, asked)
    if found is not None:
        return found
    query = "SELECT id, settings, fingerprint FROM study WHERE kind = ? AND name = ? ORDER BY id DESC LIMIT 1"
    for row in database.rows(query, (asked.kind, asked.name)):
        changes = {
            **_changed_parts(*_both(row["fingerprint"], asked.fingerprint)),
            **_changed_settings(*_both(row["settings"], asked.settings)),
        }
        study = f"Study {row['id']} of {database.path.name}"
        told = "; ".join(changes.values())
        tell(f"{study} asked something else about {asked.name}: {told}. A new one begins.")
    return None


def begun(database: Database, asked: Asked, *, fresh: bool) -> Place:
    """Begin a study; unless it must be a fresh one, another process may just have begun the same."""
    uid = secrets.token_hex(16)
    known = write_plain("versions", versions())
    with database.transaction() as connection:
        there = None if fresh else _newest(database, asked)
        if there is not None:
            return there
        made = connection.execute(
            "INSERT INTO study (uid, kind, name, identity, settings, fingerprint, versions, began)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                uid,
                asked.kind,
                asked.name,
                asked.identity,
                asked.settings,
                asked.fingerprint,
                known,
                time.time(),
            ),
        )
        return Place(number=int(made.lastrowid or 0), uid=uid)


def versions() -> dict[str, str]:
    """Return the versions that results depend on."""
    return {
        "rightrate": version("rightrate"),
        "torch": version("torch"),
        "python": platform.python_version(),
    }


def _newest(database: Database, asked: Asked) -> Place | None:
    query = "SELECT id, uid FROM study WHERE identity = ? ORDER BY id DESC LIMIT 1"
    found = database.rows(query, (asked.identity,))
    return Place(number=found[0]["id"], uid=found[0]["uid"]) if found else None


def _both(before: str, now: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return read_plain("A study's question", before), read_plain("A study's question", now)


def _changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return what differs, by name; those that one of the two questions alone has, in one sentence."""
    changes = {
        name: f"{name} was {_short(before[name])} and is {_short(now[name])}"
        for name in before
        if name in now and before[name] != now[name]
    }
    alone = sorted(set(before) ^ set(now))
    return {**changes, **({"": f"only one of them has {', '.join(alone)}"} if alone else {})}


def _changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    names = dict.fromkeys((*before, *now))
    return {name: f"the {name} is another" for name in names if before.get(name) != now.get(name)}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else write_plain("A setting", value)
    return text if len(text) <= 60 else f"{text[:57]}..."
