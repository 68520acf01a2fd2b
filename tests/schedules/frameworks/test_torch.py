import copy
import json
import math
import re
from collections.abc import Callable

import pytest
import torch
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import LRScheduler, SequentialLR, StepLR

from rightrate.errors import ConfigError
from rightrate.schedules import Constant, Cosine, Linear, Schedule
from rightrate.schedules.frameworks.torch import ScheduledLR

STEPS = 12
WARM = Cosine(peak=0.05, total_steps=STEPS - 2, warmup_steps=3)
"""Ends two steps before the loops below do, so that they see the rate that is held."""


def model() -> torch.nn.Linear:
    torch.manual_seed(3)
    return torch.nn.Linear(4, 1, dtype=torch.float64)


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    inputs = torch.randn(8, 4, dtype=torch.float64, generator=generator)
    return inputs, inputs.sum(dim=1, keepdim=True) ** 2


def adam(net: torch.nn.Linear) -> Optimizer:
    return Adam([{"params": [net.weight]}, {"params": [net.bias], "lr": 0.4}], lr=0.1)


def train(net: torch.nn.Module, optimizer: Optimizer, scheduler: LRScheduler, steps: range) -> list[float]:
    """Train a real model; return the first group's rate as it was at each optimizer step."""
    rates = []
    for step in steps:
        inputs, targets = batch(step)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(net(inputs), targets).backward()
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def small(lr: float | torch.Tensor = 1.0, *more: float) -> Optimizer:
    groups = [{"params": [torch.zeros(2, requires_grad=True)], "lr": rate} for rate in (lr, *more)]
    return SGD(groups, lr=0.1)


def test_the_loop_uses_the_rates_of_the_schedule() -> None:
    net = model()
    optimizer = adam(net)
    scheduler = WARM.torch(optimizer)
    assert isinstance(scheduler, LRScheduler)
    assert train(net, optimizer, scheduler, range(STEPS)) == [WARM(step) for step in range(STEPS)]


def test_the_update_is_the_rate_times_the_gradient() -> None:
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = SGD([weight], lr=123.0)
    scheduler = Linear(peak=0.5, total_steps=4).torch(optimizer)
    seen = []
    for _ in range(5):
        weight.grad = torch.ones_like(weight)
        before = weight.item()
        optimizer.step()
        scheduler.step()
        seen.append(before - weight.item())
    # Down from 0.5 in four steps, the last one held; the rate the optimizer was built with never counts.
    assert seen == pytest.approx([0.5, 0.375, 0.25, 0.125, 0.125], rel=1e-12)


def test_other_groups_keep_their_ratio() -> None:
    optimizer = small(0.1, 0.4, 0.0, 0.025)
    scheduler = Linear(peak=2.0, total_steps=4).torch(optimizer)
    optimizer.step()
    scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1.5, 6.0, 0.0, 0.375])
    assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]


