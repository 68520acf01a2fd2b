"""Losses at the level of a constant prediction."""

import dataclasses
import math

import pytest

from rightrate.watch.detector import Facts
from rightrate.watch.detectors.collapsed import Collapsed
from tests.watch.detectors.curves import blocks_of, found, noisy
from tests.watch.detectors.parts import found_in, sample

CHANCE = math.log(10)


def facts(steps: int, chance: float | None = CHANCE) -> Facts:
    """Return what is known of a run."""
    return Facts(total_steps=steps, chance_loss=chance)


def test_a_run_that_had_learned_and_lost_it_is_told_at_once() -> None:
    losses = noisy(lambda step: 2.3 / (1.0 + step / 50.0) if step < 500 else CHANCE, 4_000)
    (finding,) = found(Collapsed(), losses, facts(4_000))
    assert 480 <= finding.since <= 520
    assert finding.step < 640
    assert finding.confidence > 0.9
    assert finding.evidence["chance_loss"] == CHANCE


def test_a_run_that_rests_at_chance_is_told_at_a_quarter() -> None:
    (finding,) = found(Collapsed(), noisy(lambda step: CHANCE + 5.0 * 0.9**step, 4_000), facts(4_000))
    assert 900 < finding.step < 1_100


def test_a_run_whose_trend_leads_below_chance_is_not() -> None:
    """It is above chance at a quarter, and falls by 0.4 each time the steps double."""
    losses = noisy(lambda step: 6.4 - 0.4 * math.log2(step + 1.0), 4_000)
    assert found(Collapsed(), losses, facts(4_000)) == []


def test_validation_at_chance_counts_though_training_learns() -> None:
    losses = noisy(lambda step: 2.3 / (1.0 + step / 50.0), 4_000)
    validations = [(step, 2.2 + step / 4_000.0) for step in range(199, 4_000, 200)]
    (finding,) = found(Collapsed(), losses, facts(4_000), validations)
    assert "validation loss" in finding.text
    assert found(Collapsed(), losses, facts(4_000), [(s, 1.0) for s, _ in validations]) == []


def test_without_the_level_it_is_said_late_and_less_surely() -> None:
    losses = noisy(lambda step: 53.0 + 130.0 * 0.98**step, 4_000, noise=0.005)
    (finding,) = found(Collapsed(), losses, facts(4_000, None))
    assert finding.step > 1_600
    assert finding.confidence < 0.5
    assert "chance_loss= would tell" in finding.text


def test_without_the_level_a_loss_that_came_to_almost_nothing_is_none() -> None:
    losses = noisy(lambda step: 0.001 + 2.3 * 0.98**step, 4_000, noise=0.005)
    assert found(Collapsed(), losses, facts(4_000, None)) == []


def test_without_the_level_a_loss_that_never_came_down() -> None:
    (finding,) = found(Collapsed(), noisy(lambda step: 2.0 if step < 2 else 2.3, 4_000), facts(4_000, None))
    assert finding.confidence == 0.5
    assert finding.since == 0


def test_without_the_level_a_loss_that_still_falls_is_none() -> None:
    assert found(Collapsed(), noisy(lambda step: 3.0 - step / 2_000.0, 4_000), facts(4_000, None)) == []


@pytest.mark.parametrize("chance", [0.0, -1.5])
def test_levels_that_are_not_positive(chance: float) -> None:
    """A likelihood: it begins at 2 above the constant prediction's, and rests there or goes 3 below it."""
    rests = noisy(lambda step: 1.0, 2_000)
    low = [chance + 2.0 * 0.95**step + 0.01 * loss for step, loss in enumerate(rests)]
    (finding,) = found(Collapsed(), low, facts(2_000, chance))
    assert finding.evidence["chance_loss"] == chance
    learned = [chance - 3.0 + 5.0 / (1.0 + step / 30.0) + 0.01 * loss for step, loss in enumerate(rests)]
    assert found(Collapsed(), learned, facts(2_000, chance)) == []


@pytest.mark.parametrize("chance", [CHANCE, None])
def test_it_is_sure_where_most_tensors_have_no_gradient_besides(chance: float | None) -> None:
    blocks = blocks_of(noisy(lambda step: CHANCE, 4_000, 0.01), facts(4_000, chance))
    dead = [dataclasses.replace(one, samples=(sample(one.steps[0], flat_fraction=0.75),)) for one in blocks]
    for seen, sure in ((blocks, False), (dead, True)):
        (finding,) = found_in(Collapsed(), seen)[0]
        assert (finding.confidence >= 0.8) is sure
        assert finding.text.endswith("75% of the tensors have no gradient, or a zero one.") is sure
