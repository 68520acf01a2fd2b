"""The curvature along a step, and that measuring it leaves no trace."""

import math
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW

from rightrate.errors import ConfigError
from rightrate.watch import Measure
from rightrate.watch.curvature import Curvature
from tests.watch.loops import loss_of, network, quiet, same, weights


def test_of_a_quadratic_by_hand() -> None:
    model = nn.Linear(2, 1, bias=False).double()
    steep = torch.tensor([3.0, 1.0], dtype=torch.float64)
    curvature = Curvature(lambda: (steep * model.weight**2).sum() / 2, model)
    nn.init.constant_(model.weight, 1.0)
    curvature.before([model.weight])
    with torch.no_grad():
        model.weight -= torch.tensor([[0.2, 0.1]], dtype=torch.float64)
    # (3 * 0.2^2 + 1 * 0.1^2) / (0.2^2 + 0.1^2) = 0.13 / 0.05
    assert float(curvature.after([model.weight])) == pytest.approx(2.6, rel=1e-6)
    assert model.weight.tolist() == [[1.0 - 0.2, 1.0 - 0.1]]
    assert curvature.forwards == 3
    assert curvature.seconds > 0.0


@pytest.mark.parametrize("step", [0.0, 1e-9])
def test_what_drowns_in_rounding_is_not_known(step: float) -> None:
    model = nn.Linear(2, 1, bias=False).double()
    curvature = Curvature(lambda: (model.weight**2).sum() + 1.0, model)
    assert math.isnan(float(curvature.after([model.weight])))
    curvature.before([model.weight])
    with torch.no_grad():
        model.weight += step
    assert math.isnan(float(curvature.after([model.weight])))


class Counting(nn.Module):
    """Draws from every generator, writes into one buffer, and makes another anew."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("last", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen += random.random() + float(np.random.rand())
        self.last = self.seen + torch.rand(())
        return self.body(inputs)


def trained(measure: Measure | None) -> tuple[list[Tensor], Any, Any]:
    """Return weights, buffers and slots, random states, and the watcher."""
    random.seed(1)
    np.random.seed(1)
    model = Counting()
    optimizer = AdamW(model.parameters(), lr=1e-2)
    step = 0
    if measure is not None:
        measure = Measure(gradients_every=4, curvature=lambda: loss_of(model, step))
    with quiet(optimizer, model=model, measure=measure) as w:
        for step in range(40):
            loss = loss_of(model, step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.observe(loss)
    slots = [value for state in optimizer.state.values() for value in state.values()]
    states = torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())
    return [*weights(model), *slots], states, w


def test_a_run_is_bit_for_bit_the_same_with_and_without_it() -> None:
    plain, plain_states, _ = trained(None)
    measured, states, w = trained(Measure())
    assert same(plain, measured)
    assert plain_states == states
    assert w.notes == []
    assert w.extra[0] == 30
    assert "Measuring curvature took 30 forward passes more, " in w.summary()


def test_detectors_see_it() -> None:
    model = nn.Linear(4, 1, bias=False).double()
    optimizer = SGD(model.parameters(), lr=0.05)
    seen = []
    measure = Measure(gradients_every=4, curvature=lambda: 3.0 * (model.weight**2).sum())
    with quiet(optimizer, model=model, measure=measure) as w:
        look = w._feed.judge._block
        w._feed.judge._block = lambda rows: seen.append(look(rows)) or seen[-1]  # type: ignore
        for _ in range(8):
            optimizer.zero_grad()
            loss = 3.0 * (model.weight**2).sum()
            loss.backward()
            optimizer.step()
            w.observe(loss)
    curvatures = {sample.step: sample.curvature for sample in seen[0].samples}
    assert sorted(curvatures) == [0, 1, 4, 5]
    assert math.isnan(curvatures[0])
    assert curvatures[1] == pytest.approx(6.0, rel=1e-6)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_loss_that_fails_is_noted_once_and_asked_no_more(at: int) -> None:
    ends = []
    for watched in (False, True):
        model = network()
        optimizer = SGD(model.parameters(), lr=0.1)
        calls = []

        def failing(model: nn.Module = model, calls: list[int] = calls) -> Tensor:
            calls.append(1)
            if len(calls) == at:
                raise RuntimeError("no batch is at hand")
            return loss_of(model)

        measure = Measure(gradients_every=4, curvature=failing) if watched else None
        with quiet(optimizer, model=model, measure=measure) as w:
            for step in range(40):
                loss = loss_of(model, step)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                w.observe(loss)
        ends.append(weights(model))
        assert w.step == 40
        assert len(calls) == (at if watched else 0)
    assert same(*ends)
    assert [note.text for note in w.notes] == ["RuntimeError: no batch is at hand"]
    assert w._feed.log.curves["gradient_norm"].points()


def test_what_cannot_be_asked() -> None:
    with pytest.raises(ConfigError, match=r"Measure\(curvature=\.\.\.\) must be a function .* got 3"):
        Measure(curvature=3)  # type: ignore[arg-type]
    measure = Measure(curvature=lambda: torch.zeros(()))
    with pytest.raises(ConfigError, match=r"watch\(model=\.\.\.\) must be the model .* got None"):
        quiet(SGD([nn.Parameter(torch.zeros(1))], lr=0.1), measure=measure)
