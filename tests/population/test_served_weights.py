"""Optimizers that serve other weights than they train: judged and calibrated at what they serve."""

import numpy as np
import pytest
import schedulefree
import torch
from tests.population.models import Case, cnn, images, serial_of, setup_of

from rightrate.population.evaluate import evaluate_program

RATE = 0.5


def sgd(params):
    return schedulefree.SGDScheduleFree(params, momentum=0.9)


def by_hand(setup, steps):
    """Train one model as the package's documentation says: losses, served and trained weights judged."""
    program = setup.copy_program()
    optimizer = sgd(list(program.parameters()))
    optimizer.train()
    losses, batches = [], setup.train.stream(setup.seed)
    for _ in range(steps):
        optimizer.zero_grad()
        loss, _ = program(next(batches))
        loss.backward()
        optimizer.param_groups[0]["lr"] = RATE
        optimizer.step()
        losses.append(loss.item())
    trained = evaluate_program(program, setup.valid, {})["loss"]
    optimizer.eval()
    return losses, evaluate_program(program, setup.valid, {})["loss"], trained


def test_judged_at_the_served_weights_and_trained_on_from_the_others():
    setup = setup_of("mlp", sgd)
    population = serial_of(setup, 2)
    losses, served, trained = by_hand(setup, 8)
    table = np.full((8, 2), RATE)
    first = population.advance(table[:5])
    population.evaluate()  # and back
    fork = population.take([1])
    np.testing.assert_allclose([*first[:, 0], *population.advance(table[5:])[:, 0]], losses, rtol=1e-12)
    np.testing.assert_allclose(fork.advance(table[5:, :1])[:, 0], losses[5:], rtol=1e-12)
    for one in (population, fork):
        assert one.evaluate()["loss"][0] == pytest.approx(served, rel=1e-12)
    assert served != pytest.approx(trained, rel=1e-3)


def test_a_saved_state_continues_the_same():
    setup = setup_of("mlp", sgd)
    population, other = serial_of(setup, 2), serial_of(setup, 2)
    table = np.full((6, 2), RATE)
    population.advance(table)
    population.evaluate()
    other.load_state_dict(population.state_dict())
    assert np.array_equal(other.advance(table), population.advance(table))
    assert np.array_equal(other.evaluate()["loss"], population.evaluate()["loss"])


def test_statistics_are_estimated_at_the_served_weights():
    setup = setup_of(Case(build=cnn, data=images), sgd)
    population = serial_of(setup, 1)
    population.advance(np.full((6, 1), RATE))
    population.recalibrate(3)
    (program,), (optimizer,) = population.programs(), population.optimizers()
    kept = {name: value.clone() for name, value in program.named_buffers()}
    optimizer.eval()
    plain = serial_of(setup_of(Case(build=cnn, data=images), "sgd"), 1)
    with torch.no_grad():
        for (_, own), (_, value) in zip(
            plain.programs()[0].named_parameters(), program.named_parameters(), strict=True
        ):
            own.copy_(value)
    plain.recalibrate(3)
    found = dict(plain.programs()[0].named_buffers())
    assert any("running_mean" in name for name in found)
    for name in (name for name in found if "running" in name):
        torch.testing.assert_close(kept[name], found[name], rtol=1e-12, atol=0.0)
