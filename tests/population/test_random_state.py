"""Random draws: the caller's generators stay as they were, and every engine draws the same."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.models import Case, assert_same, rates, serial_of, setup_of, stacked_of
from torch import Tensor, nn


class Noisy(nn.Module):
    """Draws in training and in evaluation alike, before a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 8)
        self.norm = nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.dropout(self.body(x), 0.5, training=True)
        return self.head(self.norm(x + 0.1 * torch.randn_like(x)))


def states() -> tuple[Any, ...]:
    numpy_state = np.random.get_state()  # the global one is what must stay
    return torch.get_rng_state().tolist(), random.getstate(), numpy_state[1].tolist(), numpy_state[2]


@pytest.mark.parametrize("make", [stacked_of, serial_of])
def test_the_global_generators_stay_as_they_were(make: Callable[..., Any]) -> None:
    setup = setup_of(Case(build=Noisy), "adamw")
    population = make(setup, 3)
    before = states()
    population.advance(rates((1e-3, 1e-2, 0.1), 4))
    assert states() == before
    population.evaluate()
    assert states() == before
    population.recalibrate(2)
    assert states() == before
    population.take([0]).advance(rates((1e-3,), 2))
    assert states() == before


@pytest.mark.parametrize("make", [stacked_of, serial_of])
def test_and_on_errors(make: Callable[..., Any]) -> None:
    def failing(output: Tensor, target: Tensor) -> Tensor:
        raise ArithmeticError("the loss fails")

    population = make(setup_of(Case(build=Noisy, loss=failing), "adamw"), 2)
    before = states()
    for work in (
        lambda: population.advance(rates((1e-3, 1e-2), 2)),
        population.evaluate,
        lambda: population.recalibrate(1),
    ):
        with pytest.raises(ArithmeticError, match="the loss fails"):
            work()
        assert states() == before


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("chunk", [3, 2])
def test_every_way_of_running_draws_the_same(together: bool, chunk: int) -> None:
    setup = setup_of(Case(build=Noisy), "adamw", accumulate=2)
    stacked, serial = stacked_of(setup, 3, together=together, chunk=chunk), serial_of(setup, 3)
    for population in (stacked, serial):
        population.advance(rates((1e-3, 1e-2, 0.1), 4))
    assert_same(stacked, serial)
    for population in (stacked, serial):
        population.recalibrate(3)
    assert_same(stacked, serial)


def test_seeds_differ_and_repeat() -> None:
    table = rates((1e-2,), 3)
    first, again, other = (
        serial_of(setup_of(Case(build=Noisy), "adamw", seed=seed), 1) for seed in (0, 0, 1)
    )
    losses = first.advance(table)
    assert np.array_equal(losses, again.advance(table))
    assert first.evaluate() == again.evaluate()
    assert not np.isclose(losses, other.advance(table)).any()


def test_a_setup_with_another_seed_keeps_the_weights() -> None:
    setup = setup_of("mlp", "adamw", seed=0)
    table = rates((1e-2,), 3)
    losses = [serial_of(each, 1).advance(table) for each in (setup, setup.with_seed(3))]
    assert not np.isclose(losses[0], losses[1]).any()
    assert serial_of(setup, 1).evaluate() == serial_of(setup.with_seed(3), 1).evaluate()
