"""Rates that are too high, though training goes on."""

import math

import pytest

from rightrate.watch.detector import Block, Facts, Sample
from rightrate.watch.detectors.too_high import TooHigh
from rightrate.watch.finding import Finding
from tests.watch.detectors.curves import found, noisy
from tests.watch.detectors.parts import block, found_in, parts, sample


def seen(samples: list[Sample], losses: list[float], facts: Facts | None = None) -> list[Finding]:
    """Return what is found in a run with samples; its rate is 0.1."""
    whole = block(range(len(losses)), losses, samples=samples, facts=facts)
    cut: list[Block] = parts(whole, range(32, len(losses), 32))
    return found_in(TooHigh(), cut)[0]


def test_curvature_above_two_over_the_rate() -> None:
    sharp = [Sample(step=s, measured=sample(s).measured, curvature=30.0) for s in range(0, 640, 64)]
    (finding,) = seen(sharp, [1.0] * 640, Facts(plain_steps=True))
    assert finding.evidence["rate_times_curvature"] == pytest.approx(3.0)
    assert seen(sharp, [1.0] * 640) == []
    flat = [Sample(step=one.step, measured=one.measured, curvature=15.0) for one in sharp]
    assert seen(flat, [1.0] * 640, Facts(plain_steps=True)) == []


def test_a_full_batch_loss_that_goes_up_and_down_in_turn() -> None:
    losses = [1.0 + 0.1 * (-1.0) ** step for step in range(200)]
    (finding,) = found(TooHigh(), losses, Facts(full_batch=True))
    assert finding.evidence["turns"] == 1.0
    assert found(TooHigh(), losses) == []
    assert found(TooHigh(), [1.0 / (1.0 + step) for step in range(200)], Facts(full_batch=True)) == []


def test_gradients_that_point_against_each_other() -> None:
    cosines = [-0.4, -0.5, -0.3, -0.45, -0.35, -0.4, -0.5]
    opposed = [sample(64 * place, gradient_cosine=value) for place, value in enumerate(cosines)]
    (finding,) = seen(opposed, [1.0] * 512)
    assert finding.evidence["gradient_cosine"] == pytest.approx(-0.4, abs=0.02)
    mixed = [sample(64 * place, gradient_cosine=(-1.0) ** place * 0.4) for place in range(7)]
    assert seen(mixed, [1.0] * 512) == []


def test_updates_as_long_as_the_weights() -> None:
    long = [sample(64 * place, update_norm=3.0) for place in range(10)]
    (finding,) = seen(long, noisy(lambda step: 1.0, 640))
    assert finding.evidence["update_to_weight"] == pytest.approx(0.3)
    assert seen(long, noisy(lambda step: 3.0 - 0.4 * math.log2(step + 1.0), 640)) == []


def test_a_loss_that_blew_up_and_came_back() -> None:
    losses = noisy(lambda step: 300.0 if 3 < step < 30 else 2.0 / (1.0 + step / 200.0), 640)
    (finding,) = found(TooHigh(), losses)
    assert finding.evidence["highest"] > 200.0
    assert found(TooHigh(), noisy(lambda step: 8.0 if 3 < step < 30 else 1.0, 640)) == []
