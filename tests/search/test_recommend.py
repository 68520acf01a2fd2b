"""From trials to an answer: what is read from them and what is said."""

import math

import pytest
from tests.search.recorded import UNTRAINED, Landscape, context, played, space

from rightrate.search.curve import expected_curve
from rightrate.search.recommend import recommend
from rightrate.search.rungs import telling_rungs
from rightrate.search.space import Observation

SMOOTH = Landscape(best=3e-3, cliff=0.3, full=2000, noise=0.0)


def answer(seen, asked=None, **changes):
    asked = asked or space()
    return recommend(asked, seen, context(asked, **changes))[0]


def extra(**changes):
    settings = {"lr": 3e-3, "steps": 2000, "seed": 1, "rung": 9, "value": 0.3}
    return Observation(**{**settings, **changes})


@pytest.fixture(scope="module")
def seen():
    return played(space(), SMOOTH)


def test_the_order_of_trials_does_not_matter(seen):
    assert answer(seen[::-1]).lr == answer(seen).lr
    assert answer(seen[::-1]).good == answer(seen).good


def test_a_confirmation_is_told_and_not_fitted(seen):
    asked = space(budget=3.0)
    plain, confirmed = answer(seen, asked), answer((*seen, extra()), asked)
    assert confirmed.lr == plain.lr
    assert confirmed.good == plain.good
    assert confirmed.status == plain.status
    assert "A confirmation at 0.003 for 2000 steps ended at 0.3." in confirmed.reasons


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "NaN"), (UNTRAINED, "2.3"), (9.0, "9")])
def test_a_confirmation_that_failed_makes_the_answer_uncertain(seen, value, shown):
    failed = answer((*seen, extra(value=value)), space(budget=3.0))
    assert failed.status == "inconclusive"
    assert f"A confirmation at 0.003 for 2000 steps ended at {shown}." in failed.reasons


def test_several_rates_of_full_length_are_fitted():
    asked = space(steps=100, budget=12.0)
    all_seen = played(asked, Landscape(best=3e-3, cliff=0.3, full=100))
    whole = [item for item in all_seen if item.steps == 100]
    assert len({item.lr for item in whole}) > 1
    found = answer(all_seen, asked)
    assert found.status == "found"
    assert "Trained side by side for 100 steps (the full length), validation loss:" in found.reasons[0]


def test_seeds_are_told_together(seen):
    longest = max(item.steps for item in seen)
    rate = next(item.lr for item in seen if item.steps == longest)
    first = next(item for item in seen if item.steps == longest and item.lr == rate)
    alone = [item for item in seen if item.seed == 0]
    more = [extra(lr=rate, steps=longest, seed=seed, value=0.4) for seed in (1, 2)]
    told = [reason for reason in answer((*alone, *more)).reasons if " seeds at " in reason]
    assert told == [f"3 seeds at {rate:.3g} for {longest} steps ended at {first.value:.4g}, 0.4 and 0.4."]


@pytest.mark.parametrize("value", [UNTRAINED, 1.5, math.nan])
def test_seeds_that_disagree_are_not_found(seen, value):
    longest = max(item.steps for item in seen)
    best = min((item for item in seen if item.steps == longest), key=lambda item: item.value)
    assert answer(seen).status == "found"
    moody = extra(lr=best.lr, steps=longest, value=value)
    assert answer((*seen, moody)).status == "inconclusive"
    agreeing = extra(lr=best.lr, steps=longest, value=best.value + 0.01)
    assert answer((*seen, agreeing)).status == "found"


def test_an_interruption_keeps_what_is_known(seen):
    early = answer(seen[:20], interrupted=True)
    assert early.status == "interrupted"
    assert early.message == f"Stopped early; {early.lr:.3g} is the best so far."
    nothing = answer((), interrupted=True)
    assert (nothing.status, nothing.lr, nothing.message) == (
        "interrupted",
        None,
        "Stopped before anything was measured.",
    )
    dead = answer([extra(steps=50, value=math.nan)], interrupted=True)
    assert (dead.status, dead.lr) == ("interrupted", None)


