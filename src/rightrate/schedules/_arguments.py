"""From the arguments in the text form of a schedule to the fields of its class."""

import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

from rightrate.schedules._tokens import Source
from rightrate.schedules.names import NAMES, required

__all__ = ["Argument", "example", "nearest", "shown", "values_of"]

_SEQUENCE, _PIECEWISE = "sequence", "piecewise"


@dataclass(frozen=True, kw_only=True)
class Argument:
    """What stands between two commas: a value, its name or the step before its colon, and its place."""

    value: Any
    start: int
    name: str | None = None
    until: Any = None


def values_of(source: Source, name: str, arguments: list[Argument]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the values of a schedule's fields, and where each stands in the text.

    Raises:
        ConfigError: If an argument is of no field, or of one that has a value already.
    """
    if name == _SEQUENCE and all(item.name is None and item.until is None for item in arguments):
        return {"parts": tuple(item.value for item in arguments)}, {}
    if name == _PIECEWISE and arguments and all(item.until is not None for item in arguments):
        _check_pairs(source, arguments)
        untils = tuple(item.until for item in arguments)
        return {"until": untils, "values": tuple(item.value for item in arguments)}, {}
    values: dict[str, Any] = {}
    starts: dict[str, int] = {}
    known = [field.name for field in fields(NAMES[name]) if field.init]  # type: ignore[arg-type]
    for index, item in enumerate(arguments):
        field = _field(source, name, known, index, item)
        if field in values:
            raise source.pointed(item.start, f" gives {field} of {name!r} again.")
        values[field], starts[field] = item.value, item.start
    return values, starts


def _check_pairs(source: Source, pairs: list[Argument]) -> None:
    """Point to the first pair that is no step after the one before with a rate."""
    last = 0
    for pair in pairs:
        step, rate = pair.until, pair.value
        if not isinstance(step, int) or step <= last:
            advice = "A rate holds until its step, which is not among them; steps ascend."
            raise source.mistake(pair.start, f"a step above {last} before ':'", shown(step), advice)
        if not isinstance(rate, (int, float)) or not 0.0 <= rate < math.inf:
            raise source.mistake(pair.start, "a rate >= 0 after ':'", shown(rate))
        last = step


def _field(source: Source, name: str, known: list[str], index: int, item: Argument) -> str:
    """Return the field that an argument is for."""
    listed = f"{name} takes {', '.join(known)}."
    if item.until is not None:
        allowed = "a value, or a name, '=' and a value"
        advice = "Pairs of a step and a rate belong in piecewise(...), and nothing else beside them."
        raise source.mistake(item.start, allowed, f"{item.until!r}: {item.value!r}", advice)
    if item.name is None:
        without_name = () if name == _PIECEWISE else _without_name(name)
        if index < len(without_name):
            return without_name[index]
        if name == _PIECEWISE:
            advice = "Write a step and its rate: piecewise(400: 0.1, 700: 0.01)."
            raise source.mistake(item.start, "STEP: RATE", shown(item.value), advice)
        raise source.mistake(item.start, "a name, '=' and a value", shown(item.value), listed)
    if item.name in known:
        return item.name
    close = nearest(item.name, known)
    advice = f"Did you mean {close!r}? {listed}" if close else listed
    raise source.mistake(item.start, f"a field of {name!r}", repr(item.name), advice)


def _without_name(name: str) -> tuple[str, ...]:
    """Return the fields that need no name, in the order of the arguments."""
    listed = required(name)
    return listed if listed[0] == "schedule" else listed[:1]


def example(name: str) -> str:
    """Return how a schedule is written, `...` for what only its writer knows.

    Example:
        >>> example("step"), example("restarted")
        ('step(1000, every_steps=...)', 'restarted(cosine(1000), times=...)')
    """
    if name == _PIECEWISE:
        return "piecewise(400: 0.1, 700: 0.01)"
    if name == _SEQUENCE:
        return "warmup(200) + cosine(1800)"
    first, *others = required(name)
    start = "1000" if first == "total_steps" else "cosine(1000)"
    return f"{name}({', '.join([start, *(f'{other}=...' for other in others)])})"


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return the known word that is most like this one, if one is."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1)
    return found[0] if found else None


def shown(value: object) -> str:
    """Return how a message shows a value, shortened to 120 characters."""
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
