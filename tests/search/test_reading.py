"""What a strategy sees of a trial."""

import math

import pytest

from rightrate.search.reading import Reading
from rightrate.search.record import Curve, Trial

UNTRAINED = {"loss": 2.0, "accuracy": 0.1}


def trial(metrics: dict[str, float], seen: dict[str, float]) -> Trial:
    curve = Curve(steps=(), lr=(), train=())
    return Trial(lr=0.1, seed=0, steps=50, rung=2, kind="probe", metrics=metrics, seen=seen, curve=curve)


def test_a_loss_is_read_as_it_is() -> None:
    read = Reading(name="loss", sign=1, untrained=UNTRAINED)
    (seen,) = read.observations([trial({"loss": 1.0}, {"loss": 0.7})])
    assert (seen.lr, seen.seed, seen.steps, seen.rung, seen.value) == (0.1, 0, 50, 2, 1.0)
    assert seen.seen == pytest.approx(0.7)


def test_a_metric_that_grows_is_turned_round_and_gets_the_gap_of_the_loss() -> None:
    read = Reading(name="accuracy", sign=-1, untrained=UNTRAINED)
    (seen,) = read.observations([trial({"loss": 1.5, "accuracy": 0.5}, {"loss": 1.0})])
    assert seen.value == -0.5
    assert seen.seen == pytest.approx(-0.5 - 1.0 * 0.4)  # the gap in loss is as large as what was learned


@pytest.mark.parametrize("loss", [2.0, 3.0, math.nan])
def test_where_nothing_was_learned_no_gap_is_known_of_a_metric(loss: float) -> None:
    read = Reading(name="accuracy", sign=-1, untrained=UNTRAINED)
    (seen,) = read.observations([trial({"loss": loss, "accuracy": 0.1}, {"loss": 1.0})])
    assert math.isnan(seen.seen)


def test_on_the_way_to_a_constant_prediction_the_gap_of_the_loss_is_known() -> None:
    read = Reading(name="loss", sign=1, untrained=UNTRAINED)
    (seen,) = read.observations([trial({"loss": 3.0}, {"loss": 2.9})])
    assert seen.value - seen.seen == pytest.approx(0.1)
