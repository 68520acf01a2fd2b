"""What is known of a run besides its rows."""

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

from rightrate.watch import Measure
from rightrate.watch.around import Tensors, plain_steps, sample_of
from rightrate.watch.detector import Facts
from rightrate.watch.measure import Reading
from tests.watch.loops import network, quiet, train


def test_tensors_have_the_names_of_the_model() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model[0].bias.requires_grad_(False)
    optimizer = SGD([{"params": model[0].parameters()}, {"params": model[1].parameters()}], lr=0.1)
    named = Tensors(groups=(0, 1, 1), names=("0.weight", "1.weight", "1.bias"))
    assert Tensors.of(optimizer, model) == named
    assert Tensors.of(optimizer, None).names == ("tensor 0", "tensor 1", "tensor 2")


def test_a_sample_by_hand() -> None:
    alone = [9.0, 4.0, 0.8, 0.1, 16.0, 0.25]
    numbers = [*alone, 3.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.5, 0.0]
    tensors = Tensors(groups=(0, 0, 1, 2), names=("a", "b", "c", "d"))
    sample = sample_of(7, Reading.of(numbers), lambda: tensors)
    assert (sample.step, sample.measured.gradient_norm, sample.curvature) == (7, 5.0, 4.0)
    assert (sample.measured.update_norm, sample.measured.weight_norm) == (0.5, 9.0)
    assert (sample.measured.gradient_cosine, sample.measured.update_cosine) == (0.04, 0.4)
    assert (sample.measured.still_fraction, sample.measured.flat_fraction) == (0.75, 0.5)
    assert sample.still_groups == (0, 2)
    assert sample.flat_tensors == ("b", "c")


@pytest.mark.parametrize(
    ("optimizer", "plain"),
    [
        (lambda p: [SGD(p, lr=0.1, weight_decay=0.1)], True),
        (lambda p: [SGD(p, lr=0.1, momentum=0.9)], False),
        (lambda p: [SGD(p, lr=0.1, maximize=True)], False),
        (lambda p: [Adam(p, lr=0.1)], False),
        (lambda p: [SGD(p, lr=0.1), Adam(p, lr=0.1)], False),
        (lambda p: [], False),
    ],
)
def test_which_updates_are_minus_the_rate_times_the_gradient(optimizer: Any, plain: bool) -> None:
    assert plain_steps(optimizer([nn.Parameter(torch.zeros(1))])) is plain


def test_what_detectors_are_told() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    blocks: list[Any] = []
    with quiet(optimizer, model=model, full_batch=True, measure=Measure(gradients_every=8)) as w:
        look = w._feed.judge._block
        w._feed.judge._block = lambda rows: blocks.append(look(rows)) or blocks[-1]  # type: ignore
        train(model, optimizer, 40, w=w)
        optimizer.param_groups[0]["lr"] = 0.2
        train(model, optimizer, 40, w=w)
    assert {block.facts for block in blocks} == {Facts(full_batch=True, plain_steps=True)}
    assert [[edit.step for edit in block.rates.edits] for block in blocks] == [[], [40], []]
    assert [sample.step for sample in blocks[1].samples] == [32, 33, 40, 41, 48, 49, 56, 57]
    assert all(math.isnan(sample.curvature) for sample in blocks[1].samples)
    assert blocks[0].rates.told == blocks[0].rates.scheduler_steps == ()


def test_what_cannot_be_told_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, model=model) as w:
        monkeypatch.setattr(w._stepping, "editors", None)
        train(model, optimizer, 40, w=w, change=lambda step, loss: loss * (math.nan if step == 39 else 1.0))
    assert "what surrounds the steps" in {note.place for note in w.notes}
    assert "non_finite" in {finding.verdict for finding in w.findings}
