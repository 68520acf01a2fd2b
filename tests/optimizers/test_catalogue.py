"""The table of optimizers known by name, against torch itself and the rules."""

import inspect
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from tests.optimizers.rules.awkward import GRADIENTS, RATES, START, apart, walk

from rightrate.errors import ConfigError
from rightrate.optimizers.catalogue import CATALOGUE, named, names
from rightrate.optimizers.frameworks import counterparts
from rightrate.optimizers.probe import probe
from rightrate.optimizers.spelling import read
from rightrate.optimizers.template import OptimizerTemplate

SETTINGS = {
    "adagrad": {"eps": 1e-10},
    "rmsprop": {"rho": 0.99, "eps": 1e-8},
    "adadelta": {"rho": 0.9, "eps": 1e-6},
    "momentum": {"beta": 0.9},
    "nesterov": {"beta": 0.9},
    "adamw": {"weight_decay": 0.01},
    "nadam": {"psi": 0.004},
}
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def test_the_catalogue_is_what_is_promised() -> None:
    assert names() == (
        "sgd",
        "momentum",
        "nesterov",
        "adagrad",
        "rmsprop",
        "adadelta",
        "adam",
        "adamw",
        "nadam",
        "radam",
        "adamax",
    )


@pytest.mark.parametrize("name", names())
def test_each_record_agrees_with_torch(name: str) -> None:
    info = named(name)
    assert info is CATALOGUE[name]
    assert info.name == name
    cls = getattr(torch.optim, info.torch_class)
    assert issubclass(cls, torch.optim.Optimizer)
    assert info.default_lr == inspect.signature(cls).parameters["lr"].default
    built = cls([torch.nn.Parameter(torch.zeros(2))], **info.options)
    assert all(built.param_groups[0][key] == value for key, value in info.options.items())


@pytest.mark.parametrize("name", names())
def test_each_record_is_fit_to_be_shown_and_searched(name: str) -> None:
    info = named(name)
    low, high = info.search_range
    assert 0 < low < info.default_lr < high
    assert high / low >= 1e4
    assert info.summary.endswith(".")
    assert 20 <= len(info.summary) <= 100


def test_records_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError, match="default_lr"):
        named("sgd").default_lr = 1.0  # type: ignore[misc]


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"must be one of 'sgd', 'momentum', .* got 'lion'\. Any other class"
    ):
        named("lion")


def built(name, parameters, **options):
    info = named(name)
    return getattr(torch.optim, info.torch_class)(parameters, **info.options, **options)


@pytest.mark.parametrize("name", names())
def test_memory_is_that_of_the_real_optimizer(name):
    parameter = torch.nn.Parameter(torch.ones(1000))
    optimizer = built(name, [parameter])
    for _ in range(2):
        parameter.grad = torch.ones(1000)
        optimizer.step()
    kept = [value for value in optimizer.state[parameter].values() if isinstance(value, torch.Tensor)]
    assert sum(value.numel() for value in kept) // 1000 == named(name).state_floats
    assert sum(value.numel() for value in kept) % 1000 < 3  # counters, which are one for all


@pytest.mark.parametrize("name", names())
def test_stackable_is_what_the_probe_finds(name):
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Conv1d(2, 2, 2)).double()
    shapes = {key: tuple(value.shape) for key, value in model.named_parameters()}
    rule = probe(OptimizerTemplate(built(name, model.parameters()), model), shapes)
    assert (rule.kind != "whole") == named(name).stackable, rule.reason


def followed(formula, settings):
    """Compute the formula as it is written."""
    known = {"sqrt": np.sqrt, "abs": np.abs, "max": np.maximum, **settings}
    states = dict.fromkeys("mvuGd", np.zeros_like(START))
    here = {**states, "x": START, "P": 1.0}
    path = []
    for step, (g, lr) in enumerate(zip(GRADIENTS, RATES, strict=True)):
        here.update(g=g, lr=lr, t=step + 1)
        for assignment in formula.replace("^", "**").split("; "):
            exec(assignment, dict(known), here)
        path.append(here["x"])
    return np.array(path)


@pytest.mark.parametrize("name", names())
def test_the_formula_computes_the_rule(name):
    _, rule, _ = read("x", counterparts(name)["torch"])
    settings = {**ADAM, **SETTINGS.get(name, {})}
    assert apart(followed(named(name).formula, settings), walk(rule)) < 1e-12


def test_formulas_differ_but_where_the_rules_do_not():
    assert len({named(name).formula for name in names()}) == len(names())
    for name, settings in (("adam", {"eps": 1e-3}), ("nadam", {"psi": 1.0})):
        _, rule, _ = read("x", counterparts(name)["torch"])
        assert apart(followed(named(name).formula, {**ADAM, "psi": 0.004, **settings}), walk(rule)) > 1e-4
