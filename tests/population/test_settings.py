"""What a user can set, in both engines: groups, decay, clipping, accumulation, precision, losses, batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.models import (
    Case,
    accuracy,
    assert_same,
    mlp,
    rates,
    serial_of,
    setup_of,
    stacked_of,
    vectors,
)
from torch import Tensor, nn

from rightrate.errors import EngineError
from rightrate.population import Setup, prepare
from rightrate.population.gradients import Form
from rightrate.tasks.task import Task, Training

TABLE = rates((1e-3, 3e-2, 0.3), 10)
FORMS: list[Form] = ["A", "B"]


def hold(setup: Setup, form: Form, *, decay: list[float] | None = None, rtol: float = 1e-9) -> np.ndarray:
    """Train both engines over the table, hold them equal, and return the losses."""
    stacked = stacked_of(setup, 3, form=form, weight_decay=decay)
    serial = serial_of(setup, 3, weight_decay=decay)
    expected = serial.advance(TABLE)
    np.testing.assert_allclose(stacked.advance(TABLE), expected, rtol=rtol)
    assert_same(stacked, serial, rtol=rtol, atol=1e-3 * rtol)
    return expected


def frozen_first() -> nn.Module:
    model = mlp()
    model[0].requires_grad_(False)
    return model


@pytest.mark.parametrize("form", FORMS)
def test_frozen_parameters_are_shared_and_stay(form: Form) -> None:
    setup = setup_of(Case(build=frozen_first), "adamw")
    before = setup.program.model[0].weight.clone()
    stacked = stacked_of(setup, 3, form=form)
    assert list(stacked.members.params) == ["model.2.weight", "model.2.bias"]
    hold(setup, form)
    assert torch.equal(setup.program.model[0].weight, before)


def in_groups(module: nn.Module) -> torch.optim.Optimizer:
    body, head = module[0].parameters(), module[2].parameters()
    groups = [{"params": body, "weight_decay": 0.2}, {"params": head, "lr": 0.03, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.1)


@pytest.mark.parametrize("form", FORMS)
def test_groups_keep_the_ratios_of_their_rates(form: Form) -> None:
    setup = setup_of("mlp", in_groups)
    hold(setup, form)
    assert setup.template().ratios == (1.0, pytest.approx(0.3))
    serial = serial_of(setup, 2)
    serial.advance(np.array([[0.5, 0.02]]))
    shown = [[group["lr"] for group in optimizer.param_groups] for optimizer in serial.optimizers()]
    np.testing.assert_allclose(shown, [[0.5, 0.15], [0.02, 0.006]], rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [("adamw", {"weight_decay": 0.3}), ("adam", {"weight_decay": 0.3}), ("momentum", {"weight_decay": 0.1})],
)
def test_weight_decay_coupled_and_decoupled(optimizer: str, options: dict[str, float], form: Form) -> None:
    decayed = hold(setup_of("mlp", optimizer, options=options), form)
    plain = hold(setup_of("mlp", optimizer, options={"weight_decay": 0.0}), form)
    assert not np.allclose(decayed[-1], plain[-1], rtol=1e-3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", ["adamw", "adam", "momentum", in_groups])
def test_a_weight_decay_for_each_member(optimizer: Any, form: Form) -> None:
    setup = setup_of("mlp", optimizer)
    decays = [0.0, 0.3, 0.01]
    hold(setup, form, decay=decays)
    # Copied by `take`: the second and first member in that order, against members built so.
    stacked = stacked_of(setup, 3, form=form, weight_decay=decays).take([1, 0])
    serial = serial_of(setup, 2, weight_decay=[0.3, 0.0])
    np.testing.assert_allclose(stacked.advance(TABLE[:, :2]), serial.advance(TABLE[:, :2]), rtol=1e-9)
    assert_same(stacked, serial)


def test_a_weight_decay_for_each_member_needs_a_rule_that_can() -> None:
    def rising(params: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1, maximize=True)

    setup = setup_of("mlp", rising)
    assert setup.rule(decayed=True).kind == "scaled"
    with pytest.raises(EngineError, match=r"weight_decay=\.\.\.\) must be None where .*kind='scaled'"):
        stacked_of(setup, 2, weight_decay=[0.0, 0.1]).advance(TABLE[:, :2])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_maximizing_optimizers_take_the_scaled_rule(decay: float, form: Form) -> None:
    def rising(params: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=decay, maximize=True)

    def fall(output: Tensor, target: Tensor) -> Tensor:
        return -nn.functional.cross_entropy(output, target)

    setup = setup_of(Case(build=mlp, loss=fall), rising)
    assert setup.rule().kind == ("scaled" if decay else "delta")
    hold(setup, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", ["momentum", "adamw"])
def test_gradients_are_clipped_for_each_member(optimizer: str, form: Form) -> None:
    clipped = hold(setup_of("mlp", optimizer, clip_norm=0.05), form)
    assert not np.allclose(clipped[-1], hold(setup_of("mlp", optimizer), form)[-1], rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("model", ["mlp", "cnn", "dropout"])
def test_accumulated_batches_are_averaged(model: str, form: Form) -> None:
    hold(setup_of(model, "momentum", accumulate=2, clip_norm=0.5), form)


def test_accumulation_averages_the_gradients_of_two_batches() -> None:
    """Two batches of 16 make the step that one batch of 32 makes, without a normalisation."""
    halves = serial_of(setup_of("mlp", "sgd", accumulate=3), 1)
    whole = serial_of(setup_of("mlp", "sgd", batch_size=48), 1)
    for _ in range(3):
        # 3 x 16 = 48 samples: a whole epoch each, so the same samples in whatever order.
        np.testing.assert_allclose(
            halves.advance(np.array([[0.1]])), whole.advance(np.array([[0.1]])), rtol=1e-12
        )


@pytest.mark.parametrize("model", ["mlp", "attention"])
def test_autocast_in_form_b(model: str) -> None:
    """Matrix products of bfloat16 round to 8 bits, in another order for stacked members."""
    setup = setup_of(model, "adamw", dtype=torch.float32, autocast="bfloat16")
    stacked, serial = stacked_of(setup, 3), serial_of(setup, 3)
    table = rates((1e-4, 1e-3, 1e-2), 5)
    found, expected = stacked.advance(table), serial.advance(table)
    np.testing.assert_allclose(found, expected, rtol=2e-2)
    np.testing.assert_allclose(stacked.evaluate()["loss"], serial.evaluate()["loss"], rtol=2e-2)
    exact = serial_of(setup_of(model, "adamw", dtype=torch.float32), 3).advance(table)
    assert not np.array_equal(expected, exact)
    assert all(value.dtype == torch.float32 for value in stacked.members.params.values())


class Weighted(nn.Module):
    """A loss with weights of its own: a parameter and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64))
        self.register_buffer("weight", torch.tensor([1.0, 3.0, 0.2], dtype=torch.float64))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(output * self.scale, target, weight=self.weight)


