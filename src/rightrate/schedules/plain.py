"""Schedules as plain JSON data, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules.base import Schedule
from rightrate.schedules.names import NAMES, required

__all__ = ["from_dict", "to_dict"]


def to_dict(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as plain JSON data: its public name and its fields, schedules inside likewise.

    Raises:
        ConfigError: If the schedule, or one inside it, has no public name.

    Example:
        >>> from rightrate.schedules import Linear
        >>> to_dict(Linear(total_steps=10))
        {'name': 'linear', 'peak': 1.0, 'total_steps': 10, 'warmup_steps': 0, 'floor': 0.0}
    """
    for name, kind in NAMES.items():
        if type(schedule) is kind:
            return {"name": name, **{field: _plain(getattr(schedule, field)) for field in _init_fields(kind)}}
    advice = f"Only these have public names: {', '.join(NAMES)}."
    raise ConfigError(describe("to_dict(schedule)", "made of schedules of this package", schedule, advice))


def from_dict(data: Mapping[str, Any]) -> Schedule:
    """Return the schedule that `Schedule.to_dict()` wrote; fields left out have their defaults.

    Args:
        data: A dictionary with "name", one of `NAMES`, and the fields of that schedule; a schedule inside is
            a dictionary of its own.

    Raises:
        ConfigError: If the name or a field is unknown, a field is missing or has a value that is not allowed;
            the message says where in the data.

    Example:
        >>> from_dict({"name": "cosine", "total_steps": 10})
        Cosine(peak=1.0, total_steps=10, warmup_steps=0, floor=0.0)
    """
    return _schedule(data, "data")


def _init_fields(kind: type[Schedule]) -> list[str]:
    return [field.name for field in fields(kind) if field.init]  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if isinstance(value, Schedule):
        return to_dict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _schedule(data: object, place: str) -> Schedule:
    where = f"from_dict({place})"
    if not isinstance(data, Mapping):
        advice = "schedule.to_dict() makes one."
        raise ConfigError(describe(where, 'a dictionary with a "name" and fields', data, advice))
    name = data.get("name")
    if not isinstance(name, str) or name not in NAMES:
        raise ConfigError(describe(f'from_dict({place}["name"])', f"one of {', '.join(NAMES)}", name))
    given = [key for key in data if key != "name"]
    known = _init_fields(NAMES[name])
    for key in given:
        _check.choice(f"A field of {name!r} in {where}", key, known)
    missing = [field for field in required(name) if field not in data]
    if missing:
        raise ConfigError(describe(where, f"complete, with {missing[0]!r} for {name!r}", data))
    values = {key: _value(data[key], f'{place}["{key}"]') for key in given}
    return NAMES[name](**values)


def _value(value: object, place: str) -> object:
    if isinstance(value, Mapping):
        return _schedule(value, place)
    if isinstance(value, (list, tuple)):
        return tuple(_value(item, f"{place}[{index}]") for index, item in enumerate(value))
    return value
