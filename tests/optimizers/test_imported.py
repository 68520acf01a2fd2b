"""Optimizers by the path they are imported from."""

import pytest
import torch
from torch import nn

from rightrate.errors import ConfigError
from rightrate.optimizers.imported import imported, is_path
from rightrate.optimizers.resolve import resolve


def test_a_path_has_a_dot():
    assert is_path("torch.optim.SGD")
    assert not is_path("sgd")
    assert not is_path(torch.optim.SGD)


def test_a_path_is_the_class():
    assert imported("x", "torch.optim.SGD") is torch.optim.SGD
    spec = resolve("torch.optim.SGD", options={"momentum": 0.5})
    built = spec.build(nn.Linear(2, 1))
    assert (spec.label, type(built)) == ("torch.optim.SGD(momentum=0.5)", torch.optim.SGD)
    assert built.defaults["momentum"] == 0.5


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "no_such_package.Adam",
            r"got 'no_such_package.Adam'\. Python says: No module named 'no_such_package'\.",
        ),
        (
            "torch.optim.Adamm",
            r"got 'torch.optim.Adamm'\. Python says: module 'torch.optim' has no attribute",
        ),
        (
            "torch.optim.adam.__name__",
            r"Python says: No module named 'torch.optim.adam.Adam'|That is a str\.",
        ),
        (".Adam", r"got '\.Adam'\. Python says: Empty module name\."),
        ("..Adam", r"got '\.\.Adam'\. Python says: "),
        ("torch.", r"got 'torch\.'\. Python says: "),
    ],
)
def test_mistakes(path, message):
    with pytest.raises(
        ConfigError, match=r"^find\(optimizer=...\) must be a class that can be imported, .*" + message
    ):
        resolve(path)
