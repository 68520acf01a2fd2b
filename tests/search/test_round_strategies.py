"""What every strategy of populations that go on keeps to."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.members import played, resumed, space

from rightrate.search.bayes import Bayes
from rightrate.search.grid import Grid
from rightrate.search.halving import Halving, rungs_of
from rightrate.search.pbt import Pbt
from rightrate.search.ranges import interval, positive, spaced, stratified
from rightrate.search.rounds import Annealing, Round, Standing, ascending, planned_cost

STRATEGIES = {
    "grid": lambda: Grid(members=4),
    "named": lambda: Grid(lrs=(0.1, 0.01)),
    "halving": lambda: Halving(members=9),
    "pbt": lambda: Pbt(members=5, ready_steps=20),
    "slow": lambda: Pbt(members=8, slow=3, weight_decay=(1e-4, 1e-1)),
    "tpe": lambda: Bayes(trials=5, batch=2, sampler="tpe"),
    "gp": lambda: Bayes(trials=5, batch=2, weight_decay=(1e-4, 1e-1)),
}

spaces = st.builds(
    lambda low, decades, steps, seed, decays: space(
        low=low, high=low * 10**decades, steps=steps, seed=seed, decays=decays
    ),
    st.floats(1e-6, 1e-2),
    st.floats(0.5, 4),
    st.integers(1, 500),
    st.integers(0, 1000),
    st.booleans(),
)


@pytest.mark.parametrize("make", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("decays", [True, False])
def test_decisions_follow_from_the_state_alone(make, decays) -> None:
    asked = space(high=0.5, decays=decays)
    told = played(make(), asked)
    assert played(make(), asked, fresh=make) == told
    for number, (after, _, _) in enumerate(told[1:]):
        rounds, _ = resumed(make(), told, number)
        assert tuple(rounds) == after
    assert tuple(resumed(make(), told, len(told) - 1)[0]) == ()


@pytest.mark.parametrize("make", STRATEGIES.values(), ids=STRATEGIES)
def test_the_plan_is_what_it_costs_where_every_member_trains(make) -> None:
    asked = space()
    cost = sum(one.cost for rounds, _, _ in played(make(), asked) for one in rounds)
    assert make().planned(asked) == cost
    if make().name in ("halving", "pbt"):
        assert planned_cost(make(), asked) == cost


@settings(max_examples=60)
@given(asked=spaces, name=st.sampled_from(["grid", "halving", "pbt", "slow"]))
def test_members_stay_in_the_range_and_are_trained_for_the_whole_length(asked, name) -> None:
    told = played(STRATEGIES[name](), asked)
    rounds = [one for decided, _, _ in told for one in decided]
    size = 0
    for one in rounds:
        assert one.steps >= 1
        assert one.take is None or all(0 <= member < size for member in one.take)
        assert one.take is None or len(one.take) == len(one.lrs)
        # The rates of slow members fall towards zero at the end, below any range.
        lowest = 0.0 if name == "slow" else asked.low * (1 - 1e-3)
        assert all(lowest < lr <= asked.high * (1 + 1e-3) for lr in one.lrs)
        assert one.annealing is None or all(member < len(one.lrs) for member in one.annealing.members)
        size = len(one.lrs)
    last = told[-1][2]
    dead = not any(standing.finite for standing in last)
    assert dead or sum(one.steps for one in rounds) == asked.steps


@settings(max_examples=40)
@given(asked=spaces, members=st.integers(2, 30), factor=st.floats(1.5, 6))
def test_halving_drops_the_worst_and_what_fails_at_once(asked, members, factor) -> None:
    if factor > members:
        return
    halving = Halving(members=members, factor=factor)
    told = played(halving, asked)
    quotas = [count for count, _ in rungs_of(halving, asked.steps)]
    for (_, _, standings), (after, _, _) in pairwise(told):
        (chosen,) = after
        assert len(set(chosen.take)) == len(chosen.take) <= len(standings)
        assert all(standings[member].finite for member in chosen.take)
        dropped = [item for place, item in enumerate(standings) if place not in chosen.take and item.finite]
        if dropped:
            copied = any(math.isfinite(item.annealed) for item in standings)
            judged = [item.annealed if copied else item.value for item in standings]
            assert len(chosen.take) in quotas
            assert max(judged[member] for member in chosen.take) <= min(
                judged[place] for place, item in enumerate(standings) if item in dropped
            )
        else:
            assert list(chosen.take) == [place for place, item in enumerate(standings) if item.finite]
    assert sum(one.steps for rounds, _, _ in told for one in rounds) <= asked.steps


def test_halving_by_hand() -> None:
    asked = space(steps=90, low=1e-3, high=0.29)
    told = played(Halving(members=9, factor=3), asked)
    rounds = [one for decided, _, _ in told for one in decided]
    # Rungs end after 10, 30 and 90 steps, each in four parts.
    assert [one.steps for one in rounds] == [2, 3, 3, 2, 5, 5, 5, 5, 15, 15, 15, 15]
    assert [len(one.lrs) for one in rounds] == [9] * 4 + [3] * 4 + [1] * 4
    assert all(one.annealing is None for one in rounds)
    falling = played(Halving(members=9, factor=3), space(steps=90, low=1e-3, high=0.29, decays=True))
    copies = [one.annealing for decided, _, _ in falling for one in decided]
    assert [item for item in copies if item] == [
        Annealing(members=tuple(range(9)), steps=2),
        Annealing(members=(0, 1, 2), steps=6),
    ]
    # A high rate looks worse than it is until it falls: judged by copies, a higher one survives.
    winner, annealed = rounds[-1].lrs[0], falling[-1][0][0].lrs[0]
    assert annealed > winner


def test_pbt_by_hand() -> None:
    pbt = Pbt(members=5, ready_steps=10)
    asked = space(low=0.01, high=0.1)
    _, state = pbt.decide(pbt.start(asked), [])
    values = (0.3, 0.1, math.nan, 0.2, 0.9)
    stand = [Standing(lr=0.02, step=10, value=value) for value in values]
    (chosen,), _ = pbt.decide(state, stand)
    # A fifth of five is one: the worst and the one that fails go on from the best.
    assert chosen.take == (0, 1, 1, 3, 1) or chosen.take == (0, 1, 1, 3, 4)
    assert chosen.take[2] == 1
    moved = {place for place, source in enumerate(chosen.take) if place != source}
    for place, lr in enumerate(chosen.lrs):
        assert lr in ((0.02 * 0.8, 0.02 * 1.25) if place in moved else (0.02,))
    assert chosen.steps == 10


def test_the_factors_of_exploration_are_each_others_inverse() -> None:
    low, high = Pbt().factors
    assert low * high == 1.0


def test_a_copied_rate_is_kept_inside_the_range() -> None:
    pbt = Pbt(members=2, ready_steps=10, factors=(1.25,))
    asked = space(low=0.01, high=0.1)
    _, state = pbt.decide(pbt.start(asked), [])
    stand = [Standing(lr=0.095, step=10, value=0.1), Standing(lr=0.01, step=10, value=0.2)]
    (chosen,), _ = pbt.decide(state, stand)
    assert (chosen.take, chosen.lrs) == ((0, 0), (0.095, 0.1))


@settings(max_examples=40)
@given(asked=spaces, slow=st.integers(2, 4))
def test_slow_and_greedy_members_never_copy_each_other(asked, slow) -> None:
    border = 8 - slow
    told = played(Pbt(members=8, slow=slow), asked)
    for rounds, _, _ in told:
        (one,) = rounds
        assert one.take is None or all(
            (place < border) == (source < border) for place, source in enumerate(one.take)
        )
        assert one.annealing is None or one.annealing.members == tuple(range(border, 8))
    for (_, _, standings), (after, _, _) in pairwise(told):
        judged = any(math.isfinite(standing.annealed) for standing in standings)
        if not judged and all(standing.finite for standing in standings):
            assert after[0].take[border:] == tuple(range(border, 8))


def test_slow_members_keep_higher_rates_for_longer_and_end_lower() -> None:
    plain = played(Pbt(members=8, slow=0), space())
    patient = played(Pbt(members=8, slow=4), space())

    def best(told):
        return min(standing.value for standing in told[-1][2] if standing.finite)

    def middle(told, border):
        (one,) = told[len(told) // 2][0]
        return sorted(one.lrs[border:])[len(one.lrs[border:]) // 2]

    assert middle(patient, 4) > 2 * middle(plain, 0)
    assert best(patient) < best(plain)


def test_where_the_schedule_decays_by_itself_slow_members_are_left_alone() -> None:
    told = played(Pbt(members=6, slow=3), space(decays=True))
    rates = [rounds[0].lrs[3:] for rounds, _, _ in told]
    assert min(min(row) for row in rates) >= 1e-4
    assert all(rounds[0].annealing is not None for rounds, _, _ in told[1:-1:2])


def test_plain_pbt_has_no_copies_and_no_weight_decay() -> None:
    for rounds, _, _ in played(Pbt(members=4), space()):
        assert rounds[0].annealing is None
        assert rounds[0].weight_decays is None


def test_first_rates_may_be_given() -> None:
    told = played(Pbt(members=2, lrs=(0.1, 0.001)), space())
    assert told[0][0][0].lrs == (0.1, 0.001)


@pytest.mark.parametrize(("members", "slow"), [(2, 0), (5, 0), (6, 2), (10, 3), (20, 6)])
def test_three_of_ten_members_are_slow(members, slow) -> None:
    assert Pbt(members=members).slow_members == slow


def test_pbt_ends_where_nothing_trains() -> None:
    assert len(played(Pbt(members=4), space(low=0.4, high=0.9))) == 1
    assert len(played(Halving(members=4), space(low=0.4, high=0.9))) == 1


def test_bayes_covers_the_range_then_asks_for_better_rates() -> None:
    told = played(Bayes(trials=12, batch=4), space(high=0.9))
    batches = [rounds[0] for rounds, _, _ in told]
    assert [len(batch.lrs) for batch in batches] == [4, 4, 4]
    assert all(batch.take is None and batch.steps == 200 for batch in batches)
    reached = [standing.value for _, _, standings in told for standing in standings]
    assert min(reached[4:]) < min(value for value in reached[:4] if value == value)
    assert len(set(reached)) > 8


def test_what_fails_counts_as_having_learned_nothing() -> None:
    bayes = Bayes(trials=4, batch=2)
    _, state = bayes.decide(bayes.start(space()), [])
    stand = [Standing(lr=0.1, step=200, value=math.nan), Standing(lr=0.01, step=200, value=7.0)]
    _, after = bayes.decide(state, stand)
    assert [told["value"] for told in after["seen"]] == [1.0, 1.0]


def test_bayes_may_search_weight_decay_too() -> None:
    told = played(Bayes(trials=4, batch=2, weight_decay=(1e-5, 1e-1)), space())
    for rounds, _, _ in told:
        assert all(1e-5 <= decay <= 1e-1 for decay in rounds[0].weight_decays)
    assert set(told[-1][1]["seen"][0]) == {"lr", "value", "weight_decay"}


def test_the_samplers_are_seeded_by_trial() -> None:
    first, second = (played(Bayes(trials=6, batch=2, sampler="random"), space(seed=seed)) for seed in (0, 1))
    assert first[1][0][0].lrs != second[1][0][0].lrs
    assert len({lr for rounds, _, _ in first for lr in rounds[0].lrs}) == 6


def test_rates_are_spread_evenly_on_a_logarithmic_scale() -> None:
    import random

    assert spaced(1e-4, 1.0, 5) == (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    drawn = stratified(1e-4, 1.0, 4, random.Random(0))
    assert [math.floor(math.log10(lr)) for lr in drawn] == [-4, -3, -2, -1]
    assert stratified(1e-4, 1.0, 0, random.Random(0)) == ()


def test_the_cost_of_a_round() -> None:
    asked = Round(take=None, lrs=(0.1, 0.2, 0.3), steps=10, seed=0)
    assert asked.cost == 30
    copies = Annealing(members=(1, 2), steps=4)
    with_copies = Round(take=None, lrs=(0.1, 0.2, 0.3), steps=10, seed=0, annealing=copies)
    assert with_copies.cost == 38
    assert with_copies.to_dict()["annealing"] == {"members": (1, 2), "steps": 4}


def test_of_equal_values_the_lower_rate_is_better() -> None:
    assert ascending([0.1, 0.1, math.inf], [0.2, 0.1, 0.01]) == [1, 0, 2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grid(members=0), r"Grid\(members=\.\.\.\) must be an integer >= 1, got 0"),
        (lambda: Grid(lrs=(0.1, -1.0)), r"Grid\(lrs=\.\.\.\) must be a finite number > 0, got -1\.0"),
        (lambda: Grid(lrs="0.1"), r"Grid\(lrs=\.\.\.\) must be a sequence of numbers > 0, got '0\.1'"),
        (lambda: Halving(members=1), r"Halving\(members=\.\.\.\) must be an integer >= 2, got 1"),
        (lambda: Halving(factor=1.0), r"Halving\(factor=\.\.\.\) must be a finite number >= 1\.5, got 1\.0"),
        (lambda: Halving(members=2, factor=3), r"Halving\(factor=\.\.\.\) must be at most members=2, got 3"),
        (lambda: Pbt(members=1), r"Pbt\(members=\.\.\.\) must be an integer >= 2, got 1"),
        (lambda: Pbt(ready_steps=0), r"Pbt\(ready_steps=\.\.\.\) must be an integer >= 1, got 0"),
        (
            lambda: Pbt(quantile=0.6),
            r"Pbt\(quantile=\.\.\.\) must be a finite number in \(0, 0\.5\], got 0\.6",
        ),
        (lambda: Pbt(factors=()), r"Pbt\(factors=\.\.\.\) must be at least one factor, got \(\)"),
        (lambda: Pbt(slow=9), r"Pbt\(slow=\.\.\.\) must be at most members - 2 = 8, got 9"),
        (lambda: Pbt(slow=-1), r"Pbt\(slow=\.\.\.\) must be an integer >= 0, got -1"),
        (lambda: Pbt(weight_decay=(1, 0.1)), r"Pbt\(weight_decay=\.\.\.\) must be a pair .* got \(1, 0\.1\)"),
        (lambda: Pbt(lrs=(0.1,)), r"Pbt\(lrs=\.\.\.\) must be one for each of the 10 members, got \(0\.1,\)"),
        (lambda: Bayes(trials=0), r"Bayes\(trials=\.\.\.\) must be an integer >= 1, got 0"),
        (lambda: Bayes(batch=0), r"Bayes\(batch=\.\.\.\) must be an integer >= 1, got 0"),
        (lambda: Bayes(sampler="cma"), r"Bayes\(sampler=\.\.\.\) must be one of 'gp', 'tpe', 'random', got"),
        (lambda: Bayes(weight_decay=(1.0,)), r"Bayes\(weight_decay=\.\.\.\) must be a pair .* got \(1\.0,\)"),
        (lambda: interval("x", 3), r"x must be a sequence of numbers > 0, got 3"),
        (lambda: positive("x", [math.nan]), r"x must be a finite number > 0, got nan"),
    ],
)
def test_settings_outside_their_domain_are_refused(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_missing_optuna_names_the_command_that_installs_it(monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"pip install 'rightrate\[optuna\]'"):
        Bayes()
