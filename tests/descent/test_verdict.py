"""The parts of the verdict; the whole is tested on problems with a known answer in test_descend.py."""

import dataclasses

import numpy as np
import pytest

from rightrate.descent.slope import slope_of
from rightrate.descent.verdict import Walk, judged, ran_away, unmoved

FLAT = slope_of(lambda x: float(np.sum(x)), None)


def walk(points: list[float], values: list[float] | None = None, norms: list[float] | None = None) -> Walk:
    return Walk(
        points=[np.array([point]) for point in points],
        values=values or [1.0] * len(points),
        norms=norms or [1.0] * len(points),
        lrs=[0.1] * (len(points) - 1),
        limit=1e-6,
    )


@pytest.mark.parametrize(
    ("norms", "away"),
    [([1e-3, 1e10], False), ([1e-3, 1.1e10], True), ([5.0, 4.9e10], False), ([5.0, 5.1e10], True)],
)
def test_ran_away_at_1e10_times_the_start(norms: list[float], away: bool) -> None:
    assert ran_away(walk([0.0, 1.0], norms=norms)) is away


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_ran_away_without_a_value(value: float) -> None:
    assert ran_away(walk([0.0, 1.0], values=[1.0, value]))


@pytest.mark.parametrize(
    ("points", "status"),
    [
        ([0.0, 1.0, 2.0, 3.0, 4.0], "slow"),
        ([0.0, 3.0, 2.0, 3.0, 2.0], "oscillating"),
        # The last two of four steps count: 3 there and 1 back is 2 of 4, not less than half; 0.9 is.
        ([0.0, 9.0, 0.0, 3.0, 2.0], "slow"),
        ([0.0, 9.0, 0.0, 3.0, 0.9], "oscillating"),
        ([0.0, 9.0, 0.0, 3.0, 6.0], "slow"),
        ([5.0, 4.0], "slow"),
    ],
)
def test_to_and_fro_is_going_twice_as_far_as_one_comes(points: list[float], status: str) -> None:
    assert judged(walk(points), FLAT)[0] == status


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([1.0, 1.0, 1.0, 1.0, 2.0, 2.1, 2.2, 2.3, 2.4], "diverged"),
        ([1.0, 1.0, 1.0, 1.0, 2.0, 2.4, 2.4, 2.4, 2.4], "slow"),  # no longer growing
        ([1.0, 1.0, 1.0, 1.0, 2.0, 2.1, 2.2, 0.9, 2.4], "oscillating"),  # below the start in between
        ([1.0, 9.0, 9.0, 9.0, 2.0, 2.1, 0.5, 0.4, 0.3], "slow"),
        ([1.0, 2.0], "diverged"),
        ([1.0, 0.5], "slow"),
    ],
)
def test_climbing_is_the_last_quarter_above_the_start_and_growing(values: list[float], status: str) -> None:
    assert judged(walk([float(place) for place in range(len(values))], values=values), FLAT)[0] == status


def test_unmoved_is_within_rounding() -> None:
    at = np.array([3.0, 4.0])
    assert unmoved(at, at)
    assert unmoved(at, np.nextafter(at, 9.0))
    assert not unmoved(at, at * (1 + 1e-15))
    assert unmoved(np.zeros(2), np.zeros(2))
    assert not unmoved(np.zeros(2), np.array([0.0, 1e-300]))


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([9.0, 8.0, 7.0, 6.0, 5.0], "slow"),
        ([9.0, 9.0, 9.0, 8.0, 9.0], "oscillating"),  # 1 down and 1 up, and nothing came of it
        ([9.0, 9.0, 9.0, 7.0, 7.6], "slow"),  # 2.6 in all, 1.4 came of it: not less than half; 1.3 of 2.9 is
        ([9.0, 9.0, 9.1, 7.0, 7.8], "oscillating"),
        ([9.0, 9.0, 9.0, 9.0 - 4e-15, 9.0], "slow"),  # rounding
    ],
)
def test_up_and_down_is_rising_and_falling_twice_as_much_as_it_changes(
    values: list[float], status: str
) -> None:
    made, message = judged(walk([0.0, 1.0, 2.0, 3.0, 4.0], values=values), FLAT)
    assert made == status
    assert ("Goes up and down, no nearer: in the last 2 steps the value" in message) == (status != "slow")


def test_a_spike_before_the_end_is_not_climbing() -> None:
    values = [1.0] * 8 + [2.0, 2.0, 2.0, 2.0, 9.0, 2.0, 2.0, 2.0]
    assert judged(walk([float(place) for place in range(16)], values=values), FLAT)[0] == "oscillating"


def test_what_holds_a_slow_descent_back() -> None:
    def said(**more: object) -> str:
        made = walk([9.0, 8.0, 7.0, 6.0, 5.0], **more)  # type: ignore[arg-type]
        return judged(made, FLAT)[1]

    assert "Raise the learning rate" in said()
    above = said(values=[1.0, 9.0, 8.0, 7.0, 6.0])
    assert above.startswith("Went far off, and is on its way back after 4 steps: the gradient norm")
    assert above.endswith("the value is 6, from 1 at the start. Lower the learning rate.")
    held = dataclasses.replace(
        walk([9.0, 8.0, 7.0, 6.0, 5.0]), decay=4.1
    )  # 1 is less than half of 0.1 * 4.1 * 5
    assert judged(held, FLAT)[1].startswith("Held back by the weight decay after 4 steps")
    assert "weight decay" not in judged(dataclasses.replace(held, decay=3.9), FLAT)[1]
