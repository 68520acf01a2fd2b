"""Losses that rise and stay up."""

import numpy as np
import pytest

from rightrate.watch.detectors.diverging import Diverging
from tests.watch.detectors.curves import found, noisy


def test_a_loss_that_stays_above_where_it_began() -> None:
    (finding,) = found(Diverging(), noisy(lambda step: 2.0 if step < 4 else 8.0, 500))
    assert finding.step <= 191
    assert finding.since <= 4
    assert finding.evidence["start"] == pytest.approx(2.0, rel=0.1)


def test_a_loss_that_comes_back_up_and_from_where() -> None:
    def shape(step: int) -> float:
        return 3.0 / (1.0 + step / 50.0) if step < 1_000 else min(3.0, 0.15 + (step - 1_000) / 100.0)

    (finding,) = found(Diverging(), noisy(shape, 2_000))
    assert 900 <= finding.since <= 1_100
    assert 1_000 < finding.step < 1_400
    assert finding.evidence["lowest"] == pytest.approx(0.15, rel=0.1)


def test_a_short_excursion_is_none() -> None:
    def shape(step: int) -> float:
        return 50.0 if 2 < step < 40 else 2.0 / (1.0 + step / 100.0)

    assert found(Diverging(), noisy(shape, 1_000)) == []


def test_noise_about_where_it_began_is_none() -> None:
    assert found(Diverging(), noisy(lambda step: 2.0, 2_000, noise=0.5)) == []


def test_it_is_said_again_after_it_had_ceased() -> None:
    def shape(step: int) -> float:
        high = 200 < step < 600 or 1_500 < step < 2_500
        return 3.0 if high else 1.0 + 2.0 / (1.0 + step / 5.0)

    assert len(found(Diverging(), noisy(shape, 2_500))) == 2


def test_an_easy_first_batch_is_not_where_a_noisy_run_began() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert found(Diverging(), [0.01, *rng.exponential(0.07, 1_000)]) == []
