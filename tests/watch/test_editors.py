"""Who changed the rate: a scheduler by its class, or other code."""

import pytest
import torch
from torch.optim import SGD, Optimizer, lr_scheduler

from rightrate.watch.editors import Editors
from rightrate.watch.schedulers import schedulers_of
from tests.watch.loops import quiet
from tests.watch.test_rates import SCHEDULERS


def stepped(optimizer: Optimizer) -> None:
    optimizer.param_groups[0]["params"][0].grad = torch.zeros(1)
    optimizer.step()


def fresh() -> SGD:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_is_found_without_being_named(name: str) -> None:
    optimizer = fresh()
    scheduler = SCHEDULERS[name](optimizer)
    assert schedulers_of(optimizer) == [scheduler]
    with quiet(optimizer) as w:
        for _ in range(12):
            stepped(optimizer)
            scheduler.step(1.0) if name == "ReduceLROnPlateau" else scheduler.step()
            w.observe(1.0)
    assert [edit.who for edit in w.edits] == [name]
    assert not w.notes


def test_other_code_is_told_from_the_scheduler_even_in_between() -> None:
    optimizer = fresh()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    with quiet(optimizer) as w:
        for step in range(6):
            stepped(optimizer)
            scheduler.step()
            if step == 3:
                optimizer.param_groups[0]["lr"] = 0.7
            w.observe(1.0)
    told = [(edit.step, edit.who, edit.after) for edit in w.edits]
    assert told == [
        (1, "ExponentialLR", pytest.approx(0.05)),
        (4, "other code", 0.7),
        (5, "ExponentialLR", pytest.approx(0.35)),
    ]


def test_without_a_scheduler_it_is_other_code() -> None:
    optimizer = fresh()
    with quiet(optimizer) as w:
        for step in range(3):
            optimizer.param_groups[0]["lr"] = 0.1 * (step + 1)
            stepped(optimizer)
            w.observe(1.0)
    assert [(edit.step, edit.who) for edit in w.edits] == [(1, "other code"), (2, "other code")]
    assert w.edits[0].before == pytest.approx(0.1)


def test_rates_that_were_put_back_are_nobodys_edit() -> None:
    optimizer, editors = fresh(), Editors()
    editors.after_step(optimizer, (0.5,))
    assert editors.before_step(optimizer, (0.1,), 1) is not None
    editors.after_step(optimizer, (0.1,))
    editors.forget()
    assert editors.before_step(optimizer, (0.5,), 2) is None
    assert len(editors.edits) == 1


def test_of_two_schedulers_the_one_that_set_the_rate_is_named() -> None:
    optimizer = fresh()
    one = lr_scheduler.LinearLR(optimizer, total_iters=50)
    other = lr_scheduler.ExponentialLR(optimizer, 0.9)
    with quiet(optimizer) as w:
        for _ in range(20):
            stepped(optimizer)
            w.observe(1.0)
            one.step()
            other.step()
    assert {edit.who for edit in w.edits} == {"ExponentialLR"}
