"""An optimizer read off once, set up again over other tensors."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rightrate.errors import ConfigError, ModelError, UnsupportedOptimizerError
from rightrate.optimizers.catalogue import names
from rightrate.optimizers.resolve import resolve
from rightrate.optimizers.template import OptimizerTemplate


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def two_groups(module: nn.Module) -> torch.optim.Optimizer:
    first, last = module[0].parameters(), module[2].parameters()
    groups = [{"params": first}, {"params": last, "lr": 0.02, "weight_decay": 0.5}]
    return torch.optim.AdamW(groups, lr=0.1, weight_decay=0.0)


def test_what_is_read_off() -> None:
    module = model()
    template = OptimizerTemplate(two_groups(module), module)
    assert template.groups == (("0.weight", "0.bias"), ("2.weight", "2.bias"))
    assert template.names == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert template.ratios == (1.0, pytest.approx(0.2))
    assert template.decays == (0.0, 0.5)
    assert template.label == "AdamW"


def test_rates_of_zero_and_decays_of_none() -> None:
    module = model()
    first, last = module[0].parameters(), module[2].parameters()
    optimizer = torch.optim.SGD([{"params": first, "lr": 0.0}, {"params": last, "lr": 0.5}], lr=0.1)
    assert OptimizerTemplate(optimizer, module).ratios == (1.0, 1.0)
    plain = torch.optim.Rprop(module.parameters())
    assert OptimizerTemplate(plain, module).decays == (0.0,)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("members", [None, 3])
def test_over_steps_like_the_original(name: str, members: int | None) -> None:
    """Over tensors with or without members in front, in float64: each member like torch on its own."""
    torch_model = model().double()
    own = resolve(name).build(torch_model)
    template = OptimizerTemplate(resolve(name).build(torch_model), torch_model)
    lead = () if members is None else (members,)
    tensors = {
        key: value.detach().expand(*lead, *value.shape).clone()
        for key, value in torch_model.named_parameters()
    }
    copied = template.over(tensors)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        for key, value in torch_model.named_parameters():
            value.grad = torch.randn(value.shape, generator=generator, dtype=torch.float64)
            tensors[key].grad = value.grad.expand(tensors[key].shape).clone()
        own.step()
        copied.step()
    for key, value in torch_model.named_parameters():
        torch.testing.assert_close(
            tensors[key], value.detach().expand(tensors[key].shape), rtol=1e-12, atol=0.0
        )


def test_the_original_is_never_stepped_nor_shared() -> None:
    module = model()
    optimizer = torch.optim.Adagrad(module.parameters(), initial_accumulator_value=0.3)
    template = OptimizerTemplate(optimizer, module)
    before = [value.detach().clone() for value in module.parameters()]
    tensors = {name: torch.ones(2, *value.shape) for name, value in module.named_parameters()}
    copied = template.over(tensors)
    for tensor in tensors.values():
        tensor.grad = torch.ones_like(tensor)
    copied.param_groups[0]["lr"] = 9.0
    copied.step()
    assert all(torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))
    assert optimizer.param_groups[0]["lr"] == 0.01
    for name, value in module.named_parameters():
        assert torch.equal(optimizer.state[value]["sum"], torch.full_like(value, 0.3))
        # Made at construction, so spread over the members: 0.3 + 1 after one gradient of ones.
        torch.testing.assert_close(copied.state[tensors[name]]["sum"], torch.full((2, *value.shape), 1.3))
    again = template.over({name: torch.ones_like(value) for name, value in module.named_parameters()})
    assert all(float(slots["step"]) == 0 for slots in again.state.values())


def test_parameters_that_are_not_trained_are_left_out() -> None:
    module = model()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module[0].requires_grad_(False)
    template = OptimizerTemplate(optimizer, module)
    assert template.groups == (("2.weight", "2.bias"),)
    tensors = {name: torch.zeros(4, 2) for name in template.names}
    held = template.over(tensors).param_groups[0]["params"]
    assert [id(tensor) for tensor in held] == [id(tensor) for tensor in tensors.values()]


def test_nothing_to_train() -> None:
    module = model().requires_grad_(False)
    optimizer = torch.optim.SGD(list(module.parameters()), lr=0.1)
    with pytest.raises(
        ModelError, match=r"a module with a trainable parameter, got 'none'\. Set requires_grad"
    ):
        OptimizerTemplate(optimizer, module)


def test_parameters_of_another_model() -> None:
    optimizer = torch.optim.SGD(model().parameters(), lr=0.1)
    with pytest.raises(
        ConfigError, match=r"over parameters of the model it is given, got 'SGD'\. Write a factory"
    ):
        OptimizerTemplate(optimizer, model())


class Counting(torch.optim.SGD):
    """Keeps a count and a tensor of its own, which torch's copying of optimizers leaves out."""

    def __init__(self, params: Iterable[Any]) -> None:
        super().__init__(params, lr=0.1)
        self.calls = [0]
        self.first = self.param_groups[0]["params"][0]

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        self.calls[0] += 1
        return super().step(closure)


def test_attributes_of_an_optimizer_are_copied_with_it() -> None:
    module = model()
    original = Counting(module.parameters())
    tensors: dict[str, Tensor] = {name: torch.zeros_like(value) for name, value in module.named_parameters()}
    new = OptimizerTemplate(original, module).over(tensors)
    new.step()
    assert isinstance(new, Counting)
    assert (original.calls, new.calls) == ([0], [1])
    assert original.first is module[0].weight
    assert new.first is tensors["0.weight"]


class Clipping(torch.optim.SGD):
    """Keeps a function, as some packages do."""

    def __init__(self, params: Iterable[Any]) -> None:
        super().__init__(params, lr=0.1)
        self.limit = lambda step: step**0.25


def test_functions_of_an_optimizer_are_copied_with_it() -> None:
    module = model()
    tensors: dict[str, Tensor] = {name: torch.zeros_like(value) for name, value in module.named_parameters()}
    new = OptimizerTemplate(Clipping(module.parameters()), module).over(tensors)
    assert isinstance(new, Clipping)
    assert new.limit(16) == 2.0


def test_modes_are_seen() -> None:
    module = model()
    plain = torch.optim.SGD(module.parameters(), lr=0.1)
    assert not OptimizerTemplate(plain, module).has_modes
    for mode in ("train", "eval"):
        with_mode = type("WithMode", (torch.optim.SGD,), {mode: lambda self: None})
        assert OptimizerTemplate(with_mode(module.parameters(), lr=0.1), module).has_modes


def test_a_group_without_a_rate() -> None:
    module = model()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    del optimizer.param_groups[0]["lr"]
    with pytest.raises(UnsupportedOptimizerError, match=r'have a learning rate, "lr", got \'SGD\''):
        OptimizerTemplate(optimizer, module)


def test_a_step_that_a_scheduler_wrapped_is_not_copied() -> None:
    """The wrapper would step the original."""
    module = model()
    original = torch.optim.SGD(module.parameters(), lr=0.1)
    torch.optim.lr_scheduler.StepLR(original, 3)
    assert "step" in vars(original)
    before = module[0].weight.detach().clone()
    for value in module.parameters():
        value.grad = torch.ones_like(value)
    tensors = {name: torch.zeros_like(value) for name, value in module.named_parameters()}
    new = OptimizerTemplate(original, module).over(tensors)
    for tensor in tensors.values():
        tensor.grad = torch.ones_like(tensor)
    new.step()
    assert torch.equal(module[0].weight.detach(), before)
    torch.testing.assert_close(tensors["0.weight"], torch.full_like(before, -0.1))
