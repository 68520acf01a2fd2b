"""Streams and text: what may be printed where, and mistakes as one message."""

import contextlib
import io
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import typer
from rich.console import Console

from rightrate.errors import RightrateError, TaskError

__all__ = [
    "INTERRUPTED",
    "MISUSE",
    "console_for",
    "fail",
    "mistakes_reported",
    "printable",
    "tolerant_streams",
]

MISUSE = 2
INTERRUPTED = 130

_ARGUMENT = re.compile(
    r"\b(?:find|tune|compare|Task|Training|Grid|Halving|Pbt|Bayes)"
    r"\((batch_size|budget|device|engine|epochs|objective|optimizer|schedule|seed|steps|tolerance|low|high|method"
    r"|members|factor|ready_steps|slow|trials|sampler|lrs|optimizers|schedules|seeds)=\.\.\.\)"
)


def console_for(stream: TextIO) -> Console:
    """Return a console that takes text literally, and has colours and control codes on terminals only."""
    terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=not terminal,
    )


def printable(text: str, *, keep: str = "") -> str:
    r"""Return text with everything but printable characters and those in `keep` written as escapes.

    Names of files, tasks and columns are anyone's: none may move a cursor or colour a terminal.

    Example:
        >>> printable("red\x1b[31m\n")
        'red\\x1b[31m\\n'
    """
    return "".join(
        letter if letter.isprintable() or letter in keep else letter.encode("unicode_escape").decode()
        for letter in text
    )


def tolerant_streams() -> None:
    """Let stdout and stderr write characters that their encoding does not have as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def fail(message: str) -> None:
    """Print a mistake on stderr."""
    sys.stderr.write(f"error: {printable(message, keep=chr(10))}\n")


@contextlib.contextmanager
def mistakes_reported() -> Iterator[None]:
    """Turn mistakes into one message and exit code 2, and Ctrl-C into exit code 130.

    An exception in the user's own file is shown with its traceback, since that is where the mistake is.
    """
    try:
        yield
    except RightrateError as error:
        if isinstance(error, TaskError):
            sys.stderr.write(printable(_traceback_of_file(error.__cause__), keep="\n"))
            fail(str(error))
        else:
            fail(_as_options(str(error)))
        raise typer.Exit(MISUSE) from None
    except KeyboardInterrupt:
        sys.stderr.write("Stopped at once.\n")
        raise typer.Exit(INTERRUPTED) from None


def _as_options(message: str) -> str:
    """Return a message with arguments such as `find(steps=...)` named as the options they came from."""
    return _ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')}", message)


def _traceback_of_file(error: BaseException | None) -> str:
    """Return a traceback without the frames before the user's file; nothing if it never got there."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    own = str(Path(__file__).parents[1])
    places = (place for place, frame in enumerate(frames) if not frame.filename.startswith((own, "<")))
    first = next(places, None)
    if first is None:
        return ""
    lines = traceback.format_list(frames[first:]) + traceback.format_exception_only(error)
    return "".join(["Traceback (most recent call last):\n", *lines])
