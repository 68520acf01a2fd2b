"""Losses and steps become rows, one for each step."""

import math

import pytest
import torch

from rightrate.watch.rows import Row, Rows
from tests.watch.loops import quiet


class Clock:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(rows: Rows) -> list[tuple[int, float]]:
    return [(row.step, row.loss()) for row in rows.take()]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("times", [1, 3])
def test_every_step_has_its_losses(before: bool, times: int) -> None:
    rows = Rows()
    for step in range(100):
        if not before:
            rows.stepped(Row(0, (0.1,))) if step == 0 else rows.repeated()
        for part in range(times):
            rows.observe(step + part - (times - 1) / 2)
        if before:
            rows.stepped(Row(0, (0.1,))) if step == 0 else rows.repeated()
    found = rows.drain()
    assert [(row.step, row.loss(), row.rates) for row in found] == [
        (step, float(step), (0.1,)) for step in range(100)
    ]


@pytest.mark.parametrize(("at_once", "seconds", "expected"), [(True, 0.001, 33), (False, 0.02, 33)])
def test_a_block_is_taken_when_it_is_there(at_once: bool, seconds: float, expected: int) -> None:
    assert calls(at_once, seconds)[1] - calls(at_once, seconds)[0] == expected - 1


def test_in_a_fast_loop_several_blocks_are_taken_together() -> None:
    first, second, third = calls(False, 0.001)[:3]
    assert first <= 33
    assert second - first == third - second == 256


def calls(at_once: bool, seconds: float) -> list[int]:
    """Return the steps after which rows were to be taken, in a loop of so many seconds a step."""
    clock = Clock()
    rows, found = Rows(at_once=at_once, clock=clock), []
    for step in range(1_000):
        clock.now += seconds
        rows.stepped(Row(step, (0.1,)))
        if rows.observe(torch.tensor(1.0)):
            rows.take()
            found.append(step)
        if at_once:
            assert rows.pending is None
    return found


def test_the_rate_that_is_shown_is_that_of_the_newest_step_however_fast_the_loop() -> None:
    weight, more = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    with quiet(optimizer) as w:
        assert w.lr is None
        for step in range(300):
            if step == 150:
                optimizer.param_groups[0]["lr"] = 0.25
            if step == 200:
                optimizer.add_param_group({"params": [more], "lr": 0.125})
            optimizer.step()
            w.observe(1.0)
            assert (w.step, w.lr) == (step + 1, 0.5 if step < 150 else 0.25)
    assert [(edit.step, edit.after) for edit in w.edits] == [(150, 0.25)]


def test_what_is_not_finite_is_taken_at_once_with_its_step() -> None:
    rows = Rows()
    for step in range(10):
        rows.stepped(Row(step, (0.1,)))
        assert rows.observe(math.nan if step == 9 else 1.0) is (step == 9)
    assert [step for step, _ in taken(rows)] == list(range(10))


def test_a_step_that_was_skipped_has_no_row_and_no_loss() -> None:
    rows = Rows()
    for step in range(3):
        rows.observe(float(step))
        rows.stepped(Row(step, (0.1,), skipped=step == 1))
    rows.observe(3.0)
    rows.repeated()
    assert [(row.step, row.loss()) for row in rows.drain()] == [(0, 0.0), (2, 2.0), (3, 3.0)]


def test_what_waits_in_vain_is_told_once_it_is_too_much() -> None:
    with pytest.raises(RuntimeError, match=r"the losses of 1,024 steps were not observed"):
        steps_alone()
    with pytest.raises(RuntimeError, match=r"1,024 losses were observed without a step"):
        losses_alone()


def steps_alone() -> None:
    rows = Rows()
    rows.stepped(Row(0, (0.1,)))
    for _ in range(3_000):
        rows.repeated()


def losses_alone() -> None:
    rows = Rows()
    for _ in range(3_000):
        rows.observe(1.0)


@pytest.mark.parametrize("loss", [torch.ones(2), "a", None])
def test_what_is_no_loss(loss: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Rows().observe(loss)
