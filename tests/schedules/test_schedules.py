import math
import pickle
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, LRScheduler

from rightrate.errors import ConfigError
from rightrate.schedules import (
    Constant,
    Cosine,
    ExponentialWarmup,
    Linear,
    Piecewise,
    Schedule,
    scaled,
    sequence,
)
from rightrate.testing import check_schedule

KINDS = (Constant, Linear, Cosine)
WARM = {"peak": 0.8, "total_steps": 7, "warmup_steps": 3}


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        # The warm-up is peak * (i + 1) / (3 + 1): a quarter, a half, three quarters, then the peak.
        (Constant(**WARM), [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8]),
        # Four steps down: 1, 3/4, 1/2, 1/4 of the peak; 0 would come at step 7, and the last rate is held.
        (Linear(**WARM), [0.2, 0.4, 0.6, 0.8, 0.6, 0.4, 0.2, 0.2]),
        (Linear(**WARM, floor=0.5), [0.2, 0.4, 0.6, 0.8, 0.7, 0.6, 0.5, 0.5]),
        # (1 + cos(k pi / 4)) / 2 for k = 0 .. 3: 1, (2 + sqrt 2) / 4, 1/2, (2 - sqrt 2) / 4.
        (
            Cosine(**WARM),
            [0.2, 0.4, 0.6, 0.8, 0.2 * (2 + 2**0.5), 0.4, 0.2 * (2 - 2**0.5), 0.2 * (2 - 2**0.5)],
        ),
        (Cosine(peak=2.0, total_steps=3, floor=0.25), [2.0, 1.625, 0.875, 0.875]),
        (Constant(total_steps=1), [1.0, 1.0]),
        (Linear(total_steps=1), [1.0, 1.0]),
        (Cosine(total_steps=1), [1.0, 1.0]),
    ],
)
def test_values_by_hand(schedule: Schedule, rates: list[float]) -> None:
    np.testing.assert_allclose(schedule(np.arange(len(rates))), rates, rtol=1e-12)


