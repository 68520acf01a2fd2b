"""Having learned nothing."""

import math

import pytest
import torch
from torch import nn

from rightrate.population import prepare
from rightrate.search.levels import untrained_metrics
from rightrate.tasks.metrics import accuracy
from rightrate.tasks.task import Task, Training

FEATURES = 4


def level(model, train, valid, loss=None, **settings):
    task = Task(
        model=model, train=train, valid=valid, loss=loss, training=Training(batch_size=16), **settings
    )
    prepared = prepare(task, "sgd")
    return untrained_metrics(prepared, prepared.setup(0)).metrics


def inputs(count):
    return torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(count))


def far(outputs):
    """A model that starts much worse than any constant."""
    model = nn.Linear(FEATURES, outputs)
    nn.init.normal_(model.weight, std=30.0, generator=torch.Generator().manual_seed(1))
    return model


def test_classes_are_predicted_by_their_frequencies():
    train = torch.tensor([0] * 48 + [1] * 36 + [2] * 12)
    valid = torch.tensor([0] * 10 + [1] * 5 + [2] * 5)
    found = level(far(3), (inputs(96), train), (inputs(20), valid), nn.functional.cross_entropy)
    shares = [48 / 96, 36 / 96, 12 / 96]
    expected = -(10 * math.log(shares[0]) + 5 * math.log(shares[1]) + 5 * math.log(shares[2])) / 20
    assert found == {"loss": pytest.approx(expected, rel=1e-4)}


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1e6])
def test_the_scale_of_the_loss_does_not_matter(scale):
    train = torch.tensor([0] * 48 + [1] * 36 + [2] * 12)
    valid = torch.tensor([0] * 10 + [1] * 5 + [2] * 5)
    data = (inputs(96), train), (inputs(20), valid)
    plain = level(far(3), *data, nn.functional.cross_entropy)["loss"]
    scaled = level(far(3), *data, lambda output, target: scale * nn.functional.cross_entropy(output, target))
    assert scaled["loss"] == pytest.approx(scale * plain, rel=1e-4)


def test_where_zero_is_the_best_constant_it_is_taken():
    train, valid = (inputs(96), torch.zeros(96, 1)), (inputs(20), torch.zeros(20, 1))
    assert level(far(1), train, valid, nn.functional.mse_loss) == {"loss": 0.0}


def test_numbers_are_predicted_by_their_mean():
    train = torch.linspace(-3, 9, 96)[:, None]
    valid = torch.linspace(0, 1, 20)[:, None]
    found = level(far(1), (inputs(96), train), (inputs(20), valid), nn.functional.mse_loss)
    assert found["loss"] == pytest.approx(float(((valid - train.mean()) ** 2).mean()), rel=1e-4)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_two_classes_by_the_logit_of_their_share(shape):
    train = torch.tensor([1.0] * 24 + [0.0] * 72).reshape(96, *shape)
    valid = torch.tensor([1.0] * 10 + [0.0] * 10).reshape(20, *shape)
    model = nn.Sequential(far(1), nn.Flatten(0)) if shape == () else far(1)
    found = level(
        model, (inputs(96), train), (inputs(20), valid), nn.functional.binary_cross_entropy_with_logits
    )
    assert found["loss"] == pytest.approx(-(math.log(0.25) + math.log(0.75)) / 2, rel=1e-4)


def test_the_start_counts_where_it_is_better():
    model = nn.Linear(FEATURES, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    train, valid = inputs(96), inputs(20)
    found = level(
        model,
        (train, train.sum(1, keepdim=True)),
        (valid, valid.sum(1, keepdim=True) + 0.1),
        nn.functional.mse_loss,
    )
    assert found["loss"] == pytest.approx(0.01, rel=1e-4)


def test_with_a_step_only_the_start_counts():
    model = far(1)
    train, valid = (inputs(96), torch.zeros(96, 1)), (inputs(20), torch.zeros(20, 1))

    def step(model, batch):
        return nn.functional.mse_loss(model(batch[0]), batch[1])

    with torch.no_grad():
        start = float(step(model, valid))
    assert level(model, train, valid, step=step) == {"loss": pytest.approx(start, rel=1e-5)}
    assert level(model, train, valid, nn.functional.mse_loss)["loss"] < 1e-6 * start


def test_a_metric_that_grows_has_the_better_of_both():
    train = torch.tensor([0] * 60 + [1] * 36)
    valid = torch.tensor([0] * 14 + [1] * 6)
    model = nn.Linear(FEATURES, 2)
    nn.init.zeros_(model.weight)
    with torch.no_grad():
        model.bias.copy_(torch.tensor([0.0, 5.0]))  # always says the rare class
    settings = {"metrics": {"accuracy": accuracy}, "objective": "accuracy:max"}
    found = level(model, (inputs(96), train), (inputs(20), valid), nn.functional.cross_entropy, **settings)
    assert found["accuracy"] == pytest.approx(14 / 20)
    expected = -(14 * math.log(60 / 96) + 6 * math.log(36 / 96)) / 20
    assert found["loss"] == pytest.approx(expected, rel=1e-4)


def test_a_start_that_is_not_finite():
    model = nn.Linear(FEATURES, 1)
    nn.init.constant_(model.weight, torch.inf)
    found = level(
        model, (inputs(96), torch.ones(96, 1)), (inputs(20), torch.ones(20, 1)), nn.functional.mse_loss
    )
    assert found["loss"] == pytest.approx(0.0, abs=1e-6)


def test_weight_penalties_and_modes_play_no_part():
    model = nn.Sequential(nn.Dropout(0.5), far(1))
    data = (inputs(96), torch.zeros(96, 1)), (inputs(20), torch.zeros(20, 1))
    first = level(model, *data, nn.functional.mse_loss)
    assert model.training
    assert level(model, *data, nn.functional.mse_loss) == first


class Positions(nn.Module):
    """One output for each of three places, joined along axis 0 with those of other samples."""

    def __init__(self):
        super().__init__()
        self.last = far(2)

    def forward(self, batch):
        return self.last(batch).flatten(0, 1)


def places(count):
    return torch.stack([inputs(count)] * 3, dim=1)


def joined(output, target):
    return nn.functional.cross_entropy(output, target.flatten())


def test_positions_joined_with_samples():
    train, valid = torch.tensor([[0, 0, 1]] * 96), torch.tensor([[0, 0, 1]] * 20)
    found = level(Positions(), (places(96), train), (places(20), valid), joined)
    entropy = -(2 * math.log(2 / 3) + math.log(1 / 3)) / 3
    assert found["loss"] == pytest.approx(entropy, rel=1e-4)


def test_where_no_constant_can_be_judged_the_start_counts():
    """The loss takes outputs of its own kind only."""

    def loss(output, target):
        if not output.is_contiguous():
            raise ValueError("not an output of the model")
        return (output[:, 0] - target).pow(2).mean()

    model = far(2)
    train, valid = (inputs(96), torch.zeros(96)), (inputs(20), torch.zeros(20))
    with torch.no_grad():
        start = float(loss(model(valid[0]), valid[1]))
    assert level(model, train, valid, loss) == {"loss": pytest.approx(start, rel=1e-5)}
