"""Single losses far above the usual."""

import math

from rightrate.watch.detectors.spike import Spike
from tests.watch.detectors.curves import found, noisy
from tests.watch.detectors.parts import told


def usual(step: int) -> float:
    """Return a loss that falls slowly."""
    return 2.0 - step / 2_000.0


def test_a_loss_far_above_the_usual_is_one_finding() -> None:
    losses = noisy(usual, 400)
    losses[200] = 9.0
    (finding,) = found(Spike(), losses)
    assert (finding.verdict, finding.since) == ("spike", 200)
    assert finding.evidence["loss"] == 9.0
    assert 1.8 < finding.evidence["usual"] < 2.0
    assert "jumped to 9 at step 200" in finding.text


def test_a_second_one_counts_after_eight_calm_losses() -> None:
    losses = noisy(usual, 400)
    losses[200] = losses[203] = losses[220] = 9.0
    assert told(found(Spike(), losses)) == [("spike", 200), ("spike", 220)]


def test_a_low_loss_is_none_nor_is_what_is_not_finite() -> None:
    losses = noisy(usual, 400)
    losses[200], losses[210], losses[300] = 0.001, math.nan, math.inf
    assert found(Spike(), losses) == []


def test_losses_that_are_not_positive_are_taken_as_they_are() -> None:
    losses = [loss - 5.0 for loss in noisy(usual, 400)]
    losses[200] = 9.0
    assert told(found(Spike(), losses)) == [("spike", 200)]


def test_equal_losses_need_a_rise_by_half() -> None:
    losses = [1.0] * 300
    losses[150], losses[250] = 1.4, 1.6
    assert told(found(Spike(), losses)) == [("spike", 250)]
