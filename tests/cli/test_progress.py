import dataclasses
from collections.abc import Iterator
from io import StringIO
from itertools import count

import pytest
from rich.console import Console

from rightrate.cli.progress import LiveLine, PlainLines, Silent, line_of, watcher
from rightrate.search.driver import Progress
from rightrate.search.space import Action


def progress(*, rung: int = 1, done: int = 8, spent: int = 430, allowance: int = 1000) -> Progress:
    action = Action(kind="probe", rung=rung, lrs=(0.01, 0.03, 0.1), steps=1200, seed=0)
    return Progress(action=action, done=done, spent=spent, allowance=allowance, seconds=3.0)


def clock_at(seconds: list[float]) -> Iterator[float]:
    while True:
        yield seconds[0]


def test_the_line_says_rung_members_rates_steps_budget_and_time() -> None:
    expected = "rung 1, probe: 3 members, lr 0.01 to 0.1, step 8 of 1,200, 43 % of the budget, 12 s"
    assert line_of(progress(), 12.3) == expected


def test_one_member_and_no_limit() -> None:
    action = Action(kind="confirm", rung=4, lrs=(0.03,), steps=50, seed=1)
    state = Progress(action=action, done=50, spent=1, allowance=0, seconds=1.0)
    assert line_of(state, 70.0) == "rung 4, second seed: lr 0.03, step 50 of 50, 1 min 10 s"


def test_the_range_test_has_no_rung() -> None:
    action = Action(kind="range", rung=-1, lrs=(1e-6, 1.0), steps=50, seed=0)
    state = Progress(action=action, done=8, spent=8, allowance=1000, seconds=1.0)
    assert line_of(state, 0.2).startswith("range test: lr 1e-6 to 1, step 8 of 50")


def test_what_has_a_name_is_called_by_it() -> None:
    state = dataclasses.replace(progress(), name="adam, cosine, seed 2")
    assert line_of(state, 1.0).startswith("adam, cosine, seed 2: 3 members, lr 0.01 to 0.1, step 8 of 1,200")


def test_plain_lines_come_with_a_new_rung_and_every_few_seconds() -> None:
    now = [0.0]
    stream = StringIO()
    clock = clock_at(now)
    lines = PlainLines(stream, clock=lambda: next(clock))
    with lines:
        lines.stage("loading \x1b[31mred")
        for second, rung in ((1, 0), (2, 0), (3, 1), (4, 1), (7.9, 1), (8, 1), (9, 1), (13, 1)):
            now[0] = second
            lines(progress(rung=rung))
    shown = stream.getvalue().splitlines()
    assert shown[0] == "loading \\x1b[31mred"
    assert [line.split()[1] + line.split()[-2] for line in shown[1:]] == ["0,1", "1,3", "1,8", "1,13"]


def terminal(width: int = 100) -> tuple[StringIO, Console]:
    stream = StringIO()
    console = Console(file=stream, force_terminal=True, width=width, markup=False, highlight=False)
    return stream, console


def test_the_live_line_comes_and_goes() -> None:
    stream, console = terminal()
    line = LiveLine(console, clock=iter(count()).__next__)
    with line:
        line.stage("loading \x1b[31mred")
        line.refresh()
        line(progress())
        line.refresh()
    shown = stream.getvalue()
    assert "loading \\x1b[31mred" in shown
    assert "rung 1, probe: 3 members" in shown
    assert shown.rindex("\x1b[2K") > shown.rindex("rung 1")
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1


def test_the_live_line_is_one_line_on_a_narrow_terminal() -> None:
    stream, console = terminal(width=30)
    line = LiveLine(console)
    with line:
        line(progress())
        line.refresh()
    assert "rung 1, probe: 3 members" in stream.getvalue()
    assert "budget" not in stream.getvalue()


def test_the_cursor_comes_back_after_an_exception() -> None:
    stream, console = terminal()

    def broken() -> None:
        with LiveLine(console):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert "\x1b[?25h" in stream.getvalue()


def test_what_is_shown_fits_the_stream() -> None:
    stream, console = terminal()
    assert isinstance(watcher(stream, console, quiet=False), LiveLine)
    assert isinstance(watcher(stream, console, quiet=True), Silent)
    assert isinstance(watcher(stream, Console(file=stream), quiet=False), PlainLines)
    dumb = Console(file=stream, force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(watcher(stream, dumb, quiet=False), PlainLines)


def test_silence(capfd: pytest.CaptureFixture[str]) -> None:
    with Silent() as silent:
        silent.stage("loading")
        silent(progress())
    assert capfd.readouterr() == ("", "")
