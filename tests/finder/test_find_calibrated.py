"""Traps of short probes: statistics that lag, and warm-up."""

import pytest
import torch
from tests.finder.small import FEATURES, find, train, valid
from torch import nn

from rightrate.schedules import Constant, Cosine
from rightrate.search import driver


def normalised(momentum):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(FEATURES, 16),
            nn.BatchNorm1d(16, momentum=momentum),
            nn.ReLU(),
            nn.Linear(16, 16),
            nn.BatchNorm1d(16, momentum=momentum),
            nn.ReLU(),
            nn.Linear(16, 3),
        )


def ask(momentum, **settings):
    """Inputs off centre, so that the statistics have some way to go."""
    (inputs, classes), (held, held_classes) = train(), valid()
    return find(normalised(momentum), (inputs + 3, classes), (held + 3, held_classes), steps=540, **settings)


@pytest.fixture(scope="module")
def quick():
    return ask(0.1)


def test_statistics_that_lag_do_not_change_the_answer(quick):
    slow = ask(0.01)
    # Statistics play no part in training, and re-estimated ones do not depend on the momentum at all.
    assert (slow.lr, slow.low, slow.high, slow.max_stable) == (
        quick.lr,
        quick.low,
        quick.high,
        quick.max_stable,
    )
    assert slow.record.levels.best == quick.record.levels.best


def test_the_trap_is_real(monkeypatch, quick):
    """Without re-estimation the same search goes wrong by a factor, which is why it is there."""
    monkeypatch.setattr(driver, "_MEMORY", 0.0)
    fooled = ask(0.01)
    assert abs(torch.tensor(fooled.lr / quick.lr).log10()) > 0.5
    assert fooled.record.levels.best > 3 * quick.record.levels.best


def test_a_whole_warmup_is_measured_and_a_cut_one_is_not():
    """A warm-up of 20 steps fits twice into probes of 90 steps, one of 200 steps does not."""
    whole = find(optimizer="sgd", steps=800, schedule=Constant(total_steps=800, warmup_steps=20))
    assert whole.max_stable is not None
    assert whole.record.answer.cliff.steps >= 40
    cut = find(optimizer="sgd", steps=800, schedule=Cosine(total_steps=800, warmup_steps=200))
    assert cut.max_stable is None
    sentence = "no probe was long enough for the 200 steps of warm-up"
    assert any(sentence in reason for reason in cut.reasons)
    assert cut.lr is not None
