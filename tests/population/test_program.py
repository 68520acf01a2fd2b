"""The model with its loss as one module, and how a task's model becomes one."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.population.models import Case, assert_same, mlp, rates, serial_of, setup_of, stacked_of, vectors
from torch import Tensor, nn

from rightrate.errors import ModelError
from rightrate.population import Program, prepare
from rightrate.population.program import evaluating, normalisations
from rightrate.tasks.task import Task, Training


def task_with(model: Any, **changes: Any) -> Task:
    data = vectors(torch.float32, torch.Generator().manual_seed(5))
    arguments = {"train": data, "loss": nn.functional.cross_entropy, "training": Training(device="cpu")}
    return Task(model=model, **{**arguments, **changes})


def test_the_loss_and_the_output_come_out() -> None:
    inputs, targets = vectors(torch.float32, torch.Generator().manual_seed(5))
    model = mlp()
    program = Program(model, loss=nn.functional.cross_entropy, step=None)
    loss, output = program((inputs, targets))
    assert torch.equal(output, model(inputs))
    assert torch.equal(loss, nn.functional.cross_entropy(model(inputs), targets))
    by_step = Program(model, loss=None, step=lambda model, batch: model(batch["x"]).mean())
    loss, output = by_step({"x": inputs})
    assert torch.equal(loss, model(inputs).mean())
    assert output is None


@pytest.mark.parametrize(
    ("loss", "received"),
    [(lambda output, target: output, r"\(48, 3\)"), (lambda output, target: 1.0, "'float'")],
)
def test_losses_that_are_no_scalar(loss: Any, received: str) -> None:
    batch = vectors(torch.float32, torch.Generator().manual_seed(5))
    with pytest.raises(ModelError, match=rf"loss must be a scalar tensor, got {received}\. Return the mean"):
        Program(mlp(), loss=loss, step=None)(batch)


def test_batches_that_are_no_pair() -> None:
    with pytest.raises(
        ModelError, match=r"a pair \(input, target\) where loss= is given, got 'dict'\. Pass step="
    ):
        Program(mlp(), loss=nn.functional.cross_entropy, step=None)({"x": torch.zeros(1, 6)})


def test_a_program_needs_a_loss_and_parameters() -> None:
    with pytest.raises(ModelError, match="Program must be given a loss or a step, got None"):
        Program(mlp(), loss=None, step=None)((torch.zeros(1, 6), torch.zeros(1).long()))
    with pytest.raises(ModelError, match="model must be a module with parameters, got 'ReLU'"):
        _ = Program(nn.ReLU(), loss=None, step=None).device


def test_modes_are_put_back_one_by_one() -> None:
    model = nn.Sequential(mlp(), nn.BatchNorm1d(3), nn.Dropout())
    model[1].eval()
    before = [part.training for part in model.modules()]

    def fail() -> None:
        with evaluating(model):
            assert not any(part.training for part in model.modules())
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        fail()
    assert [part.training for part in model.modules()] == before


def test_normalisations_that_keep_statistics_are_found() -> None:
    model = nn.Sequential(
        nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False), nn.LayerNorm(3), nn.InstanceNorm1d(3)
    )
    assert normalisations(model) == [model[0]]


def test_a_module_is_copied_and_a_function_called() -> None:
    model = mlp().eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    program = prepare(task_with(model), "adamw").setup(0).program
    assert program.model is not model
    assert torch.equal(program.model[0].weight, model[0].weight)
    assert program.model[0].weight.grad is None
    assert all(part.training for part in program.model.modules())
    assert not model.training
    built = prepare(task_with(mlp), "adamw")
    one, same, other = (built.setup(seed).program.model[0].weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_parts_in_evaluation_mode_stay_so() -> None:
    model = nn.Sequential(mlp(), nn.BatchNorm1d(3))
    model[1].eval()
    program = prepare(task_with(model), "adamw").setup(0).program
    assert program.model.training
    assert not program.model[1].training


class Uncopied(nn.Linear):
    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Module:
        raise TypeError("no copies of this one")


def test_models_that_cannot_be_used() -> None:
    with pytest.raises(
        ModelError, match=r"a module that can be copied, got Uncopied.* no copies of this one"
    ):
        prepare(task_with(Uncopied(6, 3)), "adamw").setup(0)
    with pytest.raises(ModelError, match=r"a function that returns a torch.nn.Module, got 3"):
        prepare(task_with(lambda: 3), "adamw").setup(0)
    with pytest.raises(ModelError, match=r"without lazy parameters, got 'LazyLinear'\. Run one batch"):
        prepare(task_with(lambda: nn.LazyLinear(3)), "adamw").setup(0)


def test_preparing_tells_lengths_and_what_was_held_out() -> None:
    prepared = prepare(task_with(mlp, training=Training(batch_size=5, accumulate=2, device="cpu")), "adamw")
    # A fifth of 48 samples is 10; 38 make 7 batches of 5, which make 3 steps of 2.
    assert prepared.held_out
    assert prepared.steps_per_epoch == 3
    assert prepared.notes == ()
    assert prepared.device == torch.device("cpu")
    given = prepare(task_with(mlp, valid=vectors(torch.float32, torch.Generator().manual_seed(6))), "adamw")
    assert not given.held_out


def test_building_a_model_leaves_the_random_state_alone() -> None:
    state = torch.get_rng_state()
    setup_of("dropout", "adamw")
    assert torch.equal(torch.get_rng_state(), state)


def test_in_place_changes_of_a_batch_reach_nobody_else() -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = mlp()

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x.mul_(0.5).add_(0.1))

    setup = setup_of(Case(build=InPlace), "adamw", accumulate=2)
    table = rates((1e-3, 1e-2, 0.1), 4)
    serial = serial_of(setup, 3)
    expected = serial.advance(table)
    alone = serial_of(setup, 1).advance(table[:, 2:])
    np.testing.assert_allclose(expected[:, 2:], alone, rtol=1e-12)
    for chunk in (3, 2):
        for form in ("A", "B"):
            stacked = stacked_of(setup, 3, chunk=chunk, form=form)  # type: ignore[arg-type]
            np.testing.assert_allclose(stacked.advance(table), expected, rtol=1e-9)
            assert_same(stacked, serial)