def rates_of_torch(
    build: Callable[[torch.optim.Optimizer], LRScheduler], steps: int, peak: float
) -> list[float]:
    """Return the rates a real optimizer uses while `build(optimizer)` steps beside it."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=peak)
    scheduler = build(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("floor", [0.0, 0.1, 1.0])
def test_cosine_equals_torch(floor: float) -> None:
    ours = Cosine(peak=0.3, total_steps=57, floor=floor)
    theirs = rates_of_torch(lambda opt: CosineAnnealingLR(opt, T_max=57, eta_min=0.3 * floor), 57, 0.3)
    np.testing.assert_allclose(ours(np.arange(57)), theirs, rtol=1e-9)  # torch's is a recurrence


@pytest.mark.parametrize("floor", [0.0, 0.1, 1.0])
def test_linear_equals_torch(floor: float) -> None:
    ours = Linear(peak=0.3, total_steps=57, floor=floor)
    theirs = rates_of_torch(lambda opt: LinearLR(opt, 1.0, floor, total_iters=57), 57, 0.3)
    np.testing.assert_allclose(ours(np.arange(57)), theirs, rtol=1e-9)  # torch's is a recurrence


@pytest.mark.parametrize("schedule", [kind(total_steps=40, warmup_steps=9) for kind in KINDS], ids=repr)
def test_every_shape_drives_a_torch_scheduler(schedule: Schedule) -> None:
    theirs = rates_of_torch(lambda opt: LambdaLR(opt, schedule), 50, 0.3)
    np.testing.assert_allclose((schedule * 0.3)(np.arange(50)), theirs, rtol=1e-12)


def test_linear_with_warmup_equals_torch_in_sequence() -> None:
    def build(optimizer: torch.optim.Optimizer) -> LRScheduler:
        warmup = LinearLR(optimizer, start_factor=1 / 5, total_iters=4)
        decay = LambdaLR(optimizer, lambda step: 1 - step / 16)
        return torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[4])

    theirs = rates_of_torch(build, 20, 0.3)
    ours = Linear(peak=0.3, total_steps=20, warmup_steps=4)
    np.testing.assert_allclose(ours(np.arange(20)), theirs, rtol=1e-12)


def test_a_schedule_is_a_value() -> None:
    schedule = Cosine(**WARM)
    assert schedule == Cosine(**WARM)
    assert len({schedule, Cosine(**WARM), Linear(**WARM)}) == 2
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert repr(schedule) == "Cosine(peak=0.8, total_steps=7, warmup_steps=3, floor=0.0)"
    with pytest.raises(FrozenInstanceError, match="peak"):
        schedule.peak = 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_other_libraries_are_taken(kind: type[Schedule]) -> None:
    schedule = kind(peak=np.float32(0.5), total_steps=np.int64(10), warmup_steps=np.int32(2))
    assert schedule == kind(peak=0.5, total_steps=10, warmup_steps=2)
    assert type(schedule.peak) is float
    assert schedule(np.int64(2)) == 0.5
    assert schedule(np.empty(0)).shape == (0,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peak": 0.0}, r"\(peak=\.\.\.\) must be a finite number > 0, got 0\.0\."),
        ({"peak": -1}, r"\(peak=\.\.\.\) must be a finite number > 0, got -1\."),
        ({"peak": math.nan}, r"\(peak=\.\.\.\) must be a finite number > 0, got nan\."),
        ({"peak": math.inf}, r"\(peak=\.\.\.\) must be a finite number > 0, got inf\."),
        ({"peak": "0.1"}, r"\(peak=\.\.\.\) must be a finite number > 0, got '0\.1'\."),
        ({"total_steps": 0}, r"\(total_steps=\.\.\.\) must be an integer >= 1, got 0\. Count optimizer"),
        ({"total_steps": 2.0}, r"\(total_steps=\.\.\.\) must be an integer >= 1, got 2\.0\."),
        ({"warmup_steps": -1}, r"\(warmup_steps=\.\.\.\) must be an integer >= 0, got -1\."),
        ({"warmup_steps": 7}, r"\(warmup_steps=\.\.\.\) must be less than total_steps=7, got 7\. The warm"),
    ],
)
def test_bad_fields_are_refused(kind: type[Schedule], changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{kind.__name__}{message}"):
        kind(**{"total_steps": 7, **changes})


@pytest.mark.parametrize("kind", [Cosine, Linear])
@pytest.mark.parametrize("floor", [-0.1, 1.1, math.nan, None])
def test_bad_floor_is_refused(kind: type[Schedule], floor: object) -> None:
    message = rf"^{kind.__name__}\(floor=\.\.\.\) must be a finite number in \[0, 1\], got {floor}\.$"
    with pytest.raises(ConfigError, match=message):
        kind(total_steps=7, floor=floor)


@pytest.mark.parametrize("step", [-1, -0.5, math.nan, -math.inf, np.array([3, -1]), np.array([3, math.nan])])
def test_steps_before_the_start_are_refused(step: object) -> None:
    with pytest.raises(ConfigError, match=r"^Linear\(step\) must be a number >= 0 .*, got .*(-|nan)"):
        Linear(total_steps=7)(step)


@pytest.mark.parametrize(
    "step", ["3", None, True, 1j, np.array(["a"]), np.array([None]), [[1], [2, 3]], np.datetime64("2020")]
)
def test_what_is_no_step_is_refused(step: object) -> None:
    message = (
        rf"^Linear\(step\) must be a number >= 0 or an array of numbers >= 0, got {re.escape(repr(step))}"
    )
    with pytest.raises(ConfigError, match=message):
        Linear(total_steps=7)(step)


def test_a_traced_step_names_the_way() -> None:
    jax = pytest.importorskip("jax")
    message = (
        r"^Linear\(step\) must be .*, got JitTracer.*\. In compiled code use schedule\.optax\(\) or sche"
    )
    with pytest.raises(ConfigError, match=message):
        jax.jit(Linear(total_steps=7))(3)


def test_steps_of_any_kind_and_size():
    schedule = Linear(peak=1.0, total_steps=4)
    steps = (2, 2.0, np.uint8(2), np.float32(2), torch.tensor(2), np.array(2))
    assert {schedule(step) for step in steps} == {0.5}
    assert [type(schedule(step)) for step in steps] == [float] * 6
    np.testing.assert_array_equal(schedule([[0, 1], [2, 3]]), [[1.0, 0.75], [0.5, 0.25]])
    assert [schedule(step) for step in (2**63, 10**400, 1e308, math.inf)] == [0.25] * 4
    with pytest.raises(
        ConfigError, match=r"^Linear\(step\) must be .*, got tensor\(2\., requires_grad=True\)"
    ):
        schedule(torch.tensor(2.0, requires_grad=True))


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, "2", None, True, 2**2000, np.array([1.0, 2.0])])
def test_bad_factor_is_refused(factor: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Cosine \* factor must be a finite number > 0, got"):
        Cosine(total_steps=7) * factor
    with pytest.raises(ConfigError, match=r"^Cosine \* factor must be a finite number > 0, got"):
        factor * Cosine(total_steps=7)


def test_factors_of_other_libraries_keep_double_precision():
    single = np.float32(0.1)
    shapes = [
        Cosine(total_steps=7),
        Piecewise(until=(1, 2), values=(0.3, 0.7)),
        scaled(Cosine(total_steps=7), 0.3),
    ]
    for shape in shapes:
        assert shape * single == single * shape == shape * float(single)


def test_one_after_the_other_by_hand():
    both = Constant(peak=0.1, total_steps=3) + Linear(peak=0.2, total_steps=4)
    assert list(both(np.arange(9))) == pytest.approx([0.1, 0.1, 0.1, 0.2, 0.15, 0.1, 0.05, 0.05, 0.05])
    assert (both.peak, both.total_steps, both.marks()) == (0.2, 7, (0, 2, 3, 6))
    assert list((both * 10)(np.array([0, 3]))) == pytest.approx([1.0, 2.0])
    check_schedule(both)


def test_a_sequence_of_sequences_is_laid_open():
    parts = [Constant(peak=peak, total_steps=2) for peak in (1.0, 0.5, 0.25)]
    assert (parts[0] + parts[1]) + parts[2] == parts[0] + (parts[1] + parts[2]) == sequence(*parts)
    with pytest.raises(ConfigError, match=r"Sequence\(parts=...\) must be a tuple of schedules, got \(\)"):
        sequence()


def test_one_step_alone_is_rounded_as_in_an_array():
    schedule = ExponentialWarmup(total_steps=2, start=0.9999999999999999)
    assert schedule(1) == schedule(np.array([1]))[0]
