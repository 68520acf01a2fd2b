"""Schedulers that are stepped in the wrong place, too often or too rarely."""

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from rightrate.watch.detector import Facts
from rightrate.watch.detectors.scheduler_misplaced import SchedulerMisplaced
from tests.watch.detectors.parts import block, found_in, parts
from tests.watch.loops import loss_of, network, quiet

DETECTOR = SchedulerMisplaced()


def seen(
    counts: list[int],
    *,
    length: int | None = None,
    total: int | None = None,
    start: int | None = 0,
    first: int = 0,
) -> Any:
    """Return a block with the scheduler's counts at its steps."""
    return block(
        range(first, first + len(counts)),
        scheduler_steps=counts,
        scheduler_length=length,
        scheduler_start=start,
        facts=Facts(total_steps=total),
    )


def texts(*blocks: Any) -> list[str]:
    return [finding.text for finding in found_in(DETECTOR, blocks)[0]]


def test_once_per_micro_batch() -> None:
    (finding,), _ = found_in(DETECTOR, [seen([4 * step for step in range(100)], length=100, total=100)])
    assert (finding.verdict, finding.since, finding.step) == ("scheduler_misplaced", 0, 8)
    assert finding.text == "The scheduler is stepped 4 times for each step of the optimizer."
    assert finding.evidence == {"scheduler_steps": 32.0, "scheduler_length": 100.0}
    skipped_by_a_scaler = [step + step // 7 for step in range(100)]
    assert texts(seen(skipped_by_a_scaler)) == []


def test_before_the_first_step_of_the_optimizer() -> None:
    text = "The scheduler was stepped before the optimizer's first step: its first rate was not used."
    early = list(range(1, 60))
    assert texts(seen(early)) == [text]
    assert texts(seen([1] * 40)) == [text]
    assert texts(seen(early, start=1)) == texts(seen(early, start=None)) == texts(seen(early, first=5)) == []
    assert texts(seen(list(range(5000, 5060)))) == []


def test_past_its_length() -> None:
    (finding,), _ = found_in(DETECTOR, [seen(list(range(60)), length=30)])
    assert (finding.since, finding.step) == (31, 38)
    assert finding.text == "The scheduler was made for 30 steps and goes on past them."
    assert texts(seen(list(range(38)), length=30)) == []


def test_where_it_will_be_at_the_end() -> None:
    made_for_steps = [step // 100 for step in range(300)]
    (finding,), _ = found_in(DETECTOR, [seen(made_for_steps, length=3000, total=3000)])
    assert (finding.step, finding.since) == (63, 0)
    assert finding.text == (
        "The scheduler was made for 3,000 steps and was stepped 0 times in 64 steps of the optimizer: "
        "in 3,000 it will come to about 0."
    )
    (finding,), _ = found_in(DETECTOR, [seen(list(range(300)), length=100, total=3000)])
    assert finding.text.endswith(
        "was stepped 63 times in 64 steps of the optimizer: in 3,000 it will come to about 2,953."
    )
    for counts, length in ((made_for_steps, 30), (list(range(300)), 3000)):
        assert texts(seen(counts, length=length, total=3000)) == []
        assert texts(seen(counts, length=2000, total=None)) == []


@given(st.integers(1, 200), st.integers(1, 30), st.floats(0.6, 1.9))
def test_a_scheduler_made_for_its_epochs_is_never_wrong(epoch: int, epochs: int, share: float) -> None:
    total = epoch * epochs
    counts = [step // epoch for step in range(total)]
    whole = seen(counts, length=max(epochs, round(share * epochs)), total=total)
    assert texts(whole) == []


@given(
    st.lists(st.integers(0, 3), max_size=100),
    st.none() | st.integers(1, 60),
    st.none() | st.just(200),
    st.lists(st.integers(0, 100), max_size=3),
)
def test_blocks_may_be_cut_anywhere(more: Any, length: Any, total: Any, cuts: Any) -> None:
    whole = seen([sum(more[: place + 1]) for place in range(len(more))], length=length, total=total)
    findings, state = found_in(DETECTOR, [whole])
    assert found_in(DETECTOR, parts(whole, cuts)) == (findings, state)
    assert len(findings) <= 2


def trained(way: str) -> list[str]:
    """Return what is found where a cosine scheduler is stepped in some way, in 4 epochs of 25 steps."""
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    length = {"once per epoch, made for steps": 100, "once per epoch": 4, "too short": 40}.get(way, 100)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, length)
    total = None if way == "too short" else 100
    with warnings.catch_warnings(), quiet(optimizer, model=model, total_steps=total) as w:
        warnings.filterwarnings("ignore", "Detected call of")
        for step in range(100):
            if way == "before":
                scheduler.step()
            optimizer.zero_grad()
            for _ in range(2):
                loss = loss_of(model, step)
                (loss / 2).backward()
                w.observe(loss)
                if way == "once per micro-batch":
                    scheduler.step()
            optimizer.step()
            if way in ("after", "too short") or ("per epoch" in way and step % 25 == 24):
                scheduler.step()
    assert not w.notes
    return [one.text for one in w.findings if one.verdict == "scheduler_misplaced"]


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("before", "was stepped before the optimizer's first step"),
        ("once per micro-batch", "is stepped 2 times for each step"),
        ("once per epoch, made for steps", "was stepped 2 times in 64 steps"),
        ("too short", "goes on past them"),
    ],
)
def test_in_a_loop(way: str, text: str) -> None:
    (found,) = trained(way)
    assert text in found


@pytest.mark.parametrize("way", ["after", "once per epoch"])
def test_in_a_loop_that_is_right(way: str) -> None:
    assert trained(way) == []
