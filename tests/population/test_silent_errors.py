"""Three mistakes that raise nothing: what each does to the numbers, and that the self-check sees it.

Each test of the check passes the mistake to it and would fail if its comparison were taken out.
"""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.lars import Lars
from tests.population.models import MODELS, Case, mlp, rates, serial_of, setup_of, stacked_of
from torch import Tensor, nn

from rightrate.errors import EngineError
from rightrate.optimizers.probe import UpdateRule
from rightrate.population import Kernel, Members, Setup
from rightrate.population.calibrate import calibrate
from rightrate.population.check import check_kernel, check_precisely
from rightrate.population.gradients import Form, gradients
from rightrate.population.prepare import prepare
from rightrate.tasks.task import Task, Training

FORMS: list[Form] = ["A", "B"]
RATES = (1e-3, 1e-2, 1e-1)


def bare_copy(setup: Setup) -> Any:
    """The recipe of the ensembling tutorial for the module that stacked weights are put into.

    What is left under a second name has no data, and results hold what memory happened to hold, which may be
    the right weights. Zeros are put there, so that the outcome is the same every time.
    """
    bare = copy.deepcopy(setup.program).to("meta").to_empty(device="cpu")
    with torch.no_grad():
        for parameter in bare.parameters():
            parameter.zero_()
    return bare


def test_meta_copies_untie_tied_weights() -> None:
    setup = setup_of("tied", "momentum")
    assert setup.program.model.out.weight is setup.program.model.tokens.weight
    bare, kept = bare_copy(setup), setup.copy_program()
    assert bare.model.out.weight is not bare.model.tokens.weight
    assert kept.model.out.weight is kept.model.tokens.weight
    assert kept.model.out.weight is not setup.program.model.out.weight


@pytest.mark.parametrize("form", FORMS)
def test_meta_copies_give_wrong_losses_without_an_error(form: Form) -> None:
    setup = setup_of("tied", "momentum")
    batch = next(iter(setup.train.stream(0)))
    members = Members.start(setup.program, setup.template().names, 2)
    expected = setup.program(batch)[0].detach().expand(2)
    _, right, _ = gradients(setup.copy_program(), form)(members.params, members.buffers, batch)
    _, wrong, _ = gradients(bare_copy(setup), form)(members.params, members.buffers, batch)
    torch.testing.assert_close(right.detach(), expected, rtol=1e-12, atol=0.0)
    assert not torch.isclose(wrong.detach(), expected, rtol=1e-3).any()


@pytest.mark.parametrize("form", FORMS)
def test_the_check_sees_untied_weights(form: Form) -> None:
    setup = setup_of("tied", "momentum")
    kernel = Kernel(setup, setup.rule(), form)
    assert check_kernel(setup, kernel, RATES) == ""
    kernel.gradients = gradients(bare_copy(setup), form)
    assert check_kernel(setup, kernel, RATES) == "the training loss differs from that of separate models"


class Reassigns(nn.Module):
    """Keeps a running mean in a buffer it replaces, where it should have changed it."""

    def __init__(self, *, in_place: bool) -> None:
        super().__init__()
        self.body = mlp()
        self.register_buffer("mean", torch.zeros(6))
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
            if self.in_place:
                self.mean.copy_(mean)
            else:
                self.mean = mean
        return self.body(x - self.mean)


@pytest.mark.parametrize("form", FORMS)
def test_a_buffer_that_is_replaced_is_lost(form: Form) -> None:
    for in_place in (True, False):
        setup = setup_of(Case(build=lambda kept=in_place: Reassigns(in_place=kept)), "momentum")
        stacked, serial = stacked_of(setup, 2, form=form), serial_of(setup, 2)
        for population in (stacked, serial):
            population.advance(rates((1e-3, 1e-2), 4))
        true = serial.programs()[0].model.mean
        assert (true != 0).all()
        kept = stacked.members.buffers["model.mean"][0]
        assert torch.equal(kept, torch.zeros(6, dtype=torch.float64)) is not in_place
        assert torch.allclose(kept, true, rtol=1e-9) is in_place


