"""Frozen dataclasses as plain data and back, NaN and infinities as they are."""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from rightrate.errors import StoreError, describe

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Return plain JSON data for dataclasses of numbers, texts, tuples, mappings and dataclasses.

    Example:
        >>> from rightrate.store.events import Event
        >>> to_plain(Event(number=1, at=0.5, values={"loss": (1.0, float("inf"))}))
        {'number': 1, 'at': 0.5, 'values': {'loss': [1.0, inf]}}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], data: Any) -> T:
    """Return the dataclass of what `to_plain` returned, read by the types of its fields.

    Fields that are not in the data take their defaults, so that older data can be read.

    Args:
        kind: The dataclass.
        data: Plain JSON data, from anywhere.

    Raises:
        StoreError: If the data do not fit.

    Example:
        >>> from rightrate.store.events import Event
        >>> from_plain(Event, {"number": 1, "at": 0.5, "values": {"loss": 2.0}})
        Event(number=1, at=0.5, values={'loss': 2.0})
    """
    made: T = _read(kind, data, kind.__name__)
    return made


def _read(hint: Any, data: Any, place: str) -> Any:
    origin = get_origin(hint)
    if hint is Any:
        return data
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _read_dataclass(hint, data, place)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(hint), data, place)
    if origin is Literal:
        return _checked(data in get_args(hint), data, f"one of {get_args(hint)}", place)
    if origin is tuple:
        return _read_tuple(get_args(hint), data, place)
    if origin is not None and issubclass(origin, Mapping):
        _checked(isinstance(data, dict), data, "a mapping", place)
        _, values = get_args(hint)
        return {key: _read(values, item, f"{place}[{key!r}]") for key, item in data.items()}
    if hint is float:
        numeric = isinstance(data, float | int) and not isinstance(data, bool)
        return float(_checked(numeric, data, "a number", place))
    return _checked(type(data) is hint, data, f"of type {getattr(hint, '__name__', hint)}", place)


def _read_dataclass(kind: type[Any], data: Any, place: str) -> Any:
    _checked(isinstance(data, dict), data, "a mapping", place)
    hints = get_type_hints(kind)
    names = [item.name for item in dataclasses.fields(kind) if item.name in data]
    values = {name: _read(hints[name], data[name], f"{place}.{name}") for name in names}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise StoreError(f"{place} cannot be read: {error}") from error


def _read_union(hints: Sequence[Any], data: Any, place: str) -> Any:
    if data is None:
        return _checked(type(None) in hints, data, "given", place)
    (hint,) = (hint for hint in hints if hint is not type(None))
    return _read(hint, data, place)


def _read_tuple(hints: Sequence[Any], data: Any, place: str) -> tuple[Any, ...]:
    _checked(isinstance(data, list), data, "a list", place)
    if len(hints) == 2 and hints[1] is ...:
        return tuple(_read(hints[0], item, f"{place}[{index}]") for index, item in enumerate(data))
    _checked(len(data) == len(hints), data, f"{len(hints)} items", place)
    return tuple(
        _read(hint, item, f"{place}[{index}]")
        for index, (hint, item) in enumerate(zip(hints, data, strict=True))
    )


def _checked(right: bool, data: Any, allowed: str, place: str) -> Any:
    if not right:
        raise StoreError(describe(place, allowed, data))
    return data