@pytest.mark.parametrize("form", FORMS)
def test_the_loss_may_be_a_module(form: Form) -> None:
    loss = Weighted()
    setup = setup_of(Case(build=mlp, loss=loss), "adamw", clip_norm=0.1)
    hold(setup, form)
    assert loss.scale.grad is None
    assert torch.equal(loss.scale.detach(), torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64))


def masked_step(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    errors = nn.functional.cross_entropy(model(batch["x"]), batch["y"], reduction="none")
    return (errors * batch["weight"]).sum() / batch["weight"].sum()


@pytest.mark.parametrize("form", FORMS)
def test_a_step_function_takes_batches_of_any_kind(form: Form) -> None:
    x, y = vectors(torch.float64, torch.Generator().manual_seed(5))
    data = {"x": x, "y": y, "weight": torch.linspace(0.1, 1.0, len(x), dtype=torch.float64)}
    task = Task(
        model=lambda: mlp().double(),
        train=data,
        valid=data,
        step=masked_step,
        training=Training(batch_size=16, device="cpu"),
    )
    setup = prepare(task, "adamw").setup(0)
    hold(setup, form)
    assert set(serial_of(setup, 1).evaluate()) == {"loss"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_row_of_zeros_is_no_step(optimizer: str, form: Form) -> None:
    setup = setup_of("mlp", optimizer)
    stacked, serial = stacked_of(setup, 2, form=form), serial_of(setup, 2)
    before = {name: value.clone() for name, value in stacked.members.params.items()}
    zeros = np.zeros((3, 2))
    np.testing.assert_allclose(stacked.advance(zeros), serial.advance(zeros), rtol=1e-9)
    for name, value in stacked.members.params.items():
        assert torch.equal(value, before[name]), name
    assert_same(stacked, serial)
    assert stacked.step == 3


def test_no_rows_are_no_steps() -> None:
    for population in (stacked_of(setup_of(), 2), serial_of(setup_of(), 2)):
        assert population.advance(np.empty((0, 2))).shape == (0, 2)
        assert population.step == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_member_that_fails_touches_no_other(form: Form) -> None:
    setup = setup_of("cnn", "momentum")
    alone, beside = stacked_of(setup, 2, form=form), stacked_of(setup, 3, form=form)
    table = rates((1e-2, 0.1), 12)
    losses = beside.advance(np.column_stack([table[:, 0], np.full(12, 1e306), table[:, 1]]))
    np.testing.assert_allclose(losses[:, [0, 2]], alone.advance(table), rtol=1e-9)
    assert beside.alive == (True, False, True)
    dead_from = int(np.isnan(losses[:, 1]).argmax())
    assert np.isnan(losses[dead_from:, 1]).all()
    assert np.isfinite(losses[:, [0, 2]]).all()
    for name, value in beside.take([0, 2]).members.params.items():
        torch.testing.assert_close(value, alone.members.params[name], rtol=1e-9, atol=1e-12)


class Nested(nn.Module):
    """Outputs in a nest: how the metrics find them must not depend on the engine."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp()

    def forward(self, x: Tensor) -> Any:
        logits = self.body(x)
        return {"logits": logits, "parts": [logits.softmax(-1), (logits * 2,)]}


@pytest.mark.parametrize("together", [True, False])
def test_metrics_see_nested_outputs_of_each_member(together: bool) -> None:
    case = Case(build=Nested, loss=lambda output, y: nn.functional.cross_entropy(output["logits"], y))
    metrics: dict[str, Callable[[Any, Any], float]] = {
        "accuracy": lambda output, y: accuracy(output["logits"], y),
        "largest": lambda output, y: float(output["parts"][0].max()),
        "total": lambda output, y: float(output["parts"][1][0].sum()),
    }
    setup = setup_of(case, "adamw", metrics=metrics)
    stacked, serial = stacked_of(setup, 3, together=together), serial_of(setup, 3)
    stacked.advance(TABLE)
    serial.advance(TABLE)
    assert_same(stacked, serial)
    assert len(set(serial.evaluate()["total"])) == 3


@pytest.mark.parametrize("together", [True, False])
def test_losses_are_weighted_by_samples_and_metrics_nan_for_the_failed(together: bool) -> None:
    """Validation in batches of 32 and 8: the mean is over the 40 samples, not over the two batches."""
    setup = setup_of("mlp", "adamw", metrics={"accuracy": accuracy, "nan": lambda output, y: float("nan")})
    loader = torch.utils.data.DataLoader(_samples(setup), batch_size=32, num_workers=0)
    task = Task(
        model=setup.program.model,
        train=_samples(setup)[:],
        valid=loader,
        loss=nn.functional.cross_entropy,
        metrics=setup.metrics,
        training=Training(device="cpu"),
    )
    uneven = prepare(task, "adamw").setup(0)
    inputs, targets = _samples(setup)[:]
    with torch.no_grad():
        output = setup.program.model(inputs)
        expected = float(nn.functional.cross_entropy(output, targets))
    population = stacked_of(uneven, 2, together=together)
    population.members.params["model.2.bias"][1] = torch.nan
    for judged in (population.evaluate(), population.take([0, 1]).evaluate()):
        np.testing.assert_allclose(judged["loss"], [expected, np.nan], rtol=1e-12)
        np.testing.assert_allclose(judged["accuracy"], [accuracy(output, targets), np.nan], rtol=1e-12)
        assert np.isnan(judged["nan"]).all()


def _samples(setup: Setup) -> torch.utils.data.TensorDataset:
    inputs, targets = zip(*setup.valid, strict=True)
    return torch.utils.data.TensorDataset(torch.cat(inputs), torch.cat(targets))
