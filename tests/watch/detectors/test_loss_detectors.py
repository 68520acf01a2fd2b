"""What holds for all detectors of the loss: nothing of healthy runs, nothing that breaks them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rightrate.watch.detector import Detector, Facts
from rightrate.watch.detectors.collapsed import Collapsed
from rightrate.watch.detectors.diverging import Diverging
from rightrate.watch.detectors.overfitting import Overfitting
from rightrate.watch.detectors.plateau import Plateau
from rightrate.watch.detectors.spike import Spike
from rightrate.watch.detectors.too_high import TooHigh
from rightrate.watch.detectors.too_low import TooLow
from rightrate.watch.detectors.underfitting import Underfitting
from tests.watch.detectors.curves import blocks_of, found, noisy
from tests.watch.detectors.parts import found_in

DETECTORS = {
    type(one).__name__: one
    for one in (
        Collapsed(),
        Diverging(),
        Overfitting(),
        Plateau(),
        Spike(),
        TooHigh(),
        TooLow(),
        Underfitting(),
    )
}
each = pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)


def healthy(step: int) -> float:
    """Return a loss that falls as one over the square root of the step does."""
    return 0.3 + 2.0 / (1.0 + step / 4.0) ** 0.5


@each
def test_a_healthy_run_gets_no_finding(detector: Detector) -> None:
    facts = Facts(total_steps=2_000, chance_loss=2.3)
    falling = [(step, healthy(step) + 0.05) for step in range(99, 2_000, 100)]
    assert found(detector, noisy(healthy, 2_000), facts, falling) == []


@each
@given(
    losses=st.lists(ANY, max_size=300),
    chance=st.none() | st.floats(-1e3, 1e3),
    total=st.none() | st.integers(1, 10_000),
    validations=st.lists(ANY, max_size=20),
)
@settings(max_examples=40, deadline=None)
def test_no_loss_breaks_it_and_its_state_is_plain_and_bounded(
    detector: Detector,
    losses: list[float],
    chance: float | None,
    total: int | None,
    validations: list[float],
) -> None:
    facts = Facts(total_steps=total, chance_loss=chance)
    arrived = [(10 * place, value) for place, value in enumerate(validations)]
    findings, state = found_in(detector, blocks_of(losses, facts, validations=arrived))
    assert all(math.isfinite(value) for one in findings for value in one.evidence.values())
    assert len(str(state)) < 10_000


@each
def test_an_empty_block_changes_nothing(detector: Detector) -> None:
    assert found(detector, []) == []
