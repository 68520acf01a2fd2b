"""Normalisation statistics as plain means over fresh batches."""

from itertools import islice

import numpy as np
import pytest
import torch
from tests.population.models import Case, assert_same, images, rates, serial_of, setup_of, stacked_of
from torch import Tensor, nn

from rightrate.population.recalibrate import averaging
from rightrate.tasks.seeds import mix

STREAM = 7


def slow(momentum: float | None = 0.01) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4, momentum=momentum),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(144, 3),
    )


def by_hand(model: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Means over the batches of each batch's channel means and unbiased channel variances."""
    convolved = [model[0](batch[0]).transpose(0, 1).flatten(1) for batch in batches]
    means = torch.stack([channels.mean(1) for channels in convolved]).mean(0)
    return means, torch.stack([channels.var(1, unbiased=True) for channels in convolved]).mean(0)


@pytest.mark.parametrize("count", [1, 5])
def test_statistics_are_plain_means_over_the_batches(count: int) -> None:
    setup = setup_of(Case(build=slow, data=images), "momentum")
    stacked, serial = stacked_of(setup, 2), serial_of(setup, 2)
    for population in (stacked, serial):
        population.advance(rates((1e-2, 0.3), 6))
        population.recalibrate(count)
    assert_same(stacked, serial)
    batches = list(islice(setup.train.stream(mix(setup.seed, STREAM)), count))
    for member, program in enumerate(serial.programs()):
        with torch.no_grad():
            means, variances = by_hand(program.model, batches)
        for buffers in (dict(program.named_buffers()), _member(stacked.members.buffers, member)):
            torch.testing.assert_close(buffers["model.1.running_mean"], means, rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(buffers["model.1.running_var"], variances, rtol=1e-9, atol=1e-12)
        assert program.model[1].momentum == 0.01


def _member(buffers: dict[str, Tensor], index: int) -> dict[str, Tensor]:
    return {name: value[index] for name, value in buffers.items()}


def test_a_slow_average_has_not_arrived_and_recalibration_tells() -> None:
    """With momentum 0.01 and 6 steps the running variance is still near its start, one."""
    setup = setup_of(Case(build=slow, data=images), "momentum")
    population = serial_of(setup, 1)
    population.advance(rates((0.3,), 6))
    fork = population.take([0])
    fork.recalibrate(3)
    lagging = population.programs()[0].model[1].running_var
    arrived = fork.programs()[0].model[1].running_var
    assert ((lagging - 1).abs() < 0.1).all()
    assert ((arrived - 1).abs() > 0.3).all()
    assert fork.evaluate()["loss"][0] != population.evaluate()["loss"][0]


@pytest.mark.parametrize("together", [True, False])
def test_forks_leave_the_parent_alone(together: bool) -> None:
    setup = setup_of(Case(build=slow, data=images), "momentum")
    for population in (stacked_of(setup, 3, together=together), serial_of(setup, 3)):
        population.advance(rates((1e-3, 1e-2, 0.3), 4))
        before = population.evaluate()["loss"]
        fork = population.take([2, 0])
        fork.recalibrate(3)
        assert np.array_equal(population.evaluate()["loss"], before)
        assert not np.isclose(fork.evaluate()["loss"], before[[2, 0]], rtol=1e-3).any()
        # What it trains on afterwards is what the parent trains on.
        later = rates((1e-3, 1e-2, 0.3), 3, start=4)
        np.testing.assert_allclose(
            fork.advance(later[:, [2, 0]]), population.advance(later)[:, [2, 0]], rtol=1e-9
        )


def test_a_model_without_statistics_is_left_as_it_is() -> None:
    setup = setup_of("dropout", "adamw")
    for population in (stacked_of(setup, 2), serial_of(setup, 2)):
        before = population.evaluate()["loss"]
        population.recalibrate(3)
        assert np.array_equal(population.evaluate()["loss"], before)


def test_momentum_is_put_back_on_errors() -> None:
    model = nn.Sequential(slow(None), nn.InstanceNorm2d(4, track_running_stats=True))

    def fail() -> None:
        with averaging(model, 0.5):
            assert (model[0][1].momentum, model[1].momentum) == (0.5, 0.5)
            raise KeyError("batch")

    with pytest.raises(KeyError, match="batch"):
        fail()
    assert (model[0][1].momentum, model[1].momentum) == (None, 0.1)


def test_modules_in_evaluation_mode_keep_their_statistics() -> None:
    """A frozen normalisation inside a training model is part of the model, not of the estimate."""

    def frozen() -> nn.Module:
        model = slow()
        model[1].eval()
        return model

    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = frozen()

        def train(self, mode: bool = True) -> nn.Module:
            super().train(mode)
            self.body[1].eval()
            return self

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x)

    setup = setup_of(Case(build=Frozen, data=images), "momentum")
    stacked, serial = stacked_of(setup, 2), serial_of(setup, 2)
    for population in (stacked, serial):
        population.advance(rates((1e-2, 0.3), 3))
        population.recalibrate(3)
        population.evaluate()
        population.advance(rates((1e-2, 0.3), 3))
    assert_same(stacked, serial)
    assert torch.equal(serial.programs()[0].model.body[1].running_var, torch.ones(4, dtype=torch.float64))
