"""Rates that never reach the optimizer, or have no effect there."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim import SGD, AdamW, Optimizer, lr_scheduler

from rightrate.watch import Measure
from rightrate.watch.detectors.rate_not_applied import RateNotApplied
from tests.watch.detectors.parts import block, edit, found_in, parts, sample, told
from tests.watch.loops import network, quiet, train
from tests.watch.test_rates import SCHEDULERS

DETECTOR = RateNotApplied()


def seen(rates: list[float], counts: list[int] | None = None, **more: Any) -> Any:
    """Return a block in which the scheduler tells some rates and 0.1 is applied."""
    steps = range(len(rates))
    return block(steps, told=rates, scheduler_steps=list(steps) if counts is None else counts, **more)


def test_eight_observations_in_a_row_while_the_scheduler_steps() -> None:
    (finding,), _ = found_in(DETECTOR, [seen([0.1] * 3 + [0.05] * 10)])
    assert (finding.verdict, finding.since, finding.step) == ("rate_not_applied", 3, 10)
    assert finding.text == "The scheduler says that the rate is 0.05; the optimizer uses 0.1."
    assert finding.evidence == {"told": 0.05, "applied": 0.1, "scheduler_steps_since": 7.0}
    assert found_in(DETECTOR, [seen([0.1] + [0.05] * 7 + [0.1] * 9)])[0] == []
    assert told(found_in(DETECTOR, [seen([0.1] + [0.05] * 8 + [0.1] + [0.05] * 9)])[0]) == [
        ("rate_not_applied", 1),
        ("rate_not_applied", 10),
    ]


def test_a_scheduler_that_rests_counts_from_the_beginning_only() -> None:
    rests = [0] * 20
    (finding,), _ = found_in(DETECTOR, [seen([0.05] * 20, rests)])
    assert (finding.since, finding.confidence) == (0, 0.7)
    assert found_in(DETECTOR, [seen([0.1] + [0.05] * 19, rests)])[0] == []


def test_an_edit_explains_the_difference_and_nan_is_not_known() -> None:
    assert found_in(DETECTOR, [seen([0.1] * 4 + [0.05] * 16, edits=(edit(4, 0.05, 0.1),))])[0] == []
    assert found_in(DETECTOR, [seen([math.nan] * 20)])[0] == []
    assert found_in(DETECTOR, [seen([0.1005] * 20)])[0] == []


def samples(rate: list[float], update: list[float], gradient: float = 1.0) -> Any:
    steps = range(len(rate))
    found = [sample(step, update_norm=update[step], gradient_norm=gradient) for step in steps]
    return block(steps, samples=found, applied=tuple((lr,) for lr in rate))


def test_a_new_rate_without_effect() -> None:
    rate = [0.1] * 6 + [0.02] * 6
    (finding,), _ = found_in(DETECTOR, [samples(rate, [0.5] * 12)])
    assert (finding.since, finding.step) == (6, 9)
    assert finding.text == "The rate went from 0.1 to 0.02 by step 6; updates are as long as before."
    assert finding.evidence["update_ratio"] == 1.0
    assert found_in(DETECTOR, [samples(rate, [0.5] * 6 + [0.1] * 6)])[0] == []
    assert found_in(DETECTOR, [samples([0.1] * 6 + [0.05] * 6, [0.5] * 12)])[0] == []
    assert found_in(DETECTOR, [samples(rate, [0.5] * 12, gradient=math.nan)])[0] == []


@given(
    st.lists(st.sampled_from([0.1, 0.05, math.nan]), max_size=40),
    st.sets(st.integers(0, 40), max_size=2),
    st.lists(st.integers(0, 40), max_size=3),
)
def test_blocks_may_be_cut_anywhere(rates: Any, edited: Any, cuts: Any) -> None:
    edits = tuple(edit(step, 0.05, 0.1) for step in sorted(edited) if step < len(rates))
    whole = seen(rates, edits=edits)
    findings, _ = found_in(DETECTOR, [whole])
    assert found_in(DETECTOR, parts(whole, cuts))[0] == findings
    assert 0.05 in rates or not findings


def verdicts(w: Any) -> list[tuple[str, int]]:
    return [one for one in told(w.findings) if one[0] == "rate_not_applied"]


@pytest.mark.parametrize("anew", [False, True])
def test_an_optimizer_that_was_built_anew(anew: bool) -> None:
    model = network()
    optimizer: Optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.98)
    if anew:
        optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, model=model) as w:
        if anew:
            scheduler.optimizer.step()  # torch warns of schedulers whose optimizer never stepped
        train(model, optimizer, 40, w=w, scheduler=scheduler)
    assert verdicts(w) == ([("rate_not_applied", 1)] if anew else [])
    assert not w.notes


def test_a_scheduler_of_an_optimizer_that_is_done_is_nothing_to_find() -> None:
    model = network()
    former = SGD(model.parameters(), lr=0.1)
    scheduler = lr_scheduler.ExponentialLR(former, 0.98)
    optimizer = AdamW(model.parameters(), lr=1e-3)
    with quiet(optimizer, model=model) as w:
        train(model, optimizer, 40, w=w)
    assert scheduler.last_epoch == 0
    assert verdicts(w) == []


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_of_torch_are_applied(name: str) -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = SCHEDULERS[name](optimizer)
    step = (lambda: scheduler.step(1.0)) if name == "ReduceLROnPlateau" else scheduler.step
    with quiet(optimizer, model=model, mode="act", measure=Measure(gradients_every=2)) as w:
        w._rates.multiplier = 0.5
        for _ in range(24):
            train(model, optimizer, 1, w=w)
            step()
    assert verdicts(w) == []
    assert not w.notes


class Deaf(Optimizer):
    """Goes on with the rate it was built with."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})
        self.lr = lr

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for tensor in group["params"]:
                tensor -= self.lr * tensor.grad


@pytest.mark.parametrize("kind", [Deaf, SGD])
def test_an_optimizer_that_does_not_use_its_rate(kind: Any) -> None:
    weight = nn.Parameter(torch.ones(4))
    optimizer = kind([weight], lr=0.01)
    scheduler = lr_scheduler.StepLR(optimizer, 20)
    with quiet(optimizer, measure=Measure(gradients_every=8)) as w:
        for _ in range(48):
            weight.grad = torch.ones(4)
            optimizer.step()
            scheduler.step()
            w.observe(1.0)
    assert verdicts(w) == ([("rate_not_applied", 24)] if kind is Deaf else [])
