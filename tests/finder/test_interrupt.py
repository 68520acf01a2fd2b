import os
import signal
import threading
from contextlib import suppress

import pytest

from rightrate.finder.interrupt import Interrupt


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_first_ctrl_c_asks_for_a_stop_and_says_so_once():
    lines = []
    with Interrupt(lines.append) as interrupt:
        assert not interrupt.requested
        press()
        assert interrupt.requested
        assert interrupt.requested
    assert lines == ["Stopping after the present step; press Ctrl-C again to stop at once."]


def test_second_ctrl_c_stops_at_once():
    with Interrupt(str) as interrupt:
        press()
        with pytest.raises(KeyboardInterrupt):
            press()
        assert interrupt.requested


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_the_handler_that_was_there_comes_back(error):
    presses = []
    mine = lambda number, frame: presses.append(number)  # noqa: E731
    before = signal.signal(signal.SIGINT, mine)
    try:
        with suppress(ValueError, KeyboardInterrupt), Interrupt(str):
            press()
            if error:
                raise error
        assert signal.getsignal(signal.SIGINT) is mine
        assert not presses
        press()
        assert presses == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupt(str) as interrupt:
            press()
            assert not interrupt.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_install_nothing():
    seen = []
    before = signal.getsignal(signal.SIGINT)

    def work():
        with Interrupt(seen.append) as interrupt:
            seen.append(signal.getsignal(signal.SIGINT) is before)
            interrupt.request()
            seen.append(interrupt.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True, "Stopping after the present step; press Ctrl-C again to stop at once.", True]


def test_a_line_that_cannot_be_said_in_the_handler_is_said_later():
    lines = []

    def announce(line):
        lines.append(line)
        if len(lines) == 1:
            raise RuntimeError("reentrant call inside a buffered writer")

    with Interrupt(announce) as interrupt:
        press()
        assert len(lines) == 1
        assert interrupt.requested
        assert interrupt.requested
    assert len(lines) == 2
