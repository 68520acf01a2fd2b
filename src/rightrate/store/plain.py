"""Plain data as text: JSON in which NaN and infinities are what they are."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from rightrate.errors import ConfigError, StoreError, describe

__all__ = ["canonical", "digest", "finite", "number_in", "read_plain", "text_in", "write_plain"]


def write_plain(where: str, value: Any) -> str:
    """Return plain data as text.

    Args:
        where: The argument that messages name.
        value: Mappings with names as keys, sequences, numbers (NaN and infinities too), strings and None.

    Raises:
        ConfigError: If there is anything else in it.

    Example:
        >>> write_plain("x", {"b": [1.5, float("nan")], "a": None})
        '{"b":[1.5,NaN],"a":null}'
    """
    try:
        return json.dumps(value, default=_mapping, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        advice = f"{str(error)[:200].rstrip('.')}."
        raise ConfigError(describe(where, "plain JSON data", type(value).__name__, advice)) from error


def read_plain(where: str, text: object) -> Any:
    """Return the data of a text.

    Raises:
        StoreError: If it is not such a text.

    Example:
        >>> read_plain("x", '{"a":[Infinity]}')
        {'a': [inf]}
    """
    try:
        return json.loads(text_in(where, text))
    except (ValueError, RecursionError) as error:
        raise StoreError(describe(where, "JSON", text)) from error


def canonical(text: str) -> str:
    """Return the text of plain data that is the same whatever the order of names in mappings.

    Example:
        >>> canonical('{"b":1,"a":2}')
        '{"a":2,"b":1}'
    """
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def finite(value: Any) -> Any:
    """Return plain data with NaN and infinities as None, so that any JSON parser reads it.

    Example:
        >>> finite({"loss": [1.0, float("nan")]})
        {'loss': [1.0, None]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def text_in(where: str, value: object) -> str:
    """Return a text that was found where there must be one, or raise `StoreError`."""
    if not isinstance(value, str):
        raise StoreError(describe(where, "a text", value))
    return value


def number_in(where: str, value: object) -> float:
    """Return a number that was found where there must be one, or raise `StoreError`."""
    if not isinstance(value, float | int):
        raise StoreError(describe(where, "a number", value))
    return float(value)


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of a content as hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def _mapping(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"There is a {type(value).__name__} in it")
