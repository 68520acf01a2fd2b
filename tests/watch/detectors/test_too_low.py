"""Rates that are too low."""

import dataclasses
import math

import pytest

from rightrate.watch.course import Course
from rightrate.watch.detector import Facts
from rightrate.watch.detectors.too_low import TooLow
from tests.watch.detectors.curves import blocks_of, found, noisy
from tests.watch.detectors.parts import found_in

TOLD = Facts(total_steps=4_000, chance_loss=2.3)


def path(step: float) -> float:
    """Return the loss so far along a path that takes 10,000 steps at this rate."""
    return 2.3 * math.exp(-step / 10_000.0)


def test_learning_that_has_only_begun_is_told_by_a_quarter() -> None:
    (finding,) = found(TooLow(), noisy(path, 4_000, 0.002), TOLD)
    assert finding.step < 1_000
    assert finding.confidence == 0.8
    # a straight line over t gains half of itself over the last doubling
    assert finding.evidence["gain_of_doubling"] == pytest.approx(0.5, abs=0.1)


def test_twenty_times_the_rate_is_not_too_low() -> None:
    assert found(TooLow(), noisy(lambda step: 0.05 + path(20.0 * step), 4_000, 0.002), TOLD) == []


def test_a_loss_above_chance_that_falls_is_too_low_however_little_it_gained() -> None:
    losses = noisy(lambda step: 4.4 - step / 10_000.0, 4_000, 0.001)
    (finding,) = found(TooLow(), losses, Facts(total_steps=4_000, chance_loss=3.1))
    assert "has not come below 3.1" in finding.text


def test_a_loss_that_stands_still_is_none() -> None:
    assert found(TooLow(), noisy(lambda step: 2.3, 4_000, 0.01), TOLD) == []


def test_without_a_length_it_waits_for_4000_steps_and_is_less_sure() -> None:
    (finding,) = found(TooLow(), noisy(path, 6_000, 0.002), Facts(chance_loss=2.3))
    assert 3_900 < finding.step < 4_200
    assert finding.confidence == 0.6


def test_a_rate_that_a_schedule_lowers_is_not_judged() -> None:
    blocks = blocks_of(noisy(path, 4_000, 0.002), TOLD)
    course, lowered = Course(), []
    for block in blocks:
        course = course.add(block.steps, block.losses, [0.1 * 0.998**step for step in block.steps])
        lowered.append(type(block)(**{**block.__dict__, "course": course}))
    assert found_in(TooLow(), lowered)[0] == []


def test_a_run_that_was_put_back_is_not_judged() -> None:
    blocks = [
        dataclasses.replace(block, course=dataclasses.replace(block.course, whole=False))
        for block in blocks_of(noisy(path, 4_000, 0.002), TOLD)
    ]
    assert found_in(TooLow(), blocks)[0] == []


def test_a_loss_above_where_it_began_is_not_too_low() -> None:
    losses = noisy(lambda step: 2.3 if step < 2 else 4.4 - step / 4_000.0, 4_000, 0.001)
    assert found(TooLow(), losses, TOLD) == []
