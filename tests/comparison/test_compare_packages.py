"""Real optimizers of other packages in `compare`, by class, one by one and side by side."""

import prodigyopt
import pytest
import pytorch_optimizer
import schedulefree
import torch

import rightrate as rr

ONE_BY_ONE = {
    schedulefree.AdamWScheduleFree: "serves other weights than it trains",
    prodigyopt.Prodigy: "counts in its parameter groups",
    pytorch_optimizer.Lion: "counts in its parameter groups",
}


class SignedMean(torch.optim.Optimizer):
    """As packages write them: momentum's sign, its state kept by parameter."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 0.1)
                parameter.sub_(mean.sign(), alpha=group["lr"])


def compared(*optimizers, engine):
    return rr.compare("wine", optimizers, lrs=[0.01, 0.1], seeds=1, steps=40, engine=engine)


def test_classes_of_three_packages_are_trained_one_by_one():
    result = compared(*ONE_BY_ONE, engine="auto")
    assert result.trials.groupby("optimizer")["valid_loss"].min().to_dict() == pytest.approx(
        {"AdamWScheduleFree": 0.376, "Lion": 0.385, "Prodigy": 0.896}, abs=0.05
    )
    for kind, why in ONE_BY_ONE.items():
        assert f"{kind.__name__}: serial: {kind.__name__} {why}" in result.record.provenance.engine


def test_side_by_side_is_one_by_one():
    stacked, serial = (compared(SignedMean, engine=engine) for engine in ("stacked", "serial"))
    assert stacked.record.provenance.engine.startswith("stacked, ")
    assert serial.record.provenance.engine.startswith("serial: ")
    losses = [result.trials["valid_loss"].tolist() for result in (stacked, serial)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)
