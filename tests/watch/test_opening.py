"""Where a run begins."""

from statistics import fmean

import pytest

from rightrate.watch.opening import blew_up, opening_level


@pytest.mark.parametrize(
    ("losses", "level", "blown"),
    [
        ([2.0], 2.0, False),
        ([2.0, 1.0, 0.5, 0.25], 2.0, False),  # it falls
        ([0.1, 0.9, 0.4, 0.2, 0.6, 0.5], 0.4, False),  # noise: 0.4 and 0.5
        ([2.0, 5.0, 50.0, 400.0], 2.0, True),
        ([2.0, 5.0, 50.0, 3.0], 3.5, False),  # it comes back: 3.5 and 26.5
        ([2.0, 50.0, 900.0, 2.1, 2.2, 2.3], 2.2, False),
        ([-2.0, 0.5, 1.0, 2.0], -2.0, True),
        ([-2.0, -1.0, -3.0, -2.0], -2.0, False),
    ],
)
def test_levels_by_hand(losses: list[float], level: float, blown: bool) -> None:
    assert opening_level(losses) == pytest.approx(level)
    assert blew_up(losses) is blown


def test_the_middle_may_be_the_mean() -> None:
    assert opening_level([0.1, 0.9, 0.5, 0.2, 0.2, 0.8], fmean) == pytest.approx(0.4)
