"""The grammar of the text form of schedules, by recursive descent; nothing is ever evaluated as code."""

import re
from collections.abc import Callable
from typing import Any, NoReturn

from rightrate.errors import ConfigError, describe
from rightrate.schedules._arguments import Argument, example, nearest, shown, values_of
from rightrate.schedules._tokens import Source, Token
from rightrate.schedules.base import Schedule
from rightrate.schedules.names import NAMES, required
from rightrate.schedules.sequence import sequence

__all__ = ["Parser"]

_DEEPEST = 50
_LARGEST = 2**63 - 1
_EXACT = 2**53
_CONSTANTS = {"true": True, "false": False, "none": None}
_BY_CLASS = {kind.__name__.lower(): name for name, kind in NAMES.items()}
_FIELD = re.compile(r"^\w+\((\w+)=")


class Parser:
    """Reads one text.

    Args:
        text: The text.
        where: The argument it came in, for messages.

    Raises:
        ConfigError: If it is not a text, or has a character that belongs to no word.
    """

    def __init__(self, text: str, where: str) -> None:
        received: object = text
        if not isinstance(received, str):
            advice = "Such as 'warmup(200) + cosine(1800)'."
            raise ConfigError(describe(where, "a text", received, advice))
        self._source = Source(text=text, where=where)
        self._tokens = list(self._source.tokens())
        self._at = 0
        self._depth = 0

    def schedule(self) -> Schedule:
        """Return the schedule that the whole text describes.

        Raises:
            ConfigError: If it describes none.
        """
        first = self._here
        made = self._as_schedule(self._sum(), first)
        if self._here.kind != "end":
            self._expected("'+', '*' or the end")
        return made

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._here
        self._at += 1
        return token

    def _takes(self, mark: str) -> bool:
        """Return whether the next word is a mark, and go past it if so."""
        taken = self._here.kind == "mark" and self._here.text == mark
        self._at += taken
        return taken

    def _expected(self, allowed: str, advice: str = "") -> NoReturn:
        token = self._here
        received = "the end of the text" if token.kind == "end" else repr(token.text)
        raise self._source.mistake(token.start, allowed, received, advice)

    def _sum(self) -> Any:
        first = self._here
        value = self._product()
        if not self._takes("+"):
            return value
        parts = [self._as_schedule(value, first)]
        while True:
            here = self._here
            parts.append(self._as_schedule(self._product(), here))
            if not self._takes("+"):
                return self._made(first, {}, lambda: sequence(*parts))

    def _product(self) -> Any:
        first = self._here
        value = self._value()
        while self._takes("*"):
            second = self._here
            value = self._times(value, first, self._value(), second)
        return value

    def _times(self, left: Any, first: Token, right: Any, second: Token) -> Any:
        for value, token in ((left, first), (right, second)):
            if not isinstance(value, Schedule) and not _is_number(value):
                self._as_schedule(value, token, allowed="a schedule or a number")
        if isinstance(left, Schedule) and isinstance(right, Schedule):
            advice = "A schedule can be multiplied by a number."
            raise self._source.mistake(second.start, "a number", shown(right), advice)
        if isinstance(left, Schedule):
            return self._made(second, {}, lambda: left * float(right))
        if isinstance(right, Schedule):
            return self._made(first, {}, lambda: right * float(left))
        return float(left) * float(right)

    def _value(self) -> Any:
        token = self._here
        if token.kind == "number":
            return self._number(self._next())
        if token.kind == "quoted":
            return self._next().text[1:-1]
        if token.kind == "name":
            self._next()
            if self._takes("("):
                return self._inside(token, lambda: self._call(token))
            return _CONSTANTS.get(token.text.lower(), token.text)
        if self._takes("("):
            return self._inside(token, self._group)
        if self._takes("["):
            return self._inside(token, lambda: tuple(self._list(self._sum, "]")))
        return self._expected("a schedule or a number", "Such as cosine(1800).")

    def _inside(self, token: Token, read: Callable[[], Any]) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._source.mistake(token.start, f"nested at most {_DEEPEST} deep", repr(token.text))
        value = read()
        self._depth -= 1
        return value

    def _number(self, token: Token) -> int | float:
        plain = token.text.replace("_", "")
        if set(plain) & set(".eE") or len(plain) > 20:
            number = float(plain)
            whole = "." not in plain and abs(number) <= _EXACT and number.is_integer()
            return int(number) if whole else number  # 1e6 counts steps as well as 1000000 does
        if abs(int(plain)) <= _LARGEST:
            return int(plain)
        raise self._source.mistake(token.start, f"at most {_LARGEST}", token.text)

    def _group(self) -> Schedule:
        first = self._here
        made = self._as_schedule(self._sum(), first, advice="A list is written [30, 60].")
        if not self._takes(")"):
            self._expected("')', '+' or '*'")
        return made

    def _list(self, read: Callable[[], Any], close: str) -> list[Any]:
        items: list[Any] = []
        while not self._takes(close):
            items.append(read())
            if not self._takes(",") and not (self._here.kind == "mark" and self._here.text == close):
                wrong = self._here.text == "="
                advice = (
                    "A name stands before '='; a step and its rate have ':' between them." if wrong else ""
                )
                self._expected(f"',' or '{close}'", advice)
        return items

    def _argument(self) -> Argument:
        token = self._here
        if token.kind == "name":
            self._next()
            if self._takes("="):
                return Argument(value=self._sum(), start=token.start, name=token.text)
            self._at -= 1
        value = self._sum()
        if self._takes(":"):
            return Argument(value=self._sum(), start=token.start, until=value)
        return Argument(value=value, start=token.start)

    def _call(self, token: Token) -> Schedule:
        name = token.text
        if name not in NAMES:
            known = _BY_CLASS.get(name.lower()) or nearest(name, NAMES)
            advice = f"Did you mean {known!r}?" if known else f"Names: {', '.join(NAMES)}."
            raise self._source.mistake(token.start, "the name of a schedule", repr(name), advice)
        arguments = self._list(self._argument, ")")
        values, starts = values_of(self._source, name, arguments)
        missing = [field for field in required(name) if field not in values]
        if missing:
            allowed = f"complete, with {missing[0]!r} for {name!r}"
            received = repr(self._written(token))
            raise self._source.mistake(token.start, allowed, received, f"Write {example(name)}.")
        make: Callable[..., Schedule] = NAMES[name]
        return self._made(token, starts, lambda: make(**values))

    def _made(self, token: Token, starts: dict[str, int], make: Callable[[], Schedule]) -> Schedule:
        """Return a schedule, or point to what its class refuses."""
        try:
            return make()
        except ConfigError as error:
            found = _FIELD.match(str(error))
            start = starts.get(found[1], token.start) if found else token.start
            raise self._source.pointed(start, f": {error}") from None

    def _as_schedule(
        self, value: Any, token: Token, *, allowed: str = "a schedule", advice: str = ""
    ) -> Schedule:
        if isinstance(value, Schedule):
            return value
        if token.kind == "name" and token.text in NAMES:
            advice = f"Write its fields after it: {example(token.text)}."
        raise self._source.mistake(token.start, allowed, shown(value), advice or "Such as cosine(1800).")

    def _written(self, token: Token) -> str:
        """Return what was read from a word on."""
        last = self._tokens[self._at - 1]
        return self._source.text[token.start : last.start + len(last.text)]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
