"""Training against validation: overfitting and underfitting."""

from rightrate.watch.detector import Facts
from rightrate.watch.detectors.overfitting import Overfitting
from rightrate.watch.detectors.underfitting import Underfitting
from tests.watch.detectors.curves import found, noisy

EVERY = range(99, 4_000, 100)


def falls(step: int) -> float:
    """Return a training loss that goes on falling."""
    return 2.3 / (1.0 + step / 300.0)


def turns(step: int) -> float:
    """Return a validation loss that is lowest at step 1,000."""
    return 0.8 + 1.5 * abs(step - 1_000) / 1_000.0 * (1.0 if step < 1_000 else 0.2)


def test_the_step_at_which_validation_turned() -> None:
    (finding,) = found(Overfitting(), noisy(falls, 4_000), validations=[(s, turns(s)) for s in EVERY])
    assert finding.since == 999
    assert finding.evidence["turn"] == 999
    assert finding.evidence["training_now"] < finding.evidence["training_at_turn"]
    assert "Stop near step 999" in finding.advice


def test_validation_that_rises_with_the_training_loss_is_none() -> None:
    losses = noisy(lambda step: turns(step), 4_000)
    assert found(Overfitting(), losses, validations=[(s, turns(s)) for s in EVERY]) == []


def test_a_rise_within_the_noise_is_none() -> None:
    bumpy = [(s, 0.8 + 0.2 * (-1.0) ** (s // 100) + 1.5 / (1.0 + s / 100.0)) for s in EVERY]
    assert found(Overfitting(), noisy(falls, 4_000), validations=bumpy) == []


def test_of_very_many_validations_the_lowest_and_the_newest_are_kept() -> None:
    many = [(s, turns(s)) for s in range(4_000)]
    (finding,) = found(Overfitting(), noisy(falls, 4_000), validations=many)
    assert abs(finding.since - 1_000) < 120


def high(step: int) -> float:
    """Return a loss that stands still at 1.6."""
    return 1.6 + 0.7 * 0.98**step


def test_a_model_that_does_not_fit_its_training_data() -> None:
    facts = Facts(total_steps=4_000, chance_loss=2.3)
    near = [(s, high(s) + 0.02) for s in EVERY]
    (finding,) = found(Underfitting(), noisy(high, 4_000, 0.005), facts, near)
    assert finding.evidence["training"] > 1.5
    assert finding.step >= 1_900
    far = [(s, high(s) + 0.5) for s in EVERY]
    assert found(Underfitting(), noisy(high, 4_000, 0.005), facts, far) == []
    assert found(Underfitting(), noisy(high, 4_000, 0.005), Facts(total_steps=4_000), near) == []


def test_a_model_that_fits_well_is_none() -> None:
    facts = Facts(total_steps=4_000, chance_loss=2.3)
    low = [(s, 0.42) for s in EVERY]
    assert found(Underfitting(), noisy(lambda step: 0.4, 4_000, 0.005), facts, low) == []
