"""The path compiled code takes, with code that is not compiled: fast, over every optimizer and setting."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.models import CATALOGUE_RATES, assert_same, rates, serial_of, setup_of, stacked_of

from rightrate.optimizers.catalogue import names
from rightrate.optimizers.probe import UpdateRule
from rightrate.population import Kernel, Setup, prepare
from rightrate.population import kernel as kernel_module
from rightrate.population.members import Members
from rightrate.population.workspace import Workspace
from rightrate.tasks.task import Task, Training

STEPS = 12


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Leave functions as they are and note which of them are called."""
    called: list[str] = []

    def compiled(function: Callable[..., Any], *, fullgraph: bool) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            called.append(function.__name__)
            return function(*arguments)

        return noted

    monkeypatch.setattr(kernel_module, "compiled", compiled)
    return called


def hold(setup: Setup, size: int = 4, *, members: int = 4) -> None:
    """Train a kernel of `size` rows and separate models, drop a member, go on, and hold them equal."""
    peaks = CATALOGUE_RATES[:members]
    stacked = stacked_of(setup, members, kernel=Kernel(setup, setup.rule(), "A", size=size))
    serial = serial_of(setup, members)
    for start in (0, STEPS):
        table = rates(peaks, STEPS, start=start)
        np.testing.assert_allclose(stacked.advance(table), serial.advance(table), rtol=1e-9)
        assert_same(stacked, serial)
    kept = [2, 0, 1][: members - 1]
    stacked, serial = stacked.take(kept), serial.take(kept)
    table = rates([peaks[index] for index in kept], 4, start=2 * STEPS)
    np.testing.assert_allclose(stacked.advance(table), serial.advance(table), rtol=1e-9)
    assert_same(stacked, serial)


@pytest.mark.parametrize("optimizer", names())
def test_every_optimizer_takes_whole_steps(optimizer: str, calls: list[str]) -> None:
    hold(setup_of("mlp", optimizer))
    assert set(calls) == {"step"}
    assert len(calls) == 2 * STEPS + 4 - 1  # the first one is eager: it makes the optimizer's state


def test_fewer_members_than_rows(calls: list[str]) -> None:
    hold(setup_of("mlp", "adamw"), size=5, members=3)
    assert "step" in calls


@pytest.mark.parametrize("training", [{"accumulate": 2}, {"clip_norm": 0.1}, {"batch_size": 20}])
def test_settings(training: dict[str, Any], calls: list[str]) -> None:
    """Accumulated gradients are computed and applied apart; nothing else is."""
    hold(setup_of("cnn", "momentum", **training))
    assert set(calls) == ({"form_a", "update"} if "accumulate" in training else {"step"})


def test_batches_of_another_shape_are_not_for_compiled_code(calls: list[str]) -> None:
    """48 samples in batches of 20 by a loader that keeps the last: 20, 20, 8."""
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(48, 6, generator=generator, dtype=torch.float64)
    data = torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long())
    loader = torch.utils.data.DataLoader(data, batch_size=20, shuffle=True)
    task = Task(
        model=lambda: torch.nn.Linear(6, 2).double(),
        train=loader,
        valid=loader,
        loss=torch.nn.functional.cross_entropy,
        training=Training(device="cpu"),
    )
    hold(prepare(task, "adamw").setup(0))
    assert 0 < len(calls) < 2 * STEPS


class Counting(torch.optim.SGD):
    """Counts its steps in a Python number, which compiled code would take for a constant."""

    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                count = self.state[parameter].setdefault("count", 0)
                self.state[parameter]["count"] = count + 1
        return super().step(closure)


def test_counts_in_python_numbers_are_never_compiled(calls: list[str]) -> None:
    setup = setup_of("mlp", Counting)
    hold(setup)
    assert set(calls) == {"form_a"}


def test_what_is_traceable() -> None:
    delta = UpdateRule(kind="delta")

    def workspace(optimizer: Any, rule: UpdateRule = delta) -> Workspace:
        setup = setup_of("mlp", optimizer)
        members = Members.start(setup.program, setup.template().names, 2)
        return Workspace(setup, rule, members, fixed=True)

    assert workspace("sgd").traceable
    assert not workspace("sgd", UpdateRule(kind="scaled")).traceable
    assert not workspace(Counting).traceable


def test_overwriting_keeps_tensors_and_precision() -> None:
    setup = setup_of("mlp", "adamw")
    stacked = stacked_of(setup, 3)
    stacked.advance(rates((1e-3, 1e-2, 0.1), 3))
    small = stacked.members
    large = small.padded(5)
    assert large.alive.tolist() == [True, True, True, False, False]
    name = next(iter(small.params))
    assert large.slots[name]["step"].dtype == torch.float64
    before = dict(large.params)
    stacked.advance(rates((1e-3, 1e-2, 0.1), 2))
    newer = stacked.members
    newer.alive[1] = False
    large.alive[:] = True
    large.overwrite(newer)
    assert all(large.params[key] is value for key, value in before.items())
    assert torch.equal(large.params[name][:3], newer.params[name])
    assert large.alive.tolist() == [True, False, True, False, False]
    assert (float(large.slots[name]["step"]), large.slots[name]["step"].dtype) == (5.0, torch.float64)
    small.overwrite(large)
    assert (float(small.slots[name]["step"]), small.slots[name]["step"].dtype) == (5.0, torch.float32)
    assert torch.equal(small.params[name], newer.params[name])
