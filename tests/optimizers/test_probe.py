"""Which optimizers can serve many members: found by stepping them, not by their names."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from tests.population.lars import Lars
from torch import nn

from rightrate.optimizers.catalogue import CATALOGUE, names
from rightrate.optimizers.probe import UpdateRule, probe, set_unit_rate
from rightrate.optimizers.resolve import resolve
from rightrate.optimizers.template import OptimizerTemplate


def model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(4, 5), nn.LayerNorm(5))


def rule_of(optimizer: Any, module: nn.Module | None = None, **options: Any) -> UpdateRule:
    module = model() if module is None else module
    template = OptimizerTemplate(resolve(optimizer, options=options).build(module), module)
    return probe(template, {name: tuple(value.shape) for name, value in module.named_parameters()})


@pytest.mark.parametrize("name", names())
def test_the_whole_catalogue_steps_deltas(name: str) -> None:
    decay = "decoupled" if name == "adamw" else "none"
    assert rule_of(name) == UpdateRule(kind="delta", decay=decay)
    assert CATALOGUE[name].stackable


@pytest.mark.parametrize(
    ("name", "options", "decay"),
    [
        ("sgd", {"momentum": 0.9}, "coupled"),
        ("nesterov", {}, "coupled"),
        ("sgd", {"momentum": 0.9, "dampening": 0.5}, "coupled"),
        ("adagrad", {"lr_decay": 0.1}, "coupled"),
        ("rmsprop", {"centered": True, "momentum": 0.5}, "coupled"),
        ("adadelta", {}, "coupled"),
        ("adam", {"amsgrad": True}, "coupled"),
        ("adamw", {"amsgrad": True}, "decoupled"),
        ("nadam", {}, "coupled"),
        ("nadam", {"decoupled_weight_decay": True}, "decoupled"),
        ("radam", {}, "coupled"),
        ("radam", {"decoupled_weight_decay": True}, "decoupled"),
        ("adamax", {}, "coupled"),
    ],
)
def test_where_weight_decay_enters(name: str, options: dict[str, Any], decay: Any) -> None:
    assert rule_of(name, **options, weight_decay=0.3) == UpdateRule(kind="delta", decay=decay)


def test_plain_sgd_decays_either_way() -> None:
    """Without momentum, coupled and decoupled decay are the same step."""
    rule = rule_of("sgd", weight_decay=0.3)
    assert rule.kind == "delta"
    assert rule.decay in ("coupled", "decoupled")


@pytest.mark.parametrize(("decay", "kind"), [(0.0, "delta"), (0.3, "scaled")])
def test_maximizing_with_coupled_decay_is_scaled(decay: float, kind: str) -> None:
    """The decay is subtracted after the sign is turned, which the engine's own decay does not do."""
    rule = rule_of("momentum", weight_decay=decay, maximize=True)
    assert rule == UpdateRule(kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("optimizer", [torch.optim.ASGD, torch.optim.Rprop, torch.optim.Adafactor, Lars])
def test_others_need_an_optimizer_for_each_member(optimizer: Any) -> None:
    rule = rule_of(optimizer)
    assert rule.kind == "whole"
    assert rule.reason.startswith(
        f"{optimizer.__name__} is not linear in the learning rate, element by element ("
    )


def test_muon_needs_an_optimizer_for_each_member() -> None:
    rule = rule_of(torch.optim.Muon, nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2, bias=False)))
    assert rule.kind == "whole"
    assert rule.reason.startswith("Muon ")


def test_each_group_is_looked_at() -> None:
    def factory(module: nn.Module) -> torch.optim.Optimizer:
        groups = [
            {"params": module[0].parameters(), "weight_decay": 0.0},
            {"params": module[2].parameters(), "lr": 0.3, "weight_decay": 0.2},
        ]
        return torch.optim.AdamW(groups, lr=0.1)

    assert rule_of(factory) == UpdateRule(kind="delta", decay="decoupled")


class KernelsOnly(torch.optim.SGD):
    """Normalises the gradient of convolution kernels, of which only one in the model is left."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and parameter.ndim >= 4:
                    parameter.grad /= parameter.grad.norm()
        return super().step(closure)


def test_parameters_of_every_number_of_axes_are_looked_at() -> None:
    """The kernel is neither among the first two parameters nor the last."""
    module = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(3, 2))
    assert rule_of(KernelsOnly, module).kind == "whole"
    flat = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2))
    assert rule_of(KernelsOnly, flat) == UpdateRule(kind="delta")


class CountsInGroups(torch.optim.Optimizer):
    """The rate falls with a count that is kept in the group, where members of all ages would share it."""

    def __init__(self, params: Iterable[Any], lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        for group in self.param_groups:
            group["k"] = group.get("k", 0) + 1
            for parameter in group["params"]:
                parameter.sub_(group["lr"] / group["k"] * parameter.grad)


def test_counts_in_groups_are_not_shared() -> None:
    rule = rule_of(CountsInGroups)
    assert rule.kind == "whole"
    assert rule.reason == ("CountsInGroups counts in its parameter groups (k), which members would share")


class Fails(CountsInGroups):
    """Fails on its own (`early`) or only with members in front."""

    early = False

    def step(self, closure: Callable[[], float] | None = None) -> None:
        for group in self.param_groups:
            if self.early or any(parameter.ndim > 4 for parameter in group["params"]):
                raise RuntimeError("too many axes")


class FailsEarly(Fails):
    early = True


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (FailsEarly, "FailsEarly cannot be probed alone (too many axes)"),
        (Fails, "Fails is not linear in the learning rate, element by element (it fails on stacked tensors)"),
    ],
)
def test_optimizers_that_fail_are_whole(optimizer: Any, reason: str) -> None:
    assert rule_of(optimizer) == UpdateRule(kind="whole", reason=reason)


class Unlike(torch.optim.SGD):
    """Not linear in the rate."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(group["lr"] ** 1.0001 * parameter.grad)


def test_a_little_off_linear_is_off() -> None:
    assert rule_of(Unlike).kind == "whole"


def test_probing_leaves_the_optimizer_and_the_random_state_alone() -> None:
    module = model()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1, weight_decay=0.2)
    before = [value.detach().clone() for value in module.parameters()]
    state = torch.get_rng_state()
    template = OptimizerTemplate(optimizer, module)
    shapes = {name: tuple(value.shape) for name, value in module.named_parameters()}
    assert probe(template, shapes) == probe(template, shapes)
    assert torch.equal(torch.get_rng_state(), state)
    assert not optimizer.state
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"]) == (0.1, 0.2)
    assert all(torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))
    assert all(value.grad is None for value in module.parameters())


def test_unit_rate() -> None:
    module = model()
    first, last = module[0].parameters(), module[2].parameters()
    groups = [{"params": first, "weight_decay": 0.1}, {"params": last, "lr": 0.5}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    set_unit_rate(optimizer)
    assert [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups] == [(1.0, 0.0)] * 2
    plain = torch.optim.Rprop(model().parameters())
    set_unit_rate(plain)
    assert "weight_decay" not in plain.param_groups[0]


class Averaging(torch.optim.SGD):
    """Its step is plain, but what it serves is something else."""

    def eval(self) -> None:
        """Put other weights in place."""


def test_optimizers_with_modes_are_whole() -> None:
    rule = rule_of(Averaging)
    assert rule.kind == "whole"
    assert rule.reason == "Averaging serves other weights than it trains: it has train() and eval()"
