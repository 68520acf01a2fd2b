"""What is drawn, and the windows that one bad run cannot squash."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.report.view import (
    Window,
    classic_reading,
    decade_ticks,
    lr_window,
    mean_by_rate,
    reached,
    rounds,
    smoothed,
    thinned,
    value_window,
)
from rightrate.search.record import Curve, Levels, Record, Trial

Make = Callable[..., Record]


def trials_at(*values: float, objective: str = "loss") -> tuple[Trial, ...]:
    return tuple(
        Trial(lr=10.0**-place, seed=0, steps=9, rung=0, kind="probe", metrics={objective: number})
        for place, number in enumerate(values)
    )


def test_rounds_are_ordered_and_confirmation_comes_last(make_record: Make) -> None:
    made = [
        Trial(lr=0.1, seed=0, steps=100, rung=1, kind="confirm"),
        Trial(lr=0.2, seed=1, steps=50, rung=1, kind="probe"),
        Trial(lr=0.1, seed=0, steps=50, rung=1, kind="probe"),
        Trial(lr=0.1, seed=0, steps=10, rung=0, kind="probe"),
        Trial(lr=0.1, seed=0, steps=10, rung=-1, kind="range"),
        Trial(lr=0.0, seed=0, steps=10, rung=0, kind="probe"),
    ]
    found = rounds(make_record(trials=tuple(made)))
    assert [(stage.name, stage.steps) for stage in found] == [
        ("Round 1", 10),
        ("Round 2", 50),
        ("Confirmation", 100),
    ]
    assert [trial.lr for trial in found[1].trials] == [0.1, 0.2]
    assert len(found[0].trials) == 1


def test_reached_is_the_objective_or_nan(make_record: Make) -> None:
    record = make_record(settings={"objective": "accuracy"})
    trial = trials_at(0.5, objective="accuracy")[0]
    assert reached(record, trial) == 0.5
    assert math.isnan(reached(record, trials_at(0.5)[0]))


@pytest.mark.parametrize("worst", [1e30, math.inf, math.nan, 50.0])
def test_one_diverged_run_does_not_squash_the_picture(worst: float, make_record: Make) -> None:
    record = make_record(trials=trials_at(0.5, 0.3, 2.2, worst), levels=Levels(untrained=2.3, best=0.3))
    window = value_window(record)
    assert window.holds(0.3)
    assert window.holds(2.3)
    assert window.high < 3
    assert not window.holds(worst)


def test_untrained_level_is_left_out_where_all_learned(make_record: Make) -> None:
    window = value_window(make_record(trials=trials_at(0.30, 0.32), levels=Levels(untrained=2.3, best=0.3)))
    assert window.high < 0.6
    assert window.high - window.low >= 0.1 * 2.0


def test_larger_is_better_mirrors(make_record: Make) -> None:
    trials, asked = trials_at(0.9, 0.5, 0.1, -40.0, objective="f"), {"objective": "f", "direction": "max"}
    window = value_window(make_record(trials=trials, settings=asked, levels=Levels(untrained=0.1, best=0.9)))
    turned = trials_at(-0.9, -0.5, -0.1, 40.0)
    mirror = value_window(make_record(trials=turned, levels=Levels(untrained=-0.1, best=-0.9)))
    assert (window.low, window.high) == (-mirror.high, -mirror.low)
    assert window.holds(0.9)
    assert not window.holds(-40.0)


numbers = st.floats(allow_nan=True, allow_infinity=True)


def test_a_window_is_always_finite_and_open(make_record: Make) -> None:
    whole = make_record()

    @given(values=st.lists(numbers, max_size=6), untrained=numbers, best=st.none() | numbers)
    def check(values: list[float], untrained: float, best: float | None) -> None:
        levels = Levels(untrained=untrained, best=best)
        window = value_window(replace(whole, trials=trials_at(*values), levels=levels))
        assert math.isfinite(window.low)
        assert math.isfinite(window.high)
        assert window.low < window.high

    check()


def test_lr_window_holds_everything_judged_and_the_answer(make_record: Make) -> None:
    record = make_record()
    window = lr_window(record)
    assert all(window.holds(trial.lr) for trial in record.trials if trial.kind == "probe")
    assert window.holds(0.012)
    assert not window.holds(10.0)
    nothing = replace(
        record, trials=(), answer=replace(record.answer, lr=None, good=type(record.answer.good)())
    )
    assert lr_window(nothing) == Window(low=1e-5, high=1.0)


def test_mean_by_rate_joins_seeds_and_keeps_failures() -> None:
    pairs = [(0.1, 1.0), (0.1 * (1 + 1e-15), 3.0), (0.01, 5.0), (0.5, 1.0), (0.5, math.inf)]
    found = mean_by_rate(pairs)
    assert found[:2] == ((0.01, 5.0), (0.1, 2.0))
    assert found[2][0] == 0.5
    assert math.isnan(found[2][1])


def test_ticks_are_few_on_any_axis() -> None:
    for low, high in [(1e-12, 1e6), (1e-5, 1.0), (0.9, 1.1), (1e-3, 2e-3)]:
        assert len(decade_ticks(Window(low=low, high=high))) <= 11
    for places in range(40):
        low = 10 ** (-3 + places / 20)
        for decades in (0.2, 0.3, 0.5, 0.9, 1.3, 1.4, 2.0):
            assert 2 <= len(decade_ticks(Window(low=low, high=low * 10**decades))) <= 8, (low, decades)
    assert [label for _, label in decade_ticks(Window(low=0.5, high=400))] == [
        "1",
        "3",
        "10",
        "30",
        "100",
        "300",
    ]


def test_thinned_averages_and_keeps_gaps() -> None:
    assert thinned(range(5), [1.0, 2.0, math.nan, 4.0, 5.0], 3) == ([0, 2, 4], [1.5, None, 5.0])
    assert thinned([], [], 10) == ([], [])


def test_smoothed_is_centred() -> None:
    ramp = [float(i) for i in range(100)]
    assert smoothed(ramp)[50] == 50.0
    assert math.isnan(smoothed([1.0, math.nan, 1.0])[0])


def test_classic_reading_is_a_tenth_of_the_minimum() -> None:
    curve = Curve(
        steps=(0, 1, 2, 3, 4), lr=(1e-4, 1e-3, 1e-2, 1e-1, 1.0), train=(3.0, 2.0, 1.0, 2.0, math.nan)
    )
    assert classic_reading(curve) == pytest.approx(1e-3)
    assert classic_reading(Curve()) is None
