"""The table of optimizers known by name, against torch itself."""

import inspect
from dataclasses import FrozenInstanceError

import pytest
import torch

from rightrate.errors import ConfigError
from rightrate.optimizers.catalogue import CATALOGUE, named, names


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
        ConfigError, match=r"must be one of 'sgd', 'momentum', .* got 'lion'\. Any torch\.optim"
    ):
        named("lion")
