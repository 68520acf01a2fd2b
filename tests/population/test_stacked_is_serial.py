"""The fast engine against the plain one, over every model and optimizer it claims."""

import numpy as np
import pytest
import torch
from tests.population.models import (
    CASES,
    CATALOGUE_RATES,
    MODELS,
    accuracy,
    assert_same,
    rates,
    serial_of,
    setup_of,
    stacked_of,
)

from rightrate.optimizers.catalogue import names
from rightrate.population import Kernel
from rightrate.population.gradients import Form

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop")

STEPS = 20


@pytest.mark.parametrize("form", ["A", "B"])
@pytest.mark.parametrize("optimizer", names())
def test_every_optimizer_of_the_catalogue(optimizer: str, form: Form) -> None:
    setup = setup_of("mlp", optimizer, metrics={"accuracy": accuracy})
    stacked, serial = stacked_of(setup, 4, form=form), serial_of(setup, 4)
    table = rates(CATALOGUE_RATES, STEPS)
    found, expected = stacked.advance(table), serial.advance(table)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert_same(stacked, serial)
    assert serial.alive == (True, True, True, False)
    assert np.isnan(expected[-1, 3])
    assert not np.isnan(expected[0]).any()


@pytest.mark.parametrize(("model", "form"), CASES)
@pytest.mark.parametrize("optimizer", ["momentum", "adamw"])
def test_every_model(model: str, form: Form, optimizer: str) -> None:
    setup = setup_of(model, optimizer, metrics={} if model == "tied" else {"accuracy": accuracy})
    stacked = stacked_of(setup, 4, form=form, together=MODELS[model].together)
    serial = serial_of(setup, 4)
    table = rates(CATALOGUE_RATES, STEPS)
    found, expected = stacked.advance(table), serial.advance(table)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert_same(stacked, serial)
    assert serial.alive[:3] == (True, True, True)
    assert expected[-1, 1] != expected[0, 1]


@pytest.mark.parametrize(("model", "form"), CASES)
def test_single_precision_over_three_steps(model: str, form: Form) -> None:
    """Longer, a correct engine drifts: rounding grows to 4e-2 in 40 steps at a high rate."""
    setup = setup_of(model, "adamw", dtype=torch.float32)
    stacked = stacked_of(setup, 3, form=form, together=MODELS[model].together)
    serial = serial_of(setup, 3)
    table = rates((1e-4, 1e-3, 1e-2), 3)
    np.testing.assert_allclose(stacked.advance(table), serial.advance(table), rtol=1e-5)
    # Parameters move by the rate where Adam divides rounding noise by its root: 1e-2 of the largest rate.
    assert_same(stacked, serial, rtol=1e-5, atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("form", ["A", "B"])
@pytest.mark.parametrize(("model", "optimizer"), [("mlp", "adamw"), ("cnn", "momentum")])
def test_compiled(model: str, optimizer: str, form: Form) -> None:
    setup = setup_of(model, optimizer)
    stacked = stacked_of(setup, 4, kernel=Kernel(setup, setup.rule(), form, size=4))
    serial = serial_of(setup, 4)
    table = rates(CATALOGUE_RATES, STEPS)
    np.testing.assert_allclose(stacked.advance(table), serial.advance(table), rtol=1e-9)
    assert_same(stacked, serial)
    # Padded: three members in a call for four, then fewer than half of it, eagerly.
    for kept in ([2, 0, 1], [1]):
        stacked, serial = stacked.take(kept), serial.take(kept)
        table = rates([CATALOGUE_RATES[index] for index in range(len(kept))], 4, start=STEPS)
        np.testing.assert_allclose(stacked.advance(table), serial.advance(table), rtol=1e-9)
        assert_same(stacked, serial)
