import io
import sys

import pytest
import typer

from rightrate.cli.console import console_for, mistakes_reported, printable, tolerant_streams
from rightrate.errors import ConfigError, TaskError


def report(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as stopped, mistakes_reported():
        raise error
    return stopped.value.exit_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ä b", "ä b"),
        ("\x1b[0m", "\\x1b[0m"),
        ("\u202eab", "\\u202eab"),
        ("\udcff", "\\udcff"),
        ("\t", "\\t"),
    ],
)
def test_only_printable_characters_are_printed(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_lines_may_be_kept() -> None:
    assert printable("a\nb\r", keep="\n") == "a\nb\\r"


def test_a_mistake_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(ConfigError("find(batch_size=...) must be \x1b, got find(x=...).")) == 2
    assert capsys.readouterr().err == "error: --batch-size must be \\x1b, got find(x=...).\n"


def test_a_task_keeps_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(TaskError("Training(batch_size=...) must be")) == 2
    assert capsys.readouterr().err == "error: Training(batch_size=...) must be\n"


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "Stopped at once.\n"


def test_other_exceptions_pass() -> None:
    with pytest.raises(ZeroDivisionError, match="by"), mistakes_reported():
        raise ZeroDivisionError("by zero")


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = console_for(io.StringIO())
    assert not console.is_terminal
    assert console.color_system is None


def test_streams_write_what_their_encoding_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    tolerant_streams()
    print("1 … 2", flush=True)
    assert buffer.getvalue() == b"1 \\u2026 2\n"
