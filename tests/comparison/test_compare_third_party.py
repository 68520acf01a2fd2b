"""Optimizers of other packages, by path, by class and by factory, in `compare`."""

import functools
from dataclasses import replace

import pytest
import torch

import rightrate as rr


class SignedMean(torch.optim.Optimizer):
    """As packages write them: momentum's sign, its state kept by parameter."""

    def __init__(self, params, lr=1e-3, beta=0.9):
        super().__init__(params, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - group["beta"])
                parameter.sub_(mean.sign(), alpha=group["lr"])


class TwoWeights(torch.optim.Optimizer):
    """As Schedule-Free ones: it must be told to train before it steps."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr, "training": False})

    def train(self):
        self.param_groups[0]["training"] = True

    def eval(self):
        self.param_groups[0]["training"] = False

    @torch.no_grad()
    def step(self, closure=None):
        (group,) = self.param_groups
        if not group["training"]:
            raise RuntimeError("call train() first")
        for parameter in group["params"]:
            self.state[parameter].setdefault("sum", torch.zeros_like(parameter)).add_(parameter.grad)
            self.state[parameter].setdefault("last", torch.zeros_like(parameter)).copy_(parameter.grad)
            parameter.sub_(parameter.grad, alpha=group["lr"])


def with_momentum(model):
    return torch.optim.SGD(model.parameters(), momentum=0.5)


CASES = {
    "pytorch_optimizer.Lion": ("pytorch_optimizer.Lion", 4.0),
    "SignedMean": (SignedMean, 4.0),
    "SignedMean(beta=0.5)": (functools.partial(SignedMean, beta=0.5), 4.0),
    "SignedMean(beta=0.8)": (functools.partial(SignedMean, beta=0.8), 4.0),
    "TwoWeights": (TwoWeights, 8.0),
    "with_momentum": (with_momentum, 4.0),
}


def compared(**settings):
    asked = [optimizer for optimizer, _ in CASES.values()]
    return rr.compare("wine", asked, lrs=[0.01, 0.001], seeds=2, steps=40, engine="serial", **settings)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """The same question twice to one store."""
    store = tmp_path_factory.mktemp("store") / "runs.db"
    said = []
    return compared(store=store, say=said.append), compared(store=store, say=said.append), said


def test_each_has_a_name_of_its_own_and_is_trained_at_every_rate(answers):
    result, _, _ = answers
    assert result.record.settings.optimizers == tuple(CASES)
    assert result.trials.groupby("optimizer").size().to_dict() == dict.fromkeys(CASES, 4)
    assert result.status in ("found", "edge")
    assert result.trials["valid_loss"].notna().all()


def test_what_each_keeps_is_measured(answers):
    measured = {item.optimizer: item.state_bytes for item in answers[0].record.facts}
    assert measured == pytest.approx({name: size for name, (_, size) in CASES.items()})


def test_they_are_known_to_the_store(answers):
    first, again, said = answers
    assert again.record == replace(first.record, cost=first.cost.answered())
    assert any("This is the answer of study 1" in sentence for sentence in said)
