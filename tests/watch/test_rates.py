"""The watcher's multiplier: applied at every step, and seen by no scheduler."""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import SGD, AdamW, Optimizer, lr_scheduler

from rightrate.watch.rates import Rates
from tests.watch.loops import loss_of, network, quiet, train

STEPS = 24

SCHEDULERS: dict[str, Callable[[Optimizer], Any]] = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.9**step),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda step: 0.95),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [4, 9]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.3, 7),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, 0.2, 1.0, 10),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, 1.0, 5), lr_scheduler.ExponentialLR(o, 0.9)], [5]
    ),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o, 0.5, 4), lr_scheduler.ExponentialLR(o, 0.9)], o
    ),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=2),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 4, cycle_momentum=False),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 6),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=STEPS + 1),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, STEPS),
}


class Spy(SGD):
    """Writes down the rate that each step is taken with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.used: list[float] = []

    def step(self, closure: Any = None) -> Any:
        self.used.append(float(self.param_groups[0]["lr"]))
        return super().step(closure)


def test_every_scheduler_of_torch_is_here() -> None:
    assert set(SCHEDULERS) == {name for name in lr_scheduler.__all__ if name != "LRScheduler"}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_cut_survives_the_scheduler_which_never_sees_it(name: str) -> None:
    seen: dict[float, tuple[list[float], list[float]]] = {}
    for cut in (1.0, 0.25):
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = Spy([weight], lr=0.1)
        scheduler = SCHEDULERS[name](optimizer)
        between = []
        with quiet(optimizer, mode="act") as w:
            for step in range(STEPS):
                if step == 8:
                    w._rates.multiplier = cut
                weight.grad = torch.zeros(3)
                optimizer.step()
                if name == "ReduceLROnPlateau":
                    scheduler.step(1.0)
                else:
                    scheduler.step()
                between.append(float(optimizer.param_groups[0]["lr"]))
                w.observe(1.0)
        assert not w.notes
        seen[cut] = (between, optimizer.used)
    assert seen[0.25][0] == seen[1.0][0]
    expected = [lr * (1.0 if step < 8 else 0.25) for step, lr in enumerate(seen[1.0][1])]
    assert seen[0.25][1] == pytest.approx(expected, rel=1e-12)


def test_the_shown_rate_is_the_applied_one() -> None:
    model = network()
    optimizer = Spy(model.parameters(), lr=0.1)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9)
    with quiet(optimizer, mode="act") as w:
        w._rates.multiplier = 0.5
        train(model, optimizer, 40, w=w, scheduler=scheduler)
    curve = [point.mean for point in w._feed.log.curves["lr"].points()]
    assert curve == optimizer.used
    assert w.lr == optimizer.used[-1]


def test_a_rate_that_is_a_tensor_keeps_its_identity() -> None:
    lr = torch.tensor(0.1)
    weight = torch.ones(2, requires_grad=True)
    optimizer = AdamW([weight], lr=lr, capturable=False, foreach=False)
    rates = Rates()
    rates.multiplier = 0.5
    assert rates.apply(optimizer) == pytest.approx((0.05,))
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.05)
    rates.take_back(optimizer)
    assert optimizer.param_groups[0]["lr"] is lr
    assert float(lr) == pytest.approx(0.1)


def test_a_rate_that_the_step_itself_writes_is_kept() -> None:
    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=0.4)
    rates = Rates()
    rates.multiplier = 0.5
    rates.apply(optimizer)
    optimizer.param_groups[0]["lr"] *= 0.1  # 0.2 becomes 0.02, which is 0.04 without the multiplier
    rates.take_back(optimizer)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.04)


def test_a_rate_that_a_scheduler_sets_after_a_step_that_raised_is_kept() -> None:
    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=0.4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch)
    rates = Rates()
    rates.multiplier = 0.2
    rates.apply(optimizer)
    optimizer.step()
    scheduler.step()  # sets 0.36, whatever it finds
    assert rates.apply(optimizer) == pytest.approx((0.072,))
    rates.take_back(optimizer)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.36)


def test_a_step_that_raised_leaves_no_multiplier_behind() -> None:
    class Broken(SGD):
        def step(self, closure: Any = None) -> Any:
            raise RuntimeError("out of memory")

    optimizer = Broken([torch.ones(1, requires_grad=True)], lr=0.4)
    with quiet(optimizer, mode="act") as w:
        w._rates.multiplier = 0.5
        for _ in range(2):
            with pytest.raises(RuntimeError, match="out of memory"):
                optimizer.step()
            assert optimizer.param_groups[0]["lr"] == 0.2
    assert optimizer.param_groups[0]["lr"] == 0.4


def test_a_group_without_a_rate_has_none_to_show() -> None:
    optimizer = SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    optimizer.param_groups[0]["lr"] = None
    rates = Rates()
    rates.multiplier = 0.5
    assert str(rates.apply(optimizer)) == "(nan,)"
    rates.take_back(optimizer)
    assert optimizer.param_groups[0]["lr"] is None


def test_a_resumed_run_goes_on_with_the_multiplier() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with quiet(optimizer, mode="act") as first:
        first._rates.multiplier = 0.3
        train(model, optimizer, 10, w=first)
    state = copy.deepcopy(first.state_dict())
    again = Spy(model.parameters(), lr=0.1)
    second = quiet(again, mode="act")
    second.load_state_dict(state)
    with warnings.catch_warnings(), second:
        loss_of(model).backward()
        again.step()
        second.observe(1.0)
    assert again.used == [pytest.approx(0.03)]
    assert second.step == 11