@pytest.mark.parametrize("form", FORMS)
def test_the_check_sees_buffers_that_are_replaced(form: Form) -> None:
    message = "buffer 'mean' is not updated in place (the forward pass re-assigns it)"
    for in_place in (True, False):
        setup = setup_of(Case(build=lambda kept=in_place: Reassigns(in_place=kept)), "momentum")
        wanted = "" if in_place else message
        assert check_kernel(setup, Kernel(setup, setup.rule(), form), RATES) == wanted
        assert check_precisely(setup, form) == wanted


def test_an_optimizer_that_looks_at_whole_tensors_mixes_members() -> None:
    """LARS divides by norms; over stacked tensors they are norms of all members together."""
    setup = setup_of("mlp", Lars)
    wrong = stacked_of(setup, 3, kernel=Kernel(setup, UpdateRule(kind="delta"), "B"))
    serial = serial_of(setup, 3)
    table = rates((1e-3, 1e-2, 1e-1), 5)
    assert not np.allclose(wrong.advance(table), serial.advance(table), rtol=1e-3)
    # The first member's losses depend on who is beside it, which is the mistake.
    beside = stacked_of(setup, 2, kernel=Kernel(setup, UpdateRule(kind="scaled"), "B"))
    alone = stacked_of(setup, 1, kernel=Kernel(setup, UpdateRule(kind="scaled"), "B"))
    first = alone.advance(table[:, :1])[:, 0]
    assert not np.allclose(beside.advance(table[:, [0, 2]])[:, 0], first, rtol=1e-7)


@pytest.mark.parametrize("kind", ["delta", "scaled"])
def test_the_check_sees_optimizers_that_mix_members(kind: Any) -> None:
    setup = setup_of("mlp", Lars)
    kernel = Kernel(setup, UpdateRule(kind=kind), "B")
    found = check_kernel(setup, kernel, RATES)
    assert found.startswith("the update of ")
    assert found.endswith("' differs from that of separate models")


def test_the_probe_sees_them_first() -> None:
    rule = setup_of("mlp", Lars).rule()
    assert rule.kind == "whole"
    assert rule.reason.startswith(
        "Lars is not linear in the learning rate, element by element (relative error"
    )


@pytest.mark.parametrize("clip", [0.05, None])
def test_the_check_sees_a_gradient_norm_over_all_members(
    clip: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same mistake in clipping: one norm for all members in place of one for each."""

    def mixed(grads: dict[str, Tensor], limit: float) -> dict[str, Tensor]:
        total = torch.linalg.vector_norm(torch.cat([value.flatten() for value in grads.values()]))
        return {name: value * (limit / (total + 1e-6)).clamp(max=1.0) for name, value in grads.items()}

    monkeypatch.setattr("rightrate.population.workspace._clipped", mixed)
    setup = setup_of("mlp", "sgd", clip_norm=clip)
    found = check_kernel(setup, Kernel(setup, setup.rule(), "B"), RATES)
    assert found == "" if clip is None else found.startswith("the update of ")


@pytest.mark.parametrize(
    ("case", "optimizer", "reason"),
    [
        (Case(build=lambda: Reassigns(in_place=False)), "momentum", "buffer 'mean' is not updated"),
        (MODELS["mlp"], Lars, "Lars is not linear in the learning rate"),
    ],
)
def test_such_models_are_trained_serially(case: Case, optimizer: Any, reason: str) -> None:
    prepared = prepare(task_of(case), optimizer)
    assert calibrate(prepared, size=4, member_steps=100, compiling=False).verdict.form is None
    with pytest.raises(EngineError, match=reason):
        calibrate(prepared, size=4, member_steps=100, compiling=False, engine="stacked")


def task_of(case: Case) -> Task:
    train = case.data(torch.float32, torch.Generator().manual_seed(5))
    return Task(
        model=case.build,
        train=train,
        valid=train,
        loss=case.loss,
        training=Training(batch_size=16, device="cpu"),
    )
