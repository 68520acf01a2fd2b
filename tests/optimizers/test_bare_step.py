"""Torch's optimizers without what is wrapped around their steps."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rightrate.optimizers.catalogue import named, names
from rightrate.optimizers.template import bare_step


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(3, generator=generator, dtype=torch.float64)) for _ in range(2)]


def gradients() -> list[list[Tensor]]:
    generator = torch.Generator().manual_seed(1)
    sizes = (1.0, 0.0, 1e-6, 1e6, 3.0, 0.1)
    return [
        [size * torch.randn(3, generator=generator, dtype=torch.float64) for _ in range(2)] for size in sizes
    ]


@pytest.mark.parametrize("name", names())
def test_it_is_the_step(name: str) -> None:
    info = named(name)
    cls: Any = getattr(torch.optim, info.torch_class)
    wrapped, plain = parameters(), parameters()
    whole, bare = (cls(values, **{"lr": 1e-2, **info.options}) for values in (wrapped, plain))
    step = bare_step(bare)
    assert step is not None
    for row in gradients():
        for values in (wrapped, plain):
            for value, gradient in zip(values, row, strict=True):
                value.grad = gradient.clone()
        whole.step()
        with torch.no_grad():
            step(bare)
        assert all(torch.equal(first, second) for first, second in zip(wrapped, plain, strict=True))
    assert not torch.equal(plain[0], parameters()[0])


class Own(torch.optim.SGD):
    pass


def test_hooks_and_optimizers_of_others_are_called_as_they_are() -> None:
    assert bare_step(Own(parameters(), lr=0.1)) is None
    assert bare_step(torch.optim.SGD(parameters(), lr=0.1, differentiable=True)) is None
    for register in ("register_step_pre_hook", "register_step_post_hook"):
        optimizer = torch.optim.SGD(parameters(), lr=0.1)
        assert bare_step(optimizer) is not None
        handle = getattr(optimizer, register)(lambda *arguments: None)
        assert bare_step(optimizer) is None
        handle.remove()
        assert bare_step(optimizer) is not None
