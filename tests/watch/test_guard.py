"""When a run is lost, by its losses alone."""

import math

import numpy as np
import pytest

from rightrate.watch.guard import Guard
from rightrate.watch.mender import Order
from rightrate.watch.rows import Row


def orders(losses: list[float], chance_loss: float | None = None) -> list[Order | None]:
    guard = Guard(chance_loss)
    blocks = [
        [(Row(step, (0.1,)), losses[step]) for step in range(start, min(start + 32, len(losses)))]
        for start in range(0, len(losses), 32)
    ]
    return [guard.look(block) for block in blocks]


def test_a_loss_that_is_not_finite() -> None:
    order = orders([1.0] * 7 + [math.nan])[0]
    assert order == Order(kind="rollback", reason="the loss is not finite", since=7)


def test_what_blew_up_and_came_to_rest_at_chance() -> None:
    found = orders([2.0] + [50.0] * 31 + [2.0] * 96)
    assert found[:1] == [None]
    assert found[1] is not None
    assert found[1].reason == "the loss is 2 and does not come down from 2, where the run began"
    assert found[1].since == 0


def test_what_had_learned_and_lost_it_again() -> None:
    found = orders([2.0] * 32 + [1.0] * 64 + [2.0] * 64)
    assert found[:4] == [None] * 4
    assert found[4] is not None
    assert found[4].reason == "the loss is back at 2, where it began, after 1"


@pytest.mark.parametrize(
    "losses",
    [
        [2.0 + 0.1 * (step % 3) for step in range(640)],  # a rate that is too low
        [2.0] + [20.0] * 31 + [1.0] * 64,  # a spike at the start
        [-1.0 - 0.01 * step for step in range(128)],
        [2.0] * 32 + [1.0] * 64 + [1.8] * 96,
    ],
)
def test_what_is_not_lost(losses: list[float]) -> None:
    assert set(orders(losses)) == {None}


def test_the_level_is_the_chance_loss_where_it_is_known() -> None:
    losses = [3.0] + [9.0] * 31 + [2.3] * 64
    assert set(orders(losses)) == {None}
    assert orders(losses, chance_loss=2.3)[2] is not None


def test_a_run_that_begins_above_chance_and_comes_down_to_it_is_not_lost() -> None:
    assert set(orders([9.0] * 32 + [2.3] * 64, chance_loss=2.3)) == {None}


def test_after_a_roll_back_it_has_to_come_below_the_level() -> None:
    guard = Guard(2.0)
    guard.again()
    other = Guard(None)
    other.load_state_dict(guard.state_dict())
    other.again()
    block = [(Row(step, (0.1,)), 2.0) for step in range(32)]
    for one in (guard, other):
        assert one.look(block) is None
        assert one.look(block) is not None


def test_an_easy_first_batch_is_no_level() -> None:
    noise = np.random.default_rng(0).exponential(0.07, 640)
    assert set(orders([0.01, *noise])) == {None}


def test_losses_of_several_optimizers_need_not_fall() -> None:
    guard = Guard(None, adversarial=True)
    lost = [(Row(step, (0.1,)), 2.0 if step == 0 else 50.0) for step in range(32)]
    assert [guard.look(lost) for _ in range(4)] == [None] * 4
    order = guard.look([(Row(200, (0.1,)), math.inf)])
    assert order == Order(kind="rollback", reason="the loss is not finite", since=200)
