"""The course of a run: bounded parts, levels and trends."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.watch.course import Course

LOSSES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400)


def course(losses: list[float], cut: int = 32) -> Course:
    """Return the course of a run that is seen in blocks."""
    seen = Course()
    for first in range(0, len(losses), cut):
        part = losses[first : first + cut]
        seen = seen.add(range(first, first + len(part)), part)
    return seen


def test_parts_are_four_steps_at_first_and_merge_in_pairs() -> None:
    first = course([float(step) for step in range(8)])
    assert [(part.first, part.last, part.count, part.mean) for part in first.parts] == [
        (0, 3, 4, 1.5),
        (4, 7, 4, 5.5),
    ]
    whole = course([float(step) for step in range(513)])
    assert whole.width == 8
    assert [part.mean for part in whole.parts[:2]] == [3.5, 11.5]
    assert whole.parts[-1].mean == 512.0


@given(losses=LOSSES, cut=st.integers(1, 64))
def test_however_it_is_cut_the_course_is_the_same(losses: list[float], cut: int) -> None:
    one, other = course(losses), course(losses, cut)
    assert one.width == other.width
    assert [part.count for part in one.parts] == [part.count for part in other.parts]
    scale = 1.0 + max(abs(loss) for loss in losses)
    for a, b in zip(one.parts, other.parts, strict=True):
        assert a.mean == pytest.approx(b.mean, abs=1e-9 * scale)


@given(steps=st.lists(st.integers(0, 10**7), min_size=1, max_size=300, unique=True))
def test_it_stays_bounded_whatever_the_gaps(steps: list[int]) -> None:
    seen = Course()
    for step in sorted(steps):
        seen = seen.add([step], [1.0])
    assert len(seen.parts) <= 128
    assert sum(part.count for part in seen.parts) == len(steps)
    assert seen.step == max(steps)


def test_losses_that_are_not_finite_are_left_out() -> None:
    seen = Course().add([0, 1, 2], [math.nan, 3.0, math.inf])
    assert [(part.first, part.last, part.mean) for part in seen.parts] == [(1, 1, 3.0)]
    assert Course().add([0], [math.nan]) == Course()


@pytest.mark.parametrize(("losses", "start"), [([4.0, 2.0], 3.0), ([2.0, 1e9], 2.0), ([5.0], 5.0)])
def test_where_a_run_began_is_not_moved_by_a_first_step_that_blows_up(
    losses: list[float], start: float
) -> None:
    assert course(losses).start == start


def test_a_trend_is_the_line_over_the_logarithm_of_the_step() -> None:
    """A loss of 5 - 0.5 log2(step + 1) falls by 0.5 a doubling: 0.5 at 2**9 steps, and 0 at 2**10."""
    seen = course([5.0 - 0.5 * math.log2(step + 1.0) for step in range(512)])
    trend = seen.trend(64.0)
    assert trend is not None
    assert trend.slope == pytest.approx(-0.5, rel=1e-3)
    assert trend.level == pytest.approx(0.5, rel=1e-2)
    assert trend.after(1.0) == pytest.approx(0.0, abs=1e-2)
    assert trend.error < 1e-3


def test_a_trend_needs_five_parts() -> None:
    seen = course([1.0] * 20)
    assert seen.trend(4.0) is None
    assert seen.trend(0.0) is not None


def test_the_error_of_a_trend_covers_noise() -> None:
    """Of 200 flat runs with noise nearly all slopes lie within three of their standard errors."""
    import random

    random.seed(0)
    wide = 0
    for _ in range(200):
        trend = course([random.gauss(1.0, 0.1) for _ in range(512)]).trend(128.0)
        assert trend is not None
        wide += abs(trend.slope) > 3.0 * trend.error
    assert wide <= 4


def test_steady_rates() -> None:
    seen = Course().add(range(8), [1.0] * 8, [0.1] * 4 + [0.3] * 4)
    assert not seen.steady(0)
    assert seen.steady(4)
    assert Course().add([0], [1.0]).steady(0)


def test_it_goes_through_json() -> None:
    seen = course([float(step % 7) for step in range(900)])
    assert Course.from_dict(json.loads(json.dumps(seen.to_dict(), allow_nan=False))) == seen
    assert Course.from_dict(json.loads(json.dumps(Course().to_dict(), allow_nan=False))).parts == ()


def test_a_run_that_was_put_back_keeps_where_it_began() -> None:
    again = course([3.0, 2.0, 1.0]).again().add([1], [9.0])
    assert again.start == 2.5
    assert len(again.parts) == 1
