"""Edits of the rate by other code than the scheduler."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from rightrate.watch.detectors.rate_edited import RateEdited
from tests.watch.detectors.parts import block, edit, found_in, parts, told
from tests.watch.loops import loss_of, network, quiet

DETECTOR = RateEdited()


def seen(places: list[int], *, rows: int = 64, scheduled: bool = False) -> Any:
    """Return a block in which other code changes the rate at some steps."""
    edits = tuple(edit(step, 0.1, 0.1 + 0.01 * step) for step in places)
    scheduler = (edit(1, 0.3, 0.2, who="StepLR"),)
    return block(range(rows), edits=scheduler + edits, told=(0.1,) * rows if scheduled else ())


def test_says_from_what_to_what() -> None:
    (finding,), _ = found_in(DETECTOR, [seen([20])])
    assert (finding.verdict, finding.since) == ("rate_edited", 20)
    assert finding.text == "Other code changed the rate from step 20 on: from 0.1 to 0.3."
    assert finding.evidence == {"before": 0.1, "after": pytest.approx(0.3), "edits": 1.0}


def test_changes_close_together_are_said_once() -> None:
    (finding,), _ = found_in(DETECTOR, [seen([20, 21, 29])])
    assert finding.text == "Other code changed the rate 3 times from step 20 on: from 0.1 to 0.39."
    assert told(found_in(DETECTOR, [seen([20, 29])])[0]) == [("rate_edited", 20), ("rate_edited", 29)]


def test_a_loop_that_sets_the_rate_by_hand_is_nothing_to_find() -> None:
    assert found_in(DETECTOR, [seen(list(range(1, 60)))])[0] == []
    assert told(found_in(DETECTOR, [seen([10, 20, 30, 40, 50])])[0]) == [
        ("rate_edited", 10),
        ("rate_edited", 20),
        ("rate_edited", 30),
    ]


def test_beside_a_scheduler_it_is_said_however_often_it_is() -> None:
    (finding,), _ = found_in(DETECTOR, [seen(list(range(1, 60)), scheduled=True)])
    assert finding.text.startswith("Other code changed the rate 8 times from step 1 on, beside the scheduler")
    assert len(found_in(DETECTOR, [seen([10, 20, 30, 40, 50], scheduled=True)])[0]) == 5


def test_an_edit_may_come_before_its_row() -> None:
    ahead = block(range(10), edits=(edit(10, 0.1, 0.2),))
    findings, _ = found_in(DETECTOR, [ahead, block(range(10, 20))])
    assert told(findings) == [("rate_edited", 10)]
    assert findings[0].step == 19


@given(st.sets(st.integers(0, 63)), st.booleans(), st.lists(st.integers(0, 64), max_size=3))
def test_blocks_may_be_cut_anywhere(places: Any, scheduled: bool, cuts: Any) -> None:
    whole = seen(sorted(places), scheduled=scheduled)
    findings, state = found_in(DETECTOR, [whole])
    parted, end = found_in(DETECTOR, parts(whole, cuts))
    assert (told(parted), end) == (told(findings), state)
    assert places or not findings


@pytest.mark.parametrize("by", ["other code", "a scheduler", "a loop", "nobody"])
def test_in_a_loop(by: str) -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = lr_scheduler.StepLR(optimizer, 10) if by == "a scheduler" else None
    with quiet(optimizer, model=model) as w:
        for step in range(48):
            loss = loss_of(model, step)
            optimizer.zero_grad()
            loss.backward()
            if by == "a loop":
                optimizer.param_groups[0]["lr"] = 0.1 * math.cos(step / 48)
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            if by == "other code" and step == 19:
                optimizer.param_groups[0]["lr"] = 0.02
            w.observe(loss)
    found = [(one.since, dict(one.evidence)) for one in w.findings if one.verdict == "rate_edited"]
    assert found == ([(20, {"before": 0.1, "after": 0.02, "edits": 1.0})] if by == "other code" else [])
