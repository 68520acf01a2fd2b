"""How far the best rate is expected to fall, and what the training data tell of it."""

import math
from dataclasses import replace

import pytest

from rightrate.search.curve import expected_curve, joined
from rightrate.search.drift import Drift, fit_drift, usual_drift
from rightrate.search.rungs import Rung, rungs_of
from rightrate.search.space import Observation, Space

UNTRAINED = 2.0


def space(**changes) -> Space:
    settings = {
        "low": 1e-5,
        "high": 10.0,
        "steps": 1000,
        "budget": 1.0,
        "seed": 0,
        "decays": False,
        "untrained": UNTRAINED,
    }
    return Space(**{**settings, **changes})


def trials(gap: float, steps: int = 125) -> list[Observation]:
    """A bowl around 1e-2 that fails above 0.1; losses on seen batches are lower by the gap."""
    found = []
    for place in (-3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5):
        value = UNTRAINED if place > -0.9 else min(UNTRAINED, 1.0 + 0.2 * (place + 2.0) ** 2)
        found.append(Observation(lr=10**place, steps=steps, seed=0, rung=0, value=value, seen=value - gap))
    return found


def two(gap: float, steps: int = 125) -> list[Rung]:
    """Trials of two lengths that reached the same."""
    return rungs_of([*trials(gap, steps // 5), *trials(gap, steps)], space())


def usual(gap: float, steps: int = 125, **changes) -> float:
    return usual_drift(space(epoch=10, **changes), two(gap, steps))


def best(gap: float) -> float:
    return expected_curve(two(gap), space(epoch=10), steps=1000).best()


def test_the_gap_is_how_much_better_the_good_rates_do_on_seen_batches() -> None:
    assert rungs_of(trials(0.3), space())[0].gap == pytest.approx(0.3)
    assert math.isnan(rungs_of(trials(math.nan), space())[0].gap)


def test_the_more_a_trial_overfits_the_lower_the_answer() -> None:
    answers = [best(gap) for gap in (0.0, 0.1, 0.3, 2.0)]
    assert answers == sorted(answers, reverse=True)
    assert answers[0] - answers[-1] == pytest.approx((1.0 - 0.4) * math.log10(8), abs=0.15)


def test_without_a_known_gap_nothing_is_said_of_overfitting() -> None:
    assert best(math.nan) == pytest.approx(best(0.0))
    assert usual(gap=math.nan) == usual(gap=-0.5) == usual(gap=0.0) == 0.4


def test_a_decaying_schedule_drifts_less() -> None:
    assert usual(0.0, decays=True) < usual(0.0)
    assert usual(100.0, decays=True) == pytest.approx(1.0, abs=0.01)


def test_the_answer_stays_below_the_failure_and_within_the_good_range() -> None:
    curve = expected_curve(rungs_of(trials(0.0), space()), space(), steps=1000)
    low, high = curve.good(0.02)
    assert low < curve.best() < high < -1.0
    assert (curve.unlucky >= curve.regret.min()).all()


def starting(steps: int, offset: float = 0.0) -> list[Observation]:
    """Trials after a bad start: 1e-2 came furthest, but no further than a constant prediction."""
    return [
        Observation(lr=10**place, steps=steps, seed=0, rung=0, value=UNTRAINED + offset + abs(place + 2.0))
        for place in (-4.0, -3.0, -2.0, -1.0)
    ]


def test_where_nothing_beats_a_constant_prediction_trials_are_measured_from_the_start() -> None:
    (rung,) = rungs_of(starting(20), space(start=4.0))
    assert rung.level == 4.0
    assert list(rung.regret) == pytest.approx([1.0, 0.5, 0.0, 0.5])
    assert list(rung.failed) == [True, False, False, False]
    (blind,) = rungs_of(starting(20), space())
    assert blind.failed.all()


def test_clearly_better_than_a_constant_prediction_is_measured_from_there() -> None:
    (rung,) = rungs_of(starting(20, offset=-1.0), space(start=4.0))
    assert rung.level == UNTRAINED
    (hardly,) = rungs_of(starting(20, offset=-0.01), space(start=4.0))
    assert hardly.level == 4.0


def test_how_fast_models_start_says_nothing_of_how_the_best_rate_falls() -> None:
    """The best rate fell by two decades between the lengths, but the shorter one only shows the start."""
    early = [replace(item, lr=item.lr * 100) for item in starting(12)]
    rungs = rungs_of([*early, *trials(math.nan)], space(start=4.0))
    alone = rungs_of(trials(math.nan), space(start=4.0))
    assert fit_drift(rungs, space()) == fit_drift(alone, space())


def rung_of(regrets: dict[float, float], steps: int) -> list[Observation]:
    """Trials at log10 rates whose loss is a share of the way up from 1.0 to having learned nothing."""
    return [
        Observation(lr=10**place, steps=steps, seed=0, rung=0, value=1.0 + regret * (UNTRAINED - 1.0))
        for place, regret in regrets.items()
    ]


def test_rates_above_all_that_was_tried_are_not_taken_for_good() -> None:
    seen = rung_of({-3.0: 0.3, -2.5: 0.02, -2.0: 0.0}, 500)
    curve = expected_curve(rungs_of(seen, space()), space(), steps=500)
    assert curve.best() < -1.8
    assert curve.regret[-1] > 0.3


def test_what_broke_at_one_length_is_a_risk_at_a_longer_one() -> None:
    longest = rung_of({-3.0: 0.5, -2.0: 0.02, -1.5: 0.01, -1.0: 0.0, -0.5: 0.03}, 500)
    smooth = rung_of({-3.0: 0.9, -2.0: 0.3, -1.25: 0.1, -1.0: 0.0, 0.0: 1.0}, 50)
    broken = rung_of({-3.0: 0.9, -2.0: 0.3, -1.25: 0.9, -1.0: 0.0, 0.0: 1.0}, 50)
    plain, warned = (
        expected_curve(rungs_of([*longest, *short], space()), space(), steps=500).best()
        for short in (smooth, broken)
    )
    assert warned < plain - 0.1
    assert warned < -1.25


def test_a_shorter_rung_measured_from_the_start_is_put_in_the_units_of_the_longest() -> None:
    """From a start of 12 a rate that ends at 2.9 looks good; from a constant prediction nothing is left."""
    longest = rung_of({-3.0: 0.8, -2.5: 0.1, -2.0: 0.0}, 500)
    short = [
        Observation(lr=10**place, steps=50, seed=0, rung=0, value=value)
        for place, value in {-3.0: 9.0, -2.0: 2.1, -1.0: 2.9}.items()
    ]
    asked = space(start=12.0)
    places, regrets = joined(rungs_of([*short, *longest], asked), Drift(mean=0.0, spread=0.1))
    assert regrets[list(places).index(-1.0)] == pytest.approx(0.8)


def test_what_failed_after_a_bad_start_is_not_taken_for_good() -> None:
    """From a start of 12 all that is left is small, and still the highest rate has failed."""
    longest = rung_of({-3.0: 0.8, -2.5: 0.1, -2.0: 0.0}, 500)
    short = [
        Observation(lr=10**place, steps=50, seed=0, rung=0, value=value)
        for place, value in {-3.0: 2.01, -2.0: 1.999, 0.0: 12.5}.items()
    ]
    asked = space(start=2.02)
    places, regrets = joined(rungs_of([*short, *longest], asked), Drift(mean=0.0, spread=0.1))
    assert regrets[list(places).index(0.0)] == 1.0


def test_an_optimizer_whose_own_steps_shrink_drifts_less() -> None:
    assert usual(0.3, own_decay=0.5) == pytest.approx(0.5 * usual(0.3))


def test_overfitting_says_less_of_a_run_that_is_very_much_longer() -> None:
    near, far = (usual(10.0, steps) for steps in (250, round(1000 / 10**1.8)))
    assert near == pytest.approx(1.0, abs=0.01)
    assert far == pytest.approx(0.5 * (0.4 + 1.0), abs=0.01)


def test_trials_of_one_length_say_nothing_of_overfitting() -> None:
    assert usual_drift(space(epoch=10), rungs_of(trials(0.3), space())) == usual(0.0) < usual(0.3)


def test_a_gap_says_less_while_much_of_the_data_has_not_been_seen() -> None:
    rungs = two(0.1)
    drifts = [usual_drift(space(epoch=epoch), rungs) for epoch in (125, 250, 1000, None)]
    assert drifts[0] == usual(0.1)
    assert drifts[0] > drifts[1] > drifts[2] == drifts[3]


def both(gap: float, learned: float) -> float:
    """The usual drift, where so much less was learned at a fifth of the length."""
    shorter = [replace(item, value=item.value + learned) for item in trials(gap, 25)]
    longer = rungs_of([*shorter, *trials(gap)], space(untrained=UNTRAINED + learned))
    return usual_drift(space(epoch=10), longer)


def test_a_gap_says_little_where_longer_trials_still_learn_much_more() -> None:
    assert both(0.1, learned=2.0) < both(0.1, learned=0.2) < both(0.1, learned=0.0)


def leaving(values: dict[float, float], steps: int = 15, seen: dict[float, float] | None = None) -> Rung:
    """Trials at the start of training, at 4.0 where a constant prediction has 2.0."""
    found = [
        Observation(lr=lr, steps=steps, seed=0, rung=0, value=value, seen=(seen or values)[lr])
        for lr, value in values.items()
    ]
    return rungs_of(found, space(start=4.0))[0]


FAST_START = {1e-4: 3.95, 1e-3: 3.8, 1e-2: 2.0, 1e-1: 9.0}
SETTLED = {1e-4: 2.05, 1e-3: 2.0, 1e-2: 2.1, 1e-1: 9.0}
ON_THE_WAY = {1e-4: 3.95, 1e-3: 3.5, 1e-2: 3.0, 1e-1: 9.0}


def test_the_best_rate_rises_while_a_bad_start_is_being_left() -> None:
    assert leaving(SETTLED).rising
    assert leaving(ON_THE_WAY).rising
    assert not leaving(FAST_START).rising
    assert not leaving({1e-4: 1.9, 1e-3: 1.5, 1e-2: 1.8}).rising


def test_without_far_lower_rates_the_shorter_trials_tell_whether_it_rises() -> None:
    def longer(shorter: dict[float, float]) -> Rung:
        near = {4e-3: 2.02, 8e-3: 2.0, 2e-2: 2.1}
        found = [
            Observation(lr=lr, steps=steps, seed=0, rung=0, value=value)
            for steps, values in ((15, shorter), (30, near))
            for lr, value in values.items()
        ]
        return rungs_of(found, space(start=4.0))[1]

    assert longer(SETTLED).rising
    assert not longer(FAST_START).rising


def test_of_rates_that_left_a_bad_start_alike_higher_ones_and_seen_batches_tell() -> None:
    alike = leaving({1e-4: 2.001, 1e-3: 2.0, 1e-2: 2.001, 1e-1: 9.0})
    assert list(alike.regret) == pytest.approx([0.2, 0.1, 0.0, 1.0], abs=1e-3)
    told = leaving(
        {1e-4: 3.5, 1e-3: 3.5, 1e-2: 3.5, 1e-1: 9.0}, seen={1e-4: 3.4, 1e-3: 1.5, 1e-2: 3.4, 1e-1: 8.0}
    )
    assert int(told.regret.argmin()) == 1


def test_leaving_a_bad_start_tells_nothing_of_overfitting() -> None:
    gap = {lr: value - 1.0 for lr, value in SETTLED.items()}
    drifts = [usual_drift(space(start=4.0), [leaving(SETTLED, seen=seen)]) for seen in (None, gap)]
    assert drifts == pytest.approx([0.2, 0.2])


def test_what_is_being_overfitted_says_nothing_of_how_shorter_trials_compare() -> None:
    rungs = two(2.0)
    drift, plain = (fit_drift(part, space(epoch=10)) for part in (rungs, two(0.0)))
    assert drift.mean > 2 * plain.mean
    assert drift.past == pytest.approx(plain.past)
    assert drift.between(*rungs) == pytest.approx(plain.between(*rungs))
    assert Drift(mean=0.4, spread=0.1).between(*rungs) == pytest.approx(0.4 * math.log10(5))