def test_the_ratio_is_that_of_the_initial_rates() -> None:
    optimizer = small(0.1, 0.4)
    for group, rate in zip(optimizer.param_groups, (0.2, 0.2), strict=True):
        group.update(initial_lr=group["lr"], lr=rate)  # as an earlier scheduler leaves them
    Constant(peak=1.0, total_steps=4).torch(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [1.0, 4.0]


def test_a_first_rate_of_zero_is_fine_where_there_is_no_ratio() -> None:
    optimizer = small(0.0, 0.0)
    Constant(peak=0.3, total_steps=4).torch(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [0.3, 0.3]


def test_tensor_rates_are_written_in_place_and_stay_out_of_the_state() -> None:
    rate = torch.tensor(1.0)
    optimizer = small(rate)
    scheduler = Linear(peak=1.0, total_steps=4).torch(optimizer)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.75
    state = json.loads(json.dumps(scheduler.state_dict()))
    fresh = torch.tensor(1.0)
    again = Linear(peak=1.0, total_steps=4).torch(small(fresh))
    again.load_state_dict(state)
    assert fresh.item() == 0.75
    (last,) = again.get_last_lr()
    assert last == rate
    assert last is not fresh


def parts(optimizer: Optimizer, scheduler: LRScheduler) -> list[tuple[Callable[[dict], None], dict]]:
    saved = copy.deepcopy([optimizer.state_dict(), scheduler.state_dict()])
    return [(optimizer.load_state_dict, saved[0]), (scheduler.load_state_dict, saved[1])]


@pytest.mark.parametrize("stop", range(STEPS))
@pytest.mark.parametrize("order", ["optimizer first", "scheduler first", "scheduler made last"])
def test_resuming_at_any_step_equals_going_on(stop: int, order: str, tmp_path) -> None:
    whole = model()
    optimizer = adam(whole)
    whole_rates = train(whole, optimizer, WARM.torch(optimizer), range(STEPS))

    first = model()
    optimizer = adam(first)
    scheduler = WARM.torch(optimizer)
    rates = train(first, optimizer, scheduler, range(stop))
    torch.save([first.state_dict(), optimizer.state_dict(), scheduler.state_dict()], tmp_path / "saved.pt")
    weights, of_optimizer, of_scheduler = torch.load(tmp_path / "saved.pt", weights_only=True)

    second = model()
    second.load_state_dict(weights)
    optimizer = adam(second)
    if order == "scheduler made last":
        optimizer.load_state_dict(of_optimizer)
        scheduler = WARM.torch(optimizer)
        scheduler.load_state_dict(of_scheduler)
    elif order == "optimizer first":
        scheduler = WARM.torch(optimizer)
        optimizer.load_state_dict(of_optimizer)
        scheduler.load_state_dict(of_scheduler)
    else:
        scheduler = WARM.torch(optimizer)
        scheduler.load_state_dict(of_scheduler)
        optimizer.load_state_dict(of_optimizer)
    rates += train(second, optimizer, scheduler, range(stop, STEPS))
    assert rates == whole_rates
    for ours, theirs in zip(second.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_state_is_plain_data() -> None:
    scheduler = WARM.torch(small(0.1, 0.2))
    state = scheduler.state_dict()
    assert json.loads(json.dumps(state)) == state
    assert state == {"last_epoch": 0, "ratios": [1.0, 2.0], "schedule": repr(WARM)}
    state["ratios"].append(3.0)
    assert scheduler.state_dict()["ratios"] == [1.0, 2.0]


def test_ratios_come_back_from_the_state() -> None:
    saved = WARM.torch(small(0.1, 0.2)).state_dict()
    optimizer = small(0.1, 0.7)
    WARM.torch(optimizer).load_state_dict(saved)
    assert [group["lr"] for group in optimizer.param_groups] == [WARM(0), 2.0 * WARM(0)]


def test_going_on_with_another_schedule() -> None:
    optimizer = small()
    scheduler = ScheduledLR(optimizer, WARM, last_epoch=4)
    assert optimizer.param_groups[0]["lr"] == WARM(5)
    assert scheduler.state_dict()["last_epoch"] == 5
    scheduler = ScheduledLR(small(0.1, 0.2), WARM, last_epoch=0)
    assert scheduler.get_last_lr() == [WARM(1), 2.0 * WARM(1)]


def test_a_resumed_run_may_skip_its_first_update() -> None:
    """As loss scaling does; torch warns of it at the start of a run only."""
    saved = WARM.torch(small()).state_dict() | {"last_epoch": 3}
    scheduler = WARM.torch(small())
    scheduler.load_state_dict(saved)
    scheduler.step()
    assert scheduler.get_last_lr() == [WARM(4)]
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        WARM.torch(small()).step()


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
def test_a_step_that_is_named_is_taken() -> None:
    optimizer = small()
    scheduler = WARM.torch(optimizer)
    optimizer.step()
    scheduler.step(7)
    assert scheduler.get_last_lr() == [WARM(7)]


def test_it_is_a_part_of_torchs_own_sequence() -> None:
    optimizer = small(0.1)
    first = StepLR(optimizer, step_size=100)
    sequence = SequentialLR(optimizer, [first, WARM.torch(optimizer)], milestones=[2])
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        sequence.step()
    assert rates[2:] == [WARM(0), WARM(1)]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WARM.torch(small(0.0, 0.1)), r"the first group's lr must be > 0, got \[0\.0, 0\.1\]\. The"),
        (lambda: WARM.torch(None), r"\(optimizer=\.\.\.\) must be a torch\.optim\.Optimizer, got None\."),
        (lambda: ScheduledLR(small(), 0.1), r"\(schedule=\.\.\.\) must be a Schedule, got 0\.1\."),
        (lambda: ScheduledLR(small(), WARM, -2), r"\(last_epoch=\.\.\.\) must be an integer >= -1, got -2\."),
    ],
)
def test_what_cannot_be_scheduled_is_refused(build: Callable[[], Schedule], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"schedule": "Linear()"},
            r"of the same schedule, got 'Linear\(\)'\. Its schedule is Cosine\(peak=0",
        ),
        (
            {"schedule": "", "last_epoch": 7},
            r"of the same schedule, got ''.* pass last_epoch=6 to ScheduledLR in place of loading a state\.$",
        ),
        ({"ratios": [1.0]}, r"of 2 parameter groups, got \[1\.0\]\."),
        (
            {"base_lrs": [1.0]},
            r"a dict of \['last_epoch', .* got \['base_lrs', 'last_epoch', .* Load",
        ),
    ],
)
def test_another_state_is_refused(change: dict, message: str) -> None:
    scheduler = WARM.torch(small(0.1, 0.2))
    optimizer = scheduler.optimizer
    with pytest.raises(ConfigError, match=r"^ScheduledLR\.load_state_dict\(state_dict\) must be " + message):
        scheduler.load_state_dict(scheduler.state_dict() | change)
    assert [group["lr"] for group in optimizer.param_groups] == [WARM(0), 2.0 * WARM(0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_epoch": -5}, r": last_epoch must be an integer >= 0, got -5\."),
        ({"ratios": [1.0, math.nan]}, r": a ratio must be a finite number >= 0, got nan\."),
    ],
)
def test_a_damaged_state_is_refused(change: dict, message: str) -> None:
    scheduler = WARM.torch(small(0.1, 0.2))
    with pytest.raises(ConfigError, match=r"^ScheduledLR\.load_state_dict\(state_dict\)" + message):
        scheduler.load_state_dict(scheduler.state_dict() | change)
    with pytest.raises(ConfigError, match=r"must be a dict of \['last_epoch', .*, got None\. Load"):
        scheduler.load_state_dict(None)


def test_a_group_that_is_added_later_needs_a_scheduler_that_knows_it() -> None:
    optimizer = small(0.1, 0.2)
    scheduler = WARM.torch(optimizer)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)], "lr": 0.05})
    optimizer.step()
    message = r"of 2 parameter groups, as .*, got '3 groups'\. Make it anew: .*, last_epoch=4\)\.$"
    with pytest.raises(ConfigError, match=message):
        scheduler.step()
    anew = ScheduledLR(optimizer, WARM, last_epoch=4)
    assert anew.get_last_lr() == [WARM(5), 2.0 * WARM(5), 0.5 * WARM(5)]


@pytest.mark.parametrize(
    "field", [{"peak": 0.06}, {"total_steps": 11}, {"warmup_steps": 2}, {"floor": 0.1}], ids=str
)
def test_a_schedule_with_any_other_field_is_another_one(field: dict) -> None:
    other = Cosine(**{"peak": 0.05, "total_steps": 10, "warmup_steps": 3, **field})
    with pytest.raises(ConfigError, match=re.escape(f"got {repr(repr(WARM))[:40]}")):
        other.torch(small()).load_state_dict(WARM.torch(small()).state_dict())
