"""`rightrate find` on a pseudo-terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

COLUMNS = 100


def on_terminal(*arguments: str, term: str = "xterm-256color") -> tuple[int, str]:
    """Return the exit code and all that a terminal got."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": term, "OMP_NUM_THREADS": "1"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "rightrate", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    return process.wait(), shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


def without_codes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.slow
def test_the_live_line_changes_in_place_and_is_gone_at_the_end() -> None:
    code, shown = on_terminal("find", "wine", "--steps", "2000", "--engine", "serial")
    assert code in (0, 1)
    assert "loading torch" in shown
    assert re.search(r"rung \d, probe: .* % of the budget", without_codes(shown))
    frames = re.findall(r"\r\x1b\[2K", shown)
    assert len(frames) > 5
    last = without_codes(shown[shown.rindex("\x1b[2K") :])
    assert last.splitlines()[0].strip() == "wine, adamw, constant, 2,000 steps"
    assert "learning rate" in last
    assert "rung 0, probe" not in last
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1


@pytest.mark.slow
def test_a_dumb_terminal_gets_plain_lines() -> None:
    code, shown = on_terminal("find", "wine", "--steps", "300", "--engine", "serial", term="dumb")
    assert code in (0, 1)
    assert "\x1b" not in shown
    assert "rung 0, probe: 6 members" in shown


def test_tables_keep_to_the_width() -> None:
    code, shown = on_terminal("tasks")
    assert code == 0
    assert max(len(line) for line in without_codes(shown).splitlines()) <= COLUMNS
