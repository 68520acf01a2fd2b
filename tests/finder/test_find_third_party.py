"""Optimizers of other packages, by class and by factory, in `find`."""

import functools
import math

import dadaptation
import prodigyopt
import pytest
import pytorch_optimizer
import schedulefree
import torch
from tests.finder.small import find
from torch import nn

from rightrate.errors import ConfigError, UnsupportedOptimizerError


class SignedMean(torch.optim.Optimizer):
    """As packages write them: momentum's sign, its state kept by parameter."""

    def __init__(self, params, lr=1e-3, beta=0.9):
        super().__init__(params, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                mean = self.state[parameter].setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - group["beta"])
                parameter.sub_(mean.sign(), alpha=group["lr"])


def split(module):
    """Muon for matrices, Adam for the rest: groups of one's own, at one ratio."""
    matrices = [value for value in module.parameters() if value.ndim == 2]
    others = [value for value in module.parameters() if value.ndim != 2]
    groups = [{"params": matrices, "use_muon": True}, {"params": others, "use_muon": False}]
    return pytorch_optimizer.Muon(groups)


@pytest.mark.parametrize(
    ("optimizer", "why"),
    [
        (schedulefree.SGDScheduleFree, "serves other weights than it trains"),
        (schedulefree.AdamWScheduleFree, "serves other weights than it trains"),
        (schedulefree.RAdamScheduleFree, "serves other weights than it trains"),
        (functools.partial(schedulefree.AdamWScheduleFree, warmup_steps=10), "serves other weights"),
        (pytorch_optimizer.ScheduleFreeAdamW, "serves other weights than it trains"),
        (functools.partial(prodigyopt.Prodigy, d0=1e-3), "Prodigy "),
        (dadaptation.DAdaptAdam, "not linear in the learning rate"),
        (dadaptation.DAdaptSGD, "not linear in the learning rate"),
        (pytorch_optimizer.Lion, "counts in its parameter groups"),
        ("pytorch_optimizer.Lion", "counts in its parameter groups"),
        (functools.partial(pytorch_optimizer.Lion, betas=(0.9, 0.95)), "counts in its parameter groups"),
        (pytorch_optimizer.AdaBelief, "counts in its parameter groups"),
        (pytorch_optimizer.Lamb, "not linear in the learning rate"),
        (pytorch_optimizer.Adan, "counts in its parameter groups"),
        (pytorch_optimizer.Shampoo, "not linear in the learning rate"),
        (pytorch_optimizer.SOAP, "not linear in the learning rate"),
        (pytorch_optimizer.ADOPT, "counts in its parameter groups"),
        (split, "not linear in the learning rate"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__) if callable(value) else "",
)  # fmt: skip
def test_by_class_or_factory_one_after_the_other(optimizer, why):
    result = find(optimizer=optimizer, steps=100, engine="auto")
    assert result.status in ("found", "edge", "flat", "inconclusive")
    assert math.isfinite(result.lr)
    assert result.record.provenance.engine.startswith("serial: ")
    assert why in result.record.provenance.engine
    losses = [trial.metrics["loss"] for trial in result.record.trials if "loss" in trial.metrics]
    assert min(losses) < 0.9  # a constant prediction has 1.1
    again = find(optimizer=optimizer, steps=100, engine="auto")
    assert (again.lr, again.low, again.high) == (result.lr, result.low, result.high)


@pytest.mark.parametrize("optimizer", [SignedMean, functools.partial(SignedMean, beta=0.8)])
def test_by_class_or_factory_side_by_side(optimizer):
    stacked = find(optimizer=optimizer, steps=100, engine="stacked")
    serial = find(optimizer=optimizer, steps=100, engine="serial")
    assert stacked.record.provenance.engine.startswith("stacked, ")
    assert stacked.lr == pytest.approx(serial.lr, rel=1e-3)
    for one, other in zip(stacked.record.trials, serial.record.trials, strict=True):
        assert one.metrics["loss"] == pytest.approx(other.metrics["loss"], rel=1e-2, nan_ok=True)


def test_optimizers_that_need_long_to_start_are_not_trusted_after_a_short_search():
    """Prodigy begins with steps of a millionth: the probes of a run of 100 steps see it stand still."""
    assert find(optimizer=prodigyopt.Prodigy, steps=100).status == "inconclusive"


def test_what_is_found_is_built():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    result = find(model, optimizer=schedulefree.AdamWScheduleFree, steps=100)
    optimizer, _ = result.build(model)
    assert isinstance(optimizer, schedulefree.AdamWScheduleFree)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(result.lr)


def test_an_optimizer_without_a_rate_is_refused():
    message = r"""whose parameter groups have a learning rate, "lr", got 'AliG'\. There is nothing to find"""
    with pytest.raises(UnsupportedOptimizerError, match=message):
        find(optimizer=pytorch_optimizer.AliG, steps=100)


@pytest.mark.parametrize("optimizer", [pytorch_optimizer.AdaHessian, pytorch_optimizer.SophiaH])
def test_an_optimizer_that_differentiates_gradients_is_refused(optimizer):
    name = optimizer.__name__
    message = rf"needs first derivatives alone, got '{name}'\. It needs gradients that .*create_graph=True"
    for given in (
        optimizer,
        functools.partial(optimizer, lr=0.1),
        lambda module: optimizer(module.parameters()),
    ):
        with pytest.raises(UnsupportedOptimizerError, match=message):
            find(optimizer=given, steps=100)


class Fails(SignedMean):
    """An optimizer with a mistake of its own, in its third step."""

    def step(self, closure=None):
        super().step()
        counted = self.state[self.param_groups[0]["params"][0]]
        counted["steps"] = counted.get("steps", 0) + 1
        if counted["steps"] == 3:
            raise ValueError("a mistake of its own")


def test_a_mistake_later_on_is_the_optimizers_own():
    with pytest.raises(ValueError, match=r"^a mistake of its own$"):
        find(optimizer=Fails, steps=100, engine="serial")


def test_a_wrapper_of_another_optimizer_is_told_to_be_a_factory_and_refused_as_one():
    with pytest.raises(
        ConfigError, match=r"got 'SAM\(\)'\. It says: .*base_optimizer.* goes into a factory f"
    ):
        find(optimizer=pytorch_optimizer.SAM, steps=100)
    wrapped = functools.partial(pytorch_optimizer.SAM, base_optimizer=torch.optim.SGD, lr=0.1)
    with pytest.raises(
        UnsupportedOptimizerError, match=r"that steps when it has gradients, got 'SAM'\. It says: SAM req"
    ):
        find(optimizer=wrapped, steps=100)


def test_a_class_that_needs_more_than_parameters_is_told_to_be_a_factory():
    message = r"must be constructible, got 'Muon\(\)'\. It says: .* goes into a factory f\(module\)"
    with pytest.raises(ConfigError, match=message):
        find(optimizer=pytorch_optimizer.Muon, steps=100)
    with pytest.raises(ConfigError, match=r"got 'AdamMini\(\)'\. It says: .*named_parameters"):
        find(optimizer=pytorch_optimizer.AdamMini, steps=100)
