"""What every search keeps to, whatever the question and the model."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.recorded import UNTRAINED, Landscape, context, played, search, space

from rightrate.search.probe import AMPLE, Probe, plan, search_allowance
from rightrate.search.range_test import RangeTest, reading
from rightrate.search.recommend import recommend
from rightrate.search.record import Curve
from rightrate.search.space import Observation, Space
from rightrate.testing import check_strategy

spaces = st.builds(
    lambda low, decades, steps, budget, seed, decays, untrained, worse: Space(
        low=low,
        high=low * 10**decades,
        steps=steps,
        budget=budget,
        seed=seed,
        decays=decays,
        untrained=untrained,
        start=None if worse is None else untrained + worse,
    ),
    st.floats(1e-8, 1e-1),
    st.integers(1, 9),
    st.integers(1, 5000),
    st.floats(0.01, 8.0),
    st.integers(0, 100),
    st.booleans(),
    st.floats(-1e6, 1e6),
    st.none() | st.floats(0, 1e6),
)

rows = st.lists(st.none() | st.floats(-1e7, 1e7).map(lambda value: round(value, 6)), min_size=1, max_size=20)


def arbitrary(values):
    """Any model at all: finite or not, the same for the same question."""

    def reached(lr, steps, seed):
        value = values[int(1e4 * abs(math.log(lr)) + 7 * steps + 13 * seed) % len(values)]
        return math.nan if value is None else value

    return reached


@settings(max_examples=100)
@given(spaces, rows)
def test_probes_keep_to_the_contract_and_the_budget(asked, values):
    seen = check_strategy(Probe(), asked, arbitrary(values))
    assert sum(item.steps for item in seen) <= search_allowance(asked) <= asked.allowance


@settings(max_examples=100)
@given(spaces, rows)
def test_whatever_is_observed_has_an_answer(asked, values):
    seen = check_strategy(Probe(), asked, arbitrary(values))
    answer, fit = recommend(asked, seen, context(asked))
    learned = any(item.value < asked.untrained for item in seen)
    assert (answer.lr is not None) <= (learned or asked.start is not None)
    assert answer.lr is None or learned or answer.status == "inconclusive"
    if answer.lr is None:
        assert answer.status in ("diverged", "inconclusive")
        return
    assert answer.status in ("found", "edge", "flat", "inconclusive")
    assert answer.good.low <= answer.lr <= answer.good.high
    assert all(math.isfinite(value) for values in (fit.lr, fit.value, fit.low, fit.high) for value in values)
    assert all(a < b for a, b in pairwise(fit.lr))
    cliff = answer.cliff
    assert cliff.max_stable is None or cliff.lowest_failed is None or cliff.max_stable < cliff.lowest_failed
    assert all(reason.endswith(".") for reason in answer.reasons)


@given(spaces)
def test_range_tests_keep_to_the_contract(asked):
    assert check_strategy(RangeTest(), asked, lambda lr, steps, seed: 0.0) == ()
    actions, state = RangeTest().decide(RangeTest().start(asked), ())
    for action in actions:
        assert action.cost == action.steps <= min(100, asked.allowance / 20)
        assert action.lrs == (asked.low, asked.high)
    assert RangeTest().decide(state, ())[0] == ()


@given(spaces)
def test_plans_stay_within_the_run_and_the_last_rung_is_the_longest(asked):
    made = plan(asked)
    narrow = (made.narrow_steps,) if search_allowance(asked) >= AMPLE else ()
    assert narrow or made.narrow_steps == 0
    lengths = (made.locate_steps, *narrow, made.decide_steps)
    assert 1 <= min(lengths) <= max(lengths) <= asked.steps
    assert asked.high / asked.low < 1e4 or made.decide_steps == max(lengths)
    assert made.enough == (search_allowance(asked) >= 200)


@given(spaces)
def test_the_budget_that_is_advised_is_enough(asked):
    made = plan(asked)
    answer, _ = recommend(asked, (), context(asked))
    sentences = [reason for reason in answer.reasons if "too short" in reason]
    assert len(sentences) == (not made.enough)
    for sentence in sentences:
        advised = float(sentence.split("A budget of ")[1].removesuffix(" would do."))
        better = space(steps=asked.steps, budget=advised, low=asked.low, high=asked.high)
        assert plan(better).enough


def test_the_longest_rung_is_an_eighth_to_a_quarter():
    for steps in (1000, 2000, 50_000):
        assert steps / 9 <= plan(space(steps=steps, budget=1.0)).decide_steps <= steps / 4
    assert plan(space(steps=2000, budget=2.0)).decide_steps < 2000


def test_a_second_seed_confirms():
    """On a smooth landscape what is left of the budget goes to a second seed, at the longest length."""
    landscape = Landscape(best=3e-3, cliff=1.0, full=2000, noise=0.0, drift=0.0)
    asked = space(budget=1.9)
    seen = check_strategy(Probe(), asked, landscape)
    again = [item for item in seen if item.seed != asked.seed]
    assert again
    longest = max(item.steps for item in seen)
    assert {item.steps for item in again} == {longest}


def test_states_go_through_json_in_the_middle():
    landscape = Landscape(best=3e-3, cliff=0.005, full=2000)
    strategy, asked = Probe(), space()
    state, seen, stored = strategy.start(asked), [], []
    while True:
        actions, state = strategy.decide(json.loads(json.dumps(state, allow_nan=False)), seen)
        if not actions:
            break
        seen = [
            Observation.from_dict(
                json.loads(
                    json.dumps(
                        Observation(
                            lr=lr,
                            steps=action.steps,
                            seed=action.seed,
                            rung=action.rung,
                            value=landscape(lr, action.steps, action.seed),
                        ).to_dict()
                    )
                )
            )
            for action in actions
            for lr in action.lrs
        ]
        stored += seen
    assert [(item.lr, item.steps) for item in stored] == [
        (item.lr, item.steps) for item in check_strategy(strategy, asked, landscape)
    ]
    assert any(math.isnan(item.value) for item in stored)


# Questions and observations


def test_spaces_and_observations_are_plain_data():
    asked = space(budget=1.5)
    assert Space.from_dict(json.loads(json.dumps(asked.to_dict()))) == asked
    assert asked.allowance == 3000
    seen = Observation(lr=0.1, steps=5, seed=1, rung=0, value=1.0)
    assert Observation.from_dict(seen.to_dict()) == seen
    dead = Observation(lr=0.1, steps=5, seed=1, rung=0, value=math.nan)
    assert dead.to_dict()["value"] is None
    assert math.isnan(Observation.from_dict(dead.to_dict()).value)


@pytest.mark.parametrize(
    ("value", "learned"), [(1.0, 1.0), (3.0, 2.3), (math.nan, 2.3), (math.inf, 2.3), (-5.0, -5.0)]
)
def test_what_was_learned_is_no_worse_than_nothing(value, learned):
    assert Observation(lr=0.1, steps=5, seed=1, rung=0, value=value).learned(UNTRAINED) == learned


# The classic reading


def test_the_reading_is_a_tenth_of_the_lowest_smoothed_loss():
    rates = np.geomspace(1e-5, 10, 100)
    losses = (np.log10(rates) + 2) ** 2
    losses[-3:] = np.nan
    curve = Curve(steps=tuple(range(100)), lr=tuple(rates), train=tuple(losses))
    found = reading(curve)
    smooth = np.array([losses[: i + 1] @ (0.9 ** np.arange(i, -1, -1)) for i in range(97)])
    smooth /= np.array([(0.9 ** np.arange(i, -1, -1)).sum() for i in range(97)])
    assert found == pytest.approx(rates[np.argmin(smooth)] / 10)
    assert found > 1e-3  # the average lags, so the classic reading comes out above a tenth of 0.01


def test_too_short_curves_have_no_reading():
    assert reading(Curve()) is None
    assert reading(Curve(steps=(0, 1, 2), lr=(1.0, 2.0, 3.0), train=(1.0, 2.0, math.nan))) is None
    assert reading(Curve(steps=(0, 1, 2), lr=(1.0, 2.0, 3.0), train=(3.0, 2.0, 1.0))) == pytest.approx(0.3)


@pytest.mark.parametrize(("level", "ample"), [(0.5, True), (2.5, False)])
def test_where_nothing_is_learned_yet_it_guesses_and_says_so(level, ample):
    """A thin budget always does, an ample one where the best has come a good part of the way."""

    def slow(lr, steps, seed):
        return UNTRAINED + level + 0.4 * abs(math.log10(lr) + 2.0)

    answers = [search(space(budget=budget, start=UNTRAINED + 3.0), slow)[0] for budget in (0.2, 0.95)]
    assert [answer.status for answer in answers] == ["inconclusive", "inconclusive"]
    assert [answer.lr is not None for answer in answers] == [True, ample]
    for answer in answers[: 1 + ample]:
        assert 1e-3 < answer.lr < 1e-1
        assert any("came from the start" in reason for reason in answer.reasons)


def test_trials_that_are_leaving_a_bad_start_are_followed_upwards():
    """Far lower rates left the start too: the next trials are higher ones than where all have left it."""

    def settled(level):
        def reached(lr, steps, seed):
            return 50.0 if lr > 0.02 else UNTRAINED + level - 0.01 * math.log10(lr / 1e-5)

        return reached

    asked = space(start=UNTRAINED + 3.0)
    rising, usual = (played(asked, settled(level)) for level in (0.5, -1.0))
    narrow = plan(asked).narrow_steps
    chosen = [[item.lr for item in seen if item.steps == narrow] for seen in (rising, usual)]
    assert min(chosen[0]) > min(chosen[1])
    assert max(chosen[0]) > 0.01


def test_a_short_run_keeps_room_for_one_more_trial_and_a_thin_budget_for_length():
    for steps, budget, trials in ((300, 1.0, 4), (1200, 0.25, 3)):
        asked = space(steps=steps, budget=budget)
        planned = plan(asked)
        left = asked.allowance - len(planned.locate) * planned.locate_steps
        assert left // planned.decide_steps == trials
