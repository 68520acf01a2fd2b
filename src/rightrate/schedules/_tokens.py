"""The words of the text form of schedules, and messages that point into it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rightrate.errors import ConfigError

__all__ = ["MARKS", "Source", "Token"]

MARKS = "()[],:=+*"
_WIDTH = 100
_PATTERN = re.compile(
    r"""\s*(?:
    (?P<number>-?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<quoted>'[^'"\\]*'|"[^'"\\]*")
    |(?P<mark>[()\[\],:=+*])
    |(?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, kw_only=True)
class Token:
    """One word of a text.

    Args:
        kind: "number", "name", "quoted", "mark" or "end".
        text: The word as it is written.
        start: The index of its first character.
    """

    kind: str
    text: str
    start: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text and what messages call it.

    Args:
        text: The text.
        where: The argument it came in, such as `parse(text)`.
    """

    text: str
    where: str

    def tokens(self) -> Iterator[Token]:
        """Yield the words of the text, the end last.

        Raises:
            ConfigError: If a character belongs to no word.
        """
        place, kind = 0, ""
        while kind != "end":
            found = _PATTERN.match(self.text, place)
            if found is None:
                start = place + len(self.text[place:]) - len(self.text[place:].lstrip())
                raise self.unknown(start)
            kind = str(found.lastgroup)
            place = found.end()
            yield Token(kind=kind, text=found[kind], start=found.start(kind))

    def unknown(self, start: int) -> ConfigError:
        """Return the mistake of a character that belongs to no word."""
        letter = self.text[start]
        advice = f"Between words stand {' '.join(MARKS)} alone."
        if letter in "'\"":
            advice = "Close the quotes."
        elif letter == "-":
            advice = "Nothing is subtracted; a text such as '1-sqrt' stands in quotes."
        elif letter == "/":
            advice = "Multiply instead, as in 0.5 * cosine(1800)."
        return self.mistake(start, "a number, a name or a mark", repr(letter), advice)

    def mistake(self, start: int, allowed: str, received: str, advice: str = "") -> ConfigError:
        """Return a mistake in the house form, with the place in the text marked below it."""
        said = f" must be {allowed}, got {received}." + (f" {advice}" if advice else "")
        return self.pointed(start, said)

    def pointed(self, start: int, said: str) -> ConfigError:
        """Return a mistake that says something of a place, and marks it."""
        first = max(0, start - _WIDTH // 2)
        shown = "".join(letter if letter.isprintable() else " " for letter in self.text)
        part = shown[first : first + _WIDTH]
        before = "..." if first else ""
        after = "..." if len(shown) > first + _WIDTH else ""
        mark = " " * (len(before) + start - first)
        place = f"{self.where} at position {start + 1}"
        return ConfigError(f"{place}{said}\n    {before}{part}{after}\n    {mark}^")
