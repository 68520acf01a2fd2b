"""A study as a table: one row for each trial, run or member that is finished, or for each row of its log."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rightrate.store.events import Event
from rightrate.store.reader import Contents

__all__ = ["log_table", "table"]

_SCALARS = (str, int, float, bool, type(None))


def table(contents: Contents) -> list[dict[str, Any]]:
    """Return the rows of a study's pieces.

    A piece with a list of things (the trials of an action, the members of a round) has a row for each of
    them. Only where no piece has one does each have one row. Nested names are joined by dots; curves and
    other lists are left out: JSON has them.

    Example:
        >>> from rightrate.store.reader import Listed, Piece
        >>> listed = Listed(number=1, kind="find", name="digits", status="finished", began=0.0, ended=1.0,
        ...                 owner=None)
        >>> piece = Piece(key="action 0", at=0.5, value={"trials": [{"lr": 0.1, "metrics": {"loss": 2.0}}]})
        >>> table(Contents(listed=listed, settings={}, fingerprint={}, versions={}, record=None,
        ...                pieces=[piece], notes=[]))
        [{'study': 1, 'piece': 'action 0', 'lr': 0.1, 'metrics.loss': 2.0}]
    """
    things = [(piece, item) for piece in contents.pieces for item in _things(piece.value)]
    rows = things or [(piece, _named(piece.value)) for piece in contents.pieces]
    number = contents.listed.number
    return [{"study": number, "piece": piece.key, **dict(_flat(value, ""))} for piece, value in rows]


def log_table(number: int, events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return the rows of a study's log, such as that of a watched run.

    Example:
        >>> log_table(1, [Event(number=3, at=0.5, values={"what": "act", "step": 7})])
        [{'study': 1, 'at': 0.5, 'what': 'act', 'step': 7}]
    """
    return [{"study": number, "at": event.at, **dict(_flat(event.values, ""))} for event in events]


def _things(value: Any) -> list[Mapping[str, Any]]:
    """Return the one list of mappings in a piece; nothing where there is none, or several."""
    parts = value.values() if isinstance(value, Mapping) else ()
    found = [items for items in parts if isinstance(items, list) and items and _are_mappings(items)]
    return found[0] if len(found) == 1 else []


def _are_mappings(items: list[Any]) -> bool:
    return all(isinstance(item, Mapping) for item in items)


def _named(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"value": value}


def _flat(value: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{before}{name}.")
        elif isinstance(item, _SCALARS):
            yield f"{before}{name}", item
