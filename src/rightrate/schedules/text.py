"""Schedules as text, for the command line and configuration files, and back."""

from dataclasses import MISSING, Field, fields
from typing import Any

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules._grammar import Parser
from rightrate.schedules.base import Schedule
from rightrate.schedules.names import NAMES
from rightrate.schedules.piecewise import Piecewise
from rightrate.schedules.sequence import Sequence

__all__ = ["parse", "shape_name", "to_text"]

_POSITIONAL = ("total_steps", "schedule")


def parse(text: str, lr: float = 1.0, *, where: str = "parse(text)") -> Schedule:
    """Return the schedule that a text describes, every rate multiplied by `lr`.

    A schedule is its public name with its fields in parentheses: `cosine(1800, floor=0.01)`. The first
    argument without a name is `total_steps`, in optimizer steps; a combinator's are the schedule inside and
    the fields that have no default, as in `per_epoch(step(90, every_steps=30), 100)`. The others are given by
    name, and those left out have their defaults.

    - `a + b` is one after the other, `0.1 * a` and `a * 0.1` multiply every rate, and parentheses group.
    - `piecewise(400: 0.1, 700: 0.01, 1000: 0.001)` has each rate until a step.
    - Values are numbers (`1e-3`, `1_000`, `1e6`), words, quoted or not (`cooldown='1-sqrt'`), `true`,
      `false`, `none`, lists (`milestones=[30, 60]`) and schedules.

    The grammar, in which spaces and line ends mean nothing:

        schedule = product {"+" product}
        product  = value {"*" value}
        value    = number | word | text | list | call | "(" schedule ")"
        call     = name "(" [argument {"," argument} [","]] ")"
        argument = [name "="] schedule | number ":" number
        list     = "[" [value {"," value} [","]] "]"

    Args:
        text: The text.
        lr: What every rate is multiplied by, > 0: the peak for a shape.
        where: What messages call the text, such as the option it came in.

    Raises:
        ConfigError: If the text is not of this grammar, or a name or a value in it is not allowed; the
            message says where, and what to write.

    Example:
        >>> parse("warmup(200) + cosine(1800, floor=0.01)", lr=3e-4)(200)
        0.0003
        >>> parse("cosin(100)")
        Traceback (most recent call last):
        ...
        rightrate.errors.ConfigError: parse(text) at position 1 must be the name of a schedule, got 'cosin'. \
Did you mean 'cosine'?
            cosin(100)
            ^
    """
    factor = _check.number("parse(lr=...)", lr, above=0.0)
    return Parser(text, where).schedule() * factor


def to_text(schedule: Schedule) -> str:
    """Return the text that `parse` makes an equal schedule of; fields with their defaults are left out.

    Raises:
        ConfigError: If the schedule, or one inside it, has no public name.

    Example:
        >>> from rightrate.schedules import Cosine, LinearWarmup
        >>> to_text(LinearWarmup(total_steps=200) + Cosine(total_steps=1800, floor=0.01))
        'warmup(200) + cosine(1800, floor=0.01)'
    """
    if type(schedule) is Sequence:
        texts = [to_text(part) for part in schedule.parts]
        if len(texts) > 1 and not any(type(part) is Sequence for part in schedule.parts):
            return " + ".join(texts)
        return f"sequence({', '.join(texts)})"
    if type(schedule) is Piecewise:
        pairs = zip(schedule.until, schedule.values, strict=True)
        return f"piecewise({', '.join(f'{until}: {value!r}' for until, value in pairs)})"
    for name, kind in NAMES.items():
        if type(schedule) is kind:
            return f"{name}({', '.join(_arguments(schedule))})"
    advice = f"Only these have public names: {', '.join(NAMES)}."
    raise ConfigError(describe("to_text(schedule)", "made of schedules of this package", schedule, advice))


def shape_name(shape: object) -> str:
    """Return what people are told a schedule is: its text where it has one, or the name of a function.

    A function without a name is called "function".

    Example:
        >>> from rightrate.schedules import Cosine
        >>> shape_name(Cosine(total_steps=100)), shape_name(abs)
        ('cosine(100)', 'abs')
    """
    if not isinstance(shape, Schedule):
        name = str(getattr(shape, "__name__", type(shape).__name__))
        return "function" if name == "<lambda>" else name
    try:
        return to_text(shape)
    except ConfigError:  # it, or one inside it, is a class of the user's own
        return repr(shape)


def _arguments(schedule: Schedule) -> list[str]:
    """Return the fields that differ from their defaults as arguments, those without a name first."""
    listed: tuple[Field[Any], ...] = fields(schedule)  # type: ignore[arg-type]
    given = {field.name: getattr(schedule, field.name) for field in listed if field.init}
    defaults = {field.name: field.default for field in listed}
    named = [
        f"{name}={_value(value)}"
        for name, value in given.items()
        if name not in _POSITIONAL and (defaults[name] is MISSING or value != defaults[name])
    ]
    return [*(_value(given[name]) for name in _POSITIONAL if name in given), *named]


def _value(value: object) -> str:
    if isinstance(value, Schedule):
        return to_text(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return repr(value)
