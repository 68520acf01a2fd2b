"""Losses that stand still."""

import pytest

from rightrate.watch.detector import Facts
from rightrate.watch.detectors.plateau import Plateau
from tests.watch.detectors.curves import found, noisy


def stands(step: int) -> float:
    """Return a loss that falls until step 250 and stands still from there."""
    return 2.0 - min(step, 250) / 200.0


def test_a_loss_that_stands_still_and_since_when() -> None:
    (finding,) = found(Plateau(), noisy(stands, 4_000))
    assert 500 <= finding.step < 700
    assert 200 <= finding.since <= 350
    assert abs(finding.evidence["slope"]) < 0.05


def test_it_is_surer_where_the_loss_is_known_to_be_far_below_chance() -> None:
    (unknown,) = found(Plateau(), noisy(stands, 4_000))
    (known,) = found(Plateau(), noisy(stands, 4_000), Facts(chance_loss=2.3))
    assert known.confidence == pytest.approx(unknown.confidence + 0.3)


def test_at_chance_it_is_no_plateau_but_a_collapse() -> None:
    assert found(Plateau(), noisy(stands, 4_000), Facts(chance_loss=0.75)) == []


def test_an_old_best_value_is_none_while_the_trend_falls() -> None:
    """The lowest single loss is early, by luck; the mean goes on falling."""
    losses = noisy(lambda step: 3.0 - 0.25 * (step + 1.0) ** 0.25, 4_000, noise=0.05)
    losses[600] = 0.01
    assert found(Plateau(), losses) == []


def test_noise_that_hides_the_trend_is_none() -> None:
    assert found(Plateau(), noisy(stands, 700, noise=2.0)) == []
