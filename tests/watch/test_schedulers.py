"""Torch's schedulers: how they are found, and what they tell."""

import functools
import gc
import math
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from rightrate.schedules import Cosine
from rightrate.schedules.frameworks.torch import ScheduledLR
from rightrate.watch.schedulers import (
    Teller,
    length_of,
    scaler_lives,
    schedulers_of,
    strangers_of,
    teller_for,
)
from tests.watch.loops import quiet
from tests.watch.test_rates import SCHEDULERS


def fresh() -> SGD:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


def linear(step: int, *, num_training_steps: int) -> float:
    return max(0.0, 1.0 - step / num_training_steps)


LENGTHS: dict[str, tuple[Callable[[Any], Any], int | None]] = {
    "cosine": (lambda o: lr_scheduler.CosineAnnealingLR(o, 30), 30),
    "one cycle": (lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=40), 40),
    "polynomial": (lambda o: lr_scheduler.PolynomialLR(o, 50), 50),
    "ours": (lambda o: ScheduledLR(o, Cosine(peak=0.1, total_steps=60)), 60),
    "ours as a function": (lambda o: lr_scheduler.LambdaLR(o, Cosine(peak=0.1, total_steps=60)), 60),
    "partial": (
        lambda o: lr_scheduler.LambdaLR(o, functools.partial(linear, num_training_steps=70)),
        70,
    ),
    "function": (lambda o: lr_scheduler.LambdaLR(o, lambda step: 1.0), None),
    "sequence": (
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o, 0.1, 1.0, 5), lr_scheduler.CosineAnnealingLR(o, 30)], [5]
        ),
        35,
    ),
    "sequence without an end": (
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.CosineAnnealingLR(o, 30), lr_scheduler.ExponentialLR(o, 0.9)], [5]
        ),
        None,
    ),
    "chain": (
        lambda o: lr_scheduler.ChainedScheduler(
            [lr_scheduler.LinearLR(o, 0.1, 1.0, 5), lr_scheduler.CosineAnnealingLR(o, 30)], o
        ),
        30,
    ),
    "steps": (lambda o: lr_scheduler.StepLR(o, 30), None),
    "plateau": (lambda o: lr_scheduler.ReduceLROnPlateau(o), None),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_how_long_a_scheduler_was_made_for(name: str) -> None:
    build, length = LENGTHS[name]
    assert length_of(build(fresh())) == length


@pytest.mark.parametrize("name", SCHEDULERS)
def test_rates_and_counts_are_told_without_being_asked_for(name: str) -> None:
    optimizer = fresh()
    scheduler = SCHEDULERS[name](optimizer)
    weight = optimizer.param_groups[0]["params"][0]
    rows = []
    with quiet(optimizer) as w:
        look = w._feed.judge._block
        w._feed.judge._block = lambda block: rows.append(look(block)) or rows[-1]  # type: ignore
        for _ in range(12):
            weight.grad = torch.zeros(1)
            optimizer.step()
            scheduler.step(1.0) if name == "ReduceLROnPlateau" else scheduler.step()
            w.observe(1.0)
    assert not w.notes
    (block,) = rows
    if name == "ReduceLROnPlateau":  # it leaves no sign on the optimizer, and is found when it first cuts
        assert block.rates.told == ()
    else:
        assert block.rates.told == tuple(rates[0] for rates in block.rates.applied)
        assert block.rates.scheduler_steps == tuple(range(12))
        assert block.rates.scheduler_start == 0


def test_the_multiplier_is_part_of_what_is_told() -> None:
    optimizer = fresh()
    scheduler = lr_scheduler.ConstantLR(optimizer, 1.0)
    rows = []
    with quiet(optimizer, mode="act") as w:
        take = w._feed.take
        w._feed.take = lambda taken: (rows.extend(row for row, _ in taken), take(taken))  # type: ignore
        w._rates.multiplier = 0.5
        optimizer.step()
        w.observe(1.0)
    assert scheduler.get_last_lr() == [0.1]
    assert [(row.told, row.rates) for row in rows] == [(0.05, (0.05,))]


def test_strangers_are_schedulers_of_the_same_tensors() -> None:
    optimizer = fresh()
    former = SGD(optimizer.param_groups[0]["params"], lr=0.1)
    stranger = lr_scheduler.StepLR(former, 3)
    own, other = lr_scheduler.StepLR(optimizer, 3), lr_scheduler.StepLR(fresh(), 3)
    assert strangers_of(optimizer, sys._getframe()) == [stranger]
    assert schedulers_of(optimizer) == [own]
    assert other.last_epoch == 0


class Trainer:
    """Holds what it trains with."""

    def __init__(self) -> None:
        self.optimizer = fresh()
        self.scheduler = lr_scheduler.StepLR(SGD(self.optimizer.param_groups[0]["params"], lr=0.1), 3)

    def found(self) -> list[Any]:
        return strangers_of(self.optimizer, sys._getframe())


def test_strangers_may_be_attributes_of_self() -> None:
    trainer = Trainer()
    assert trainer.found() == [trainer.scheduler]


def test_a_stranger_is_silent_until_it_is_stepped() -> None:
    optimizer = fresh()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    teller = Teller(scheduler, stranger=True)
    assert math.isnan(teller.now()[0])
    optimizer.step()
    scheduler.step()
    assert teller.now() == (0.05, 1)


def test_who_tells_the_rate() -> None:
    optimizer = fresh()
    one, two = lr_scheduler.ConstantLR(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.9)
    other = lr_scheduler.StepLR(fresh(), 3)
    assert teller_for(optimizer, [one, two], []) is None
    assert teller_for(optimizer, [], [one, two]) is None
    assert teller_for(optimizer, [other], []) is None
    for own, strangers in (([one, other], [two]), ([], [one])):
        teller = teller_for(optimizer, own, strangers)
        assert teller is not None
        assert teller._scheduler is one


def test_a_scheduler_that_fails_is_asked_no_more() -> None:
    optimizer = fresh()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    with quiet(optimizer) as w:
        del scheduler._last_lr
        for _ in range(3):
            optimizer.step()
            w.observe(1.0)
    assert w.step == 3
    assert [note.place for note in w.notes] == ["what the scheduler says"]


@pytest.mark.parametrize("enabled", [False, True])
def test_steps_that_a_scaler_leaves_out_are_not_the_schedulers_fault(enabled: bool) -> None:
    gc.collect()
    assert not scaler_lives()
    optimizer = fresh()
    weight = optimizer.param_groups[0]["params"][0]
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.99)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0, enabled=enabled)
    optimizer._opt_called = True  # type: ignore[attr-defined]  # torch warns of the first step that is left out
    with quiet(optimizer) as w:
        for step in range(40):
            weight.grad = torch.full((1,), math.inf if step == 0 else 1.0)
            scaler.scale(torch.zeros(1))
            if step or enabled:
                scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            w.observe(1.0)
    assert [one.verdict for one in w.findings] == ([] if enabled else ["scheduler_misplaced"])
