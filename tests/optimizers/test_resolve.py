"""Whatever a user calls an optimizer comes out as the optimizer torch would have made."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rightrate.errors import ConfigError, UnsupportedOptimizerError
from rightrate.optimizers.catalogue import names
from rightrate.optimizers.resolve import resolve


@pytest.fixture
def model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def holds(optimizer: torch.optim.Optimizer, module: nn.Module) -> bool:
    """Say whether the optimizer is over exactly the trainable parameters of the module."""
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    return held == {id(parameter) for parameter in module.parameters() if parameter.requires_grad}


def settings(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    """Return all that the groups say besides their parameters."""
    return [
        {key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups
    ]


@pytest.mark.parametrize("name", names())
def test_names(name: str, model: nn.Module) -> None:
    spec = resolve(name)
    assert (spec.name, spec.label) == (name, name)
    built = spec.build(model)
    assert holds(built, model)
    assert spec.search_range[0] < built.param_groups[0]["lr"] < spec.search_range[1]
    assert spec.build(model) is not built


def test_options_of_a_name(model: nn.Module) -> None:
    spec = resolve("momentum", options={"momentum": 0.5, "weight_decay": 0.1})
    (group,) = spec.build(model).param_groups
    assert (group["momentum"], group["weight_decay"], group["nesterov"]) == (0.5, 0.1, False)
    assert spec.label == "momentum(momentum=0.5, weight_decay=0.1)"


def test_classes(model: nn.Module) -> None:
    spec = resolve(torch.optim.Adam, options={"betas": (0.5, 0.9)})
    built = spec.build(model)
    assert type(built) is torch.optim.Adam
    assert built.param_groups[0]["betas"] == (0.5, 0.9)
    assert (spec.name, spec.label) == ("", "Adam(betas=(0.5, 0.9))")
    assert spec.search_range == (1e-6, 10.0)


class NeedsRate(torch.optim.SGD):
    def __init__(self, params: Iterable[Any], lr: float, extra: int = 0) -> None:
        super().__init__(params, lr=lr)


def test_classes_that_need_a_rate_get_one(model: nn.Module) -> None:
    assert resolve(NeedsRate).build(model).param_groups[0]["lr"] == 1e-3
    assert resolve(NeedsRate, options={"lr": 0.5}).build(model).param_groups[0]["lr"] == 0.5


def by_parameters(params: Iterable[Any]) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(params, alpha=0.5)


def by_module(module: nn.Module) -> torch.optim.Optimizer:
    first, last = module[0].parameters(), module[2].parameters()
    return torch.optim.SGD([{"params": first}, {"params": last, "lr": 0.01}], lr=0.1, momentum=0.9)


@pytest.mark.parametrize(
    ("factory", "label", "cls", "groups"),
    [
        (functools.partial(torch.optim.SGD, momentum=0.9), "SGD(momentum=0.9)", torch.optim.SGD, 1),
        (by_parameters, "by_parameters", torch.optim.RMSprop, 1),
        (by_module, "by_module", torch.optim.SGD, 2),
    ],
)
def test_factories(factory: Callable[..., Any], label: str, cls: type, groups: int, model: nn.Module) -> None:
    spec = resolve(factory)
    built = spec.build(model)
    assert type(built) is cls
    assert (spec.label, spec.name, len(built.param_groups)) == (label, "", groups)
    assert holds(built, model)


def test_only_what_is_trained_goes_in(model: nn.Module) -> None:
    model[0].requires_grad_(False)
    for optimizer in ("adamw", torch.optim.AdamW, by_parameters):
        assert holds(resolve(optimizer).build(model), model)


def test_instances_are_read_and_never_stepped(model: nn.Module) -> None:
    instance = torch.optim.Adam(
        [
            {"params": model[0].parameters(), "weight_decay": 0.3},
            {"params": model[2].parameters(), "lr": 0.01, "betas": (0.8, 0.9)},
        ],
        lr=0.1,
        amsgrad=True,
    )
    torch.optim.lr_scheduler.StepLR(instance, 5)  # adds initial_lr to the groups
    before = settings(instance)
    spec = resolve(instance, model=model)
    assert (spec.label, spec.name) == ("Adam", "adam")
    other = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    built = spec.build(other)
    assert holds(built, other)
    expected = [{key: value for key, value in group.items() if key != "initial_lr"} for group in before]
    assert settings(built) == expected
    for group, part in zip(built.param_groups, (other[0], other[2]), strict=True):
        assert [id(value) for value in group["params"]] == [id(value) for value in part.parameters()]
    assert settings(instance) == before
    assert holds(instance, model)
    assert not instance.state


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [(torch.optim.SGD, "sgd"), (torch.optim.AdamW, "adamw"), (torch.optim.ASGD, ""), (NeedsRate, "")],
)
def test_instances_of_known_classes_get_the_range_of_their_name(
    optimizer: Any, name: str, model: nn.Module
) -> None:
    spec = resolve(optimizer(model.parameters(), lr=0.1), model=model)
    assert spec.name == name
    assert spec.search_range == (resolve(name).search_range if name else (1e-6, 10.0))


def test_named_parameters_in_an_instance(model: nn.Module) -> None:
    instance = torch.optim.SGD(model.named_parameters(), lr=0.1)
    assert holds(resolve(instance, model=model).build(model), model)


@pytest.mark.parametrize("bound", [None, nn.Linear(3, 4)])
def test_instances_need_their_model(bound: nn.Module | None, model: nn.Module) -> None:
    allowed = "a name, a class or a factory where" if bound is None else "an optimizer over parameters of"
    with pytest.raises(ConfigError, match=rf"must be {allowed} the model.* got 'SGD'\. Pass the module"):
        resolve(torch.optim.SGD(model.parameters(), lr=0.1), model=bound)


class Hungry(torch.optim.SGD):
    def __init__(self, params: Iterable[Any], food: int) -> None:
        super().__init__(params, lr=0.1 * food)


def test_instances_that_cannot_be_built_again(model: nn.Module) -> None:
    spec = resolve(Hungry(model.parameters(), 3), model=model)
    with pytest.raises(
        ConfigError, match=r"from its defaults, got 'Hungry'\. Pass a factory.*missing 1 required"
    ):
        spec.build(model)


class Closure(torch.optim.Optimizer):
    def __init__(self, params: Iterable[Any]) -> None:
        super().__init__(params, {"lr": 0.1})

    def step(self, closure: Callable[[], float]) -> float:  # type: ignore[override]
        return closure()


@pytest.mark.parametrize("cls", [torch.optim.LBFGS, Closure])
def test_optimizers_that_need_a_closure_are_refused_by_name(cls: Any, model: nn.Module) -> None:
    message = rf"an optimizer whose step\(\) needs no closure, got '{cls.__name__}'\. It evaluates the loss"
    with pytest.raises(UnsupportedOptimizerError, match=message):
        resolve(cls)
    with pytest.raises(UnsupportedOptimizerError, match=message):
        resolve(cls(model.parameters()), model=model)
    with pytest.raises(UnsupportedOptimizerError, match=message):
        resolve(lambda params: cls(params)).build(model)


def test_sparse_gradients_are_refused_by_name(model: nn.Module) -> None:
    message = r"for dense gradients, got 'SparseAdam'\. Sparse gradients cannot be stacked; use Adam with"
    with pytest.raises(UnsupportedOptimizerError, match=message):
        resolve(torch.optim.SparseAdam)
    with pytest.raises(UnsupportedOptimizerError, match=message):
        resolve(torch.optim.SparseAdam(list(model.parameters())), model=model)


@pytest.mark.parametrize("error", [RuntimeError, AttributeError, KeyError, TypeError, ValueError])
def test_settings_another_package_refuses(model: nn.Module, error: type[Exception]) -> None:
    class NeedsGroups(torch.optim.SGD):
        def __init__(self, params: Any) -> None:
            raise error("no groups")

    message = r"must be constructible, got 'NeedsGroups\(\)'. It says: '?no groups'?. What it needs besides"
    with pytest.raises(ConfigError, match=message):
        resolve(NeedsGroups).build(model)


def test_settings_torch_refuses(model: nn.Module) -> None:
    with pytest.raises(
        ConfigError, match=r"must be constructible, got .*SGD\(momentum=-1.*torch says: Invalid mom"
    ):
        resolve("sgd", options={"momentum": -1}).build(model)
    with pytest.raises(
        ConfigError, match=r"got .*Adam\(rho=0.9\).*torch says: .*unexpected keyword argument"
    ):
        resolve(torch.optim.Adam, options={"rho": 0.9}).build(model)


def test_what_is_no_optimizer(model: nn.Module) -> None:
    with pytest.raises(
        ConfigError, match=r"must be a name of the catalogue, a torch.optim.Optimizer class.* got 3\."
    ):
        resolve(3)
    with pytest.raises(ConfigError, match="must be one of 'sgd'"):
        resolve("sdg")
    with pytest.raises(ConfigError, match=r"a factory that returns a torch.optim.Optimizer, got None"):
        resolve(lambda params: None).build(model)


def test_factories_that_take_neither(model: nn.Module) -> None:
    def factory(thing: Any) -> torch.optim.Optimizer:
        raise TypeError(f"no {type(thing).__name__}")

    with pytest.raises(
        ConfigError, match=r"f\(params\) failed with TypeError: no list; f\(module\) failed with"
    ):
        resolve(factory).build(model)


@pytest.mark.parametrize("optimizer", [by_parameters, functools.partial(torch.optim.SGD, momentum=0.9)])
def test_options_belong_to_names_and_classes(optimizer: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"a name or a class where options are given, got .*Put \{'lr': 1\} into"
    ):
        resolve(optimizer, options={"lr": 1})


def test_built_optimizers_train(model: nn.Module) -> None:
    optimizer = resolve("nadam").build(model)
    before = [value.detach().clone() for value in model.parameters()]
    loss: Tensor = model(torch.ones(2, 3)).square().sum()
    loss.backward()
    optimizer.step()
    assert all(not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
