"""Trials on a part of the training data, which measure how far overfitting moves the best rate."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.recorded import context, space

from rightrate.errors import RightrateError
from rightrate.search.drift import expected_on_part, fit_drift, overfitting_fall
from rightrate.search.probe import Probe, plan, search_allowance
from rightrate.search.recommend import recommend
from rightrate.search.rungs import rungs_of
from rightrate.search.space import Action, Observation
from rightrate.testing import check_strategy

UNTRAINED, FLOOR = 2.0, 0.5
EPOCH, STEPS = 100, 1000


def asked(**changes):
    settings = {
        "epoch": EPOCH,
        "divisible": True,
        "steps": STEPS,
        "untrained": UNTRAINED,
        "low": 1e-5,
        "high": 10.0,
    }
    return space(**{**settings, **changes})


def overfitting(strength):
    """Return what trials reach where rates that are too high, for so many passes, learn the data by heart.

    On all data short trials hardly show it: there the best rate is 1e-2, where every sample has been seen ten
    times it is lower by `strength` decades.
    """

    def reached(lr, steps, epoch):
        passes = steps / (EPOCH if epoch is None else epoch)
        best = -2.0 - strength * min(1.0, max(0.0, math.log10(passes)))
        place = math.log10(lr)
        if place > 0:
            return math.nan, math.nan
        value = min(UNTRAINED, FLOOR + 100 / (steps + 100) + 0.6 * (place - best) ** 2)
        return value, value - 0.2

    return reached


def played(question, reached):
    strategy = Probe()
    state, seen, every, asked_for = strategy.start(question), [], [], []
    while True:
        actions, state = strategy.decide(state, seen)
        if not actions:
            return asked_for, every
        asked_for += actions
        seen = []
        for action in actions:
            for lr in action.lrs:
                value, known = reached(lr, action.steps, action.epoch)
                seen.append(
                    Observation(
                        lr=lr,
                        steps=action.steps,
                        seed=action.seed,
                        rung=action.rung,
                        value=value,
                        seen=known,
                        epoch=action.epoch,
                    )
                )
        every += seen


def on_part(actions):
    return [action for action in actions if action.epoch is not None]


def test_where_seen_batches_do_better_a_part_is_seen_as_often_as_the_run_will_see_all() -> None:
    question = asked()
    actions, _ = played(question, overfitting(1.0))
    (action,) = on_part(actions)
    assert len(action.lrs) == 2
    assert action.steps / action.epoch == pytest.approx(question.steps / question.epoch, rel=0.1)
    assert action.seed == question.seed
    assert action.steps == plan(question).part_steps < plan(question).decide_steps
    assert sum(action.cost for action in actions) <= search_allowance(question)


def test_what_the_part_measures_moves_the_answer() -> None:
    answers = []
    for strength in (0.0, 1.0):
        question = asked()
        _, seen = played(question, overfitting(strength))
        answer, _ = recommend(question, seen, context(question))
        answers.append(math.log10(answer.lr))
        says = " ".join(answer.reasons)
        assert ("overfitting moves the best rate down" in says) == bool(strength)
        assert "of the training data, seen as often as the run will see all of it" in says
    assert answers[0] - answers[1] == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize(
    "changes",
    [{"divisible": False}, {"epoch": None}, {"epoch": 600}, {"epoch": 2}, {"budget": 0.25}, {"budget": 8.0}],
    ids=[
        "a stream",
        "no end",
        "hardly two passes",
        "two batches",
        "a small budget",
        "nearly full-length trials",
    ],
)
def test_there_is_no_part_where_it_cannot_tell(changes) -> None:
    question = asked(**changes)
    assert (plan(question).part_steps, plan(question).part_epoch) == (0, 0)
    actions, _ = played(question, overfitting(1.0))
    assert not on_part(actions)


def test_without_a_gap_all_trials_see_all_data() -> None:
    def reached(lr, steps, epoch):
        value, _ = overfitting(0.0)(lr, steps, epoch)
        return value, value

    actions, _ = played(asked(), reached)
    assert not on_part(actions)


def test_a_gap_of_shorter_trials_alone_changes_nothing() -> None:
    def reached(lr, steps, epoch):
        value, seen = overfitting(0.0)(lr, steps, epoch)
        return value, seen if steps < plan(asked()).decide_steps else value

    actions, _ = played(asked(), reached)
    assert not on_part(actions)


def test_a_gap_that_tells_enough_by_itself_needs_no_part() -> None:
    def reached(lr, steps, epoch):
        value, _ = overfitting(0.0)(lr, steps, epoch)
        return value, value - 5.0

    actions, _ = played(asked(), reached)
    assert not on_part(actions)


def test_where_the_part_teaches_nothing_the_gap_is_all_that_tells() -> None:
    def reached(lr, steps, epoch):
        value, seen = overfitting(0.0)(lr, steps, epoch)
        return (value, seen) if epoch is None else (UNTRAINED + 1, 0.0)

    _, seen = played(asked(), reached)
    rungs = rungs_of(seen, asked())
    assert rungs[-1].part is not None
    assert overfitting_fall(asked(), rungs) is None
    assert fit_drift(rungs, asked()) == fit_drift([*rungs[:-1], replace(rungs[-1], part=None)], asked())
    answer, _ = recommend(asked(), seen, context(asked()))
    assert "which says nothing of overfitting" in " ".join(answer.reasons)


def bowl(centre, steps=100, epoch=None, floor=FLOOR):
    return [
        Observation(
            lr=10 ** (centre + offset),
            steps=steps,
            seed=0,
            rung=0,
            value=floor + 3.0 * offset**2,
            seen=floor,
            epoch=epoch,
        )
        for offset in (-0.5, -0.25, 0.0, 0.25, 0.5)
    ]


def test_rungs_keep_a_part_apart() -> None:
    whole, part = bowl(-2.0), bowl(-3.0, epoch=10)
    (rung,) = rungs_of([*part, *whole], asked())
    assert rungs_of(whole, asked())[0].part is None
    assert rung.centre()[0] == pytest.approx(-2.0, abs=0.01)
    assert rung.part.centre()[0] == pytest.approx(-3.0, abs=0.01)


@pytest.mark.parametrize(("lower", "measured"), [(0.0, 0.0), (0.1, 0.0), (1.0, 1.0), (1.5, 1.5), (-1.0, 0.0)])
def test_a_clearly_lower_centre_on_the_part_is_what_overfitting_does(lower, measured) -> None:
    rungs = rungs_of([*bowl(-2.0), *bowl(-2.0 - lower, epoch=10)], asked())
    assert overfitting_fall(asked(), rungs) == pytest.approx(measured, abs=0.02)
    usual = fit_drift([replace(rungs[0], part=None)], asked()).mean
    assert fit_drift(rungs, asked()).mean == pytest.approx(usual + measured, abs=0.02)


def test_a_part_that_taught_little_measures_nothing() -> None:
    rungs = rungs_of([*bowl(-2.0), *bowl(-3.0, epoch=10, floor=UNTRAINED - 0.3)], asked())
    assert overfitting_fall(asked(), rungs) is None
    assert overfitting_fall(asked(), [replace(rungs[0], part=None)]) is None


def test_a_single_rate_on_a_part_measures_nothing() -> None:
    rungs = rungs_of([*bowl(-2.0), *bowl(-3.0, epoch=10)[:1]], asked())
    assert rungs[0].part is not None
    assert overfitting_fall(asked(), rungs) is None


def test_a_shorter_part_is_compared_with_what_is_usual_at_its_length() -> None:
    rungs = rungs_of([*bowl(-2.0), *bowl(-2.0, steps=10, epoch=1)], asked())
    centre, _ = expected_on_part(asked(), rungs, 10)
    assert centre == pytest.approx(-2.0 + 0.4, abs=0.01)


values = st.none() | st.floats(-1e7, 1e7).map(lambda value: round(value, 6))


@settings(max_examples=100)
@given(
    st.integers(1, 3000),
    st.floats(0.05, 8.0),
    st.none() | st.floats(0.5, 400).map(lambda value: round(value, 2)),
    st.none() | st.floats(0, 1e3),
    st.lists(st.tuples(values, values), min_size=1, max_size=20),
)
def test_whatever_is_seen_the_search_ends_within_its_budget_with_an_answer(
    steps, budget, epoch, worse, table
) -> None:
    question = asked(
        steps=steps, budget=budget, epoch=epoch, start=None if worse is None else UNTRAINED + worse
    )

    def reached(lr, length, own):
        found = table[int(1e4 * abs(math.log(lr)) + 7 * length + 3 * (own or 0)) % len(table)]
        return tuple(math.nan if value is None else value for value in found)

    actions, seen = played(question, reached)
    assert sum(action.cost for action in actions) <= search_allowance(question)
    assert all(1 <= action.epoch < epoch for action in on_part(actions))
    answer, _ = recommend(question, seen, context(question))
    assert answer.lr is None or 0 < answer.lr < math.inf


class Divides:
    """Asks for a part of the data."""

    def start(self, question):
        return {"over": False}

    def decide(self, state, seen):
        if state["over"]:
            return (), state
        return (Action(kind="probe", rung=0, lrs=(0.1,), steps=10, seed=0, epoch=5),), {"over": True}


@pytest.mark.parametrize("changes", [{"divisible": False}, {"epoch": 5}, {"epoch": None}])
def test_a_strategy_divides_only_what_can_be_divided(changes) -> None:
    check_strategy(Divides(), asked(), lambda lr, steps, seed: 1.0)
    with pytest.raises(RightrateError, match="part of data"):
        check_strategy(Divides(), asked(**changes), lambda lr, steps, seed: 1.0)