def test_a_search_that_never_got_to_its_longest_rung_is_inconclusive(seen):
    longest = max(item.steps for item in seen)
    assert answer([item for item in seen if item.steps < longest]).status == "inconclusive"


def test_nothing_measured():
    nothing = answer(())
    assert (nothing.status, nothing.lr) == ("inconclusive", None)
    assert nothing.message == "The budget is too small to measure anything."
    assert nothing.good.low is None


def test_what_did_not_train_is_told_with_the_rates_that_were_tried():
    tried = [extra(lr=lr, steps=50, value=math.nan) for lr in (1e-8, 1e-3, 10.0)]
    found = answer(tried)
    assert found.status == "diverged"
    assert found.reasons[0] == (
        "3 trials of up to 50 steps between 1e-08 and 10: none ended better than the untrained level of 2.3;"
        " 3 of them were not finite."
    )


def test_a_bad_start_is_told_with_what_would_help():
    tried = [extra(lr=lr, steps=50, value=value) for lr, value in ((1e-4, 2.5), (1e-3, 2.4), (1e-2, 90.0))]
    told = (
        "They spent their steps on leaving a bad start: from 40 down to 2.4."
        " Standardised inputs, or a last layer that starts at zero, would save them."
    )
    found = answer(tried, space(start=40.0))
    assert told in found.reasons
    assert found.status == "inconclusive"
    assert not any("bad start" in reason for reason in answer(tried, space(start=2.45)).reasons)


def test_lengths_with_few_rates_have_a_sentence_too():
    """One rung of two rates has no middle worth naming."""
    found = answer([extra(lr=1e-3, steps=50, value=1.0, seed=0), extra(lr=1e-2, steps=50, value=0.9, seed=0)])
    moved = next(reason for reason in found.reasons if "expected to move" in reason)
    assert moved.startswith("Up to 2000 steps the best rate is expected to move by a factor of ")


def test_a_cliff_is_told_with_the_margin():
    found = answer(played(space(), Landscape(best=3e-3, cliff=0.01, full=2000, noise=0.0)))
    cliff = found.cliff
    assert cliff.max_stable < cliff.lowest_failed
    margin = f"the answer stays a factor of {cliff.lowest_failed / found.lr:.3g} below the failure."
    assert any(reason.endswith(margin) for reason in found.reasons)


def test_a_cut_warmup_leaves_the_cliff_unmeasured(seen):
    found = answer(seen, warmup_steps=500)
    assert found.cliff.max_stable is None
    assert found.cliff.note in found.reasons
    assert found.lr == answer(seen).lr


def test_the_tolerance_widens_the_good_range(seen):
    narrow, wide = answer(seen, tolerance=0.02), answer(seen, tolerance=0.2)
    assert wide.good.low < narrow.good.low < narrow.good.high < wide.good.high
    assert wide.lr == narrow.lr
    assert wide.good.tolerance >= 0.2


def test_the_tolerance_told_is_what_the_range_stays_within_all_but_certainly(seen):
    """Where the trials leave more open than was asked for, the answer says so."""
    asked, found = space(), answer(seen)
    curve = expected_curve(telling_rungs(seen, asked), asked, steps=asked.steps)
    inside = (curve.place > math.log10(found.good.low)) & (curve.place < math.log10(found.good.high))
    assert found.good.tolerance >= max(0.02, curve.certain[inside].max())
    assert (curve.certain >= curve.unlucky).all()
    assert found.good.tolerance < 0.1
    short = [item for item in seen if item.steps == min(item.steps for item in seen)]
    unclear = answer(short, tolerance=1e-4)
    assert found.good.tolerance < unclear.good.tolerance < 1
    assert unclear.good.tolerance == pytest.approx(round(unclear.good.tolerance, 3))
