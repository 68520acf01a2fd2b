"""What trials say, worked by hand."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.comparison.analysis import analysed
from rightrate.comparison.fitting import fitting
from rightrate.comparison.reached import first_step
from rightrate.comparison.readings import regret
from rightrate.comparison.significance import interval
from rightrate.search.compare_record import CompareAnalysis, CompareCurves, CompareTrial, Contender
from rightrate.tasks.task import Objective

STEPS = (20, 40, 60, 80, 100)
SGD, ADAM = (Contender(optimizer=name, schedule="constant") for name in ("sgd", "adam"))


def trial(
    contender: Contender,
    lr: float,
    seed: int,
    valid: Sequence[float],
    seen: Sequence[float] = (1.0, 0.8, 0.6, 0.5, 0.4),
) -> CompareTrial:
    return CompareTrial(
        contender=contender,
        lr=lr,
        seed=seed,
        valid={"loss": valid[-1]},
        seen={"loss": seen[-1]},
        curves=CompareCurves(
            steps=(0, 99),
            train=(1.0, seen[-1]),
            judged_steps=STEPS,
            valid={"loss": tuple(valid)},
            seen={"loss": tuple(seen)},
        ),
    )


def ends(contender: Contender, lr: float, *reached: float) -> list[CompareTrial]:
    """Return one trial for each seed; each halves its way to what it reached."""
    return [
        trial(contender, lr, seed, (2.0, 1.8, 1.6, (1.6 + end) / 2, end)) for seed, end in enumerate(reached)
    ]


def analysis(trials: Sequence[CompareTrial], target: float | None = None) -> CompareAnalysis:
    return analysed(
        trials,
        objective=Objective(name="loss", direction="min"),
        untrained={"loss": 2.0},
        tolerance=0.02,
        target=target,
        step_seconds={"sgd": 0.01, "adam": 0.02},
    )


def test_regret_by_hand() -> None:
    assert regret(1.25, 1.0, 2.0) == 0.25
    assert regret(0.5, 1.0, 2.0) == 0.0
    assert regret(3.0, 1.0, 2.0) == regret(math.inf, 1.0, 2.0) == regret(1.0, 2.0, 2.0) == 1.0


@given(st.floats(), st.floats(), st.floats())
def test_regret_is_a_fraction(reached: float, best: float, untrained: float) -> None:
    assert 0.0 <= regret(reached, best, untrained) <= 1.0


def test_best_rates_kinds_and_both_tables_disagree() -> None:
    trials = [
        *ends(SGD, 0.001, 1.9, 1.9),
        *ends(SGD, 0.1, 1.0, 1.2),
        *ends(SGD, 1.0, math.nan, 1.0),
        *ends(ADAM, 0.001, 1.2, 1.2),
        *ends(ADAM, 0.1, 1.6, 1.6),
    ]
    found = analysis(trials)
    assert [(item.contender.optimizer, item.lr) for item in found.best] == [("sgd", 0.1), ("adam", 0.001)]
    assert found.best[0].mean == pytest.approx(1.1)
    assert found.shared_lrs == (0.001, 0.1)
    kinds = {(item.contender.optimizer, item.lr): item.kind for item in found.readings}
    assert kinds[("sgd", 0.001)] == "too low"
    assert kinds[("sgd", 1.0)] == "too high"
    assert kinds[("adam", 0.001)] == "good"
    same = {item.contender.optimizer: item.mean for item in found.readings if item.lr == 0.001}
    assert same["adam"] < same["sgd"]  # the winner at one rate for all is the loser at each one's own


def test_a_failed_run_counts_as_untrained_where_the_best_rate_is_looked_for() -> None:
    found = analysis([*ends(SGD, 0.1, 1.0, math.nan), *ends(SGD, 0.2, 1.4, 1.4)])
    assert found.best[0].lr == 0.2  # (1.0 + 2.0) / 2 is worse than 1.4
    failed = next(item for item in found.readings if item.lr == 0.1)
    assert math.isnan(failed.mean)
    assert failed.regret == pytest.approx((1.5 - 1.4) / (2.0 - 1.4))


def test_the_best_rate_at_the_end_of_three_is_said_to_be_there() -> None:
    rates = [(0.01, 1.5), (0.1, 1.2), (1.0, 1.0)]
    assert analysis([item for lr, end in rates for item in ends(SGD, lr, end)]).best[0].edge
    assert not analysis([item for lr, end in rates[:2] for item in ends(SGD, lr, end)]).best[0].edge


def test_sensitivity_is_the_mean_excess_over_the_logarithm_of_the_rate_capped_at_untrained() -> None:
    trials = [*ends(SGD, 0.001, 1.5), *ends(SGD, 0.01, 1.0), *ends(SGD, 1.0, 50.0)]
    (item,) = analysis(trials).sensitivities
    assert item.excess == pytest.approx((0.5, 0.0, 1.0))
    # Trapezia one decade wide from 0.5 to 0 and two decades wide from 0 to 1, over three decades.
    assert item.mean == pytest.approx((0.25 * 1 + 0.5 * 2) / 3)


def test_the_time_to_a_target_lies_between_judgements() -> None:
    assert first_step(STEPS, (2.0, 1.8, 1.6, 1.3, 1.0), 1.45) == pytest.approx(70.0)
    found = analysis(ends(SGD, 0.1, 1.0, 1.0), target=1.45)
    assert (found.reached[0].steps, found.reached[0].seeds) == (pytest.approx(70.0), 2)
    assert found.reached[0].seconds == pytest.approx(0.7)
    never = analysis(ends(SGD, 0.1, 1.0, 1.9), target=1.45).reached[0]
    assert (never.steps, never.seconds, never.seeds) == (None, None, 1)


def test_the_target_is_nine_tenths_of_what_the_best_gained() -> None:
    assert analysis(ends(SGD, 0.1, 1.0)).levels.target == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("valid", "seen", "kind", "turned"),
    [
        ((2.0, 1.6, 1.4, 1.2, 1.0), (2.0, 1.6, 1.4, 1.2, 1.0), "underfitting", None),
        ((1.5, 1.2, 1.0, 1.0, 1.0), (1.4, 1.0, 0.8, 0.7, 0.6), "sweet spot", None),
        ((1.5, 1.2, 1.0, 1.2, 1.4), (1.4, 1.0, 0.8, 0.4, 0.2), "overfitting", 60),
        ((1.5, 1.2, 1.0, 1.2, 1.4), (1.4, 1.0, 0.8, 1.0, 1.2), "unstable", 60),
        ((2.2, 2.1, 2.1, 2.1, 2.1), (2.0, 2.0, 2.0, 2.0, 2.0), "not training", None),
        ((1.5, 1.2, 1.0, 1.0, math.nan), (1.4, 1.0, 0.8, 0.7, math.nan), "not training", None),
    ],
)
def test_training_against_validation(
    valid: Sequence[float], seen: Sequence[float], kind: str, turned: int | None
) -> None:
    found = fitting([trial(SGD, 0.1, 0, valid, seen)], untrained=2.0, tolerance=0.02)
    assert (found.kind, found.turned_step) == (kind, turned)
    assert found.gap == pytest.approx(valid[-1] - seen[-1], nan_ok=True)


def test_differences_are_paired_by_seed() -> None:
    trials = [*ends(SGD, 0.1, 1.0, 1.3, 1.6), *ends(ADAM, 0.1, 1.1, 1.4, 1.7)]
    (item,) = analysis(trials).differences
    assert (item.better, item.worse) == (SGD, ADAM)
    assert (item.mean, item.low, item.high) == pytest.approx((0.1, 0.1, 0.1))  # the seeds differ by more
    assert item.apart
    assert item.chance == 0.25  # two of the eight choices of three signs


def test_seeds_that_disagree_are_not_told_apart() -> None:
    low, high, chance = interval([1.0, 1.0, 1.0], [1.3, 0.8, 1.4])
    assert low < 0 < high
    assert chance > 0.25


def test_six_seeds_that_agree_exclude_chance_and_one_seed_says_nothing() -> None:
    _, _, chance = interval([1.0] * 6, [1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
    assert chance == 2 / 64
    assert analysis([*ends(SGD, 0.1, 1.0), *ends(ADAM, 0.1, 1.2)]).differences == ()
