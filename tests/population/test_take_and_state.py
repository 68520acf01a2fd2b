"""Copying members, splitting tables, saving and loading: nothing may show that it happened."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from tests.population.models import (
    MODELS,
    Case,
    assert_same,
    rates,
    serial_of,
    setup_of,
    stacked_of,
)
from torch import Tensor, nn

from rightrate.errors import ConfigError
from rightrate.population import Population, Setup

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop")

PEAKS = (1e-3, 3e-2, 0.3)


def flat(state: Any, path: str = "") -> dict[str, Any]:
    """Return a nested state as one dict of leaves."""
    if isinstance(state, Mapping):
        parts = [flat(value, f"{path}/{key}") for key, value in state.items()]
        return {name: leaf for part in parts for name, leaf in part.items()}
    if isinstance(state, list):
        return flat(dict(enumerate(state)), path)
    return {path: state}


def assert_identical(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    left, right = flat(found), flat(expected)
    assert left.keys() == right.keys()
    for name, value in right.items():
        if isinstance(value, Tensor):
            assert value.dtype == left[name].dtype, name
            # As bytes, so that one NaN equals another.
            assert value.numpy().tobytes() == left[name].numpy().tobytes(), name
        else:
            assert left[name] == value, name


@pytest.fixture(params=["stacked", "serial"])
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return stacked_of if request.param == "stacked" else serial_of


@pytest.mark.parametrize(
    ("model", "optimizer"), [("mlp", "adagrad"), ("cnn", "momentum"), ("dropout", "nadam"), ("tied", "adamw")]
)
def test_take_then_advance_is_never_having_had_the_others(
    make: Callable[..., Any], model: str, optimizer: str
) -> None:
    setup = setup_of(model, optimizer)
    three, two = make(setup, 3), make(setup, 2)
    first, second = rates(PEAKS, 7), rates(PEAKS, 6, start=7)
    three.advance(first)
    two.advance(first[:, [2, 0]])
    kept = three.take([2, 0])
    np.testing.assert_allclose(kept.advance(second[:, [2, 0]]), two.advance(second[:, [2, 0]]), rtol=1e-9)
    assert (kept.size, kept.step) == (2, 13)
    for name, row in two.evaluate().items():
        np.testing.assert_allclose(kept.evaluate()[name], row, rtol=1e-9)


def test_copies_of_a_member_go_their_own_ways(make: Callable[..., Any]) -> None:
    setup = setup_of("cnn", "adamw")
    population = make(setup, 3)
    population.advance(rates(PEAKS, 5))
    fork = population.take([0, 0, 2])
    later = rates((1e-3, 0.2, 0.3), 5, start=5)
    losses = fork.advance(later)
    assert losses[0, 0] == losses[0, 1]
    assert (losses[1:, 0] != losses[1:, 1]).all()
    np.testing.assert_allclose(losses[:, [0, 2]], population.advance(later)[:, [0, 2]], rtol=1e-9)


def test_the_parent_stays_as_it_was(make: Callable[..., Any]) -> None:
    setup = setup_of("cnn", "adamw")
    population, untouched = make(setup, 3), make(setup, 3)
    for each in (population, untouched):
        each.advance(rates(PEAKS, 5))
    before = copy.deepcopy(population.state_dict())
    fork = population.take([1, 1])
    fork.advance(rates((0.5, 1e306), 8))
    fork.recalibrate(2)
    assert_identical(population.state_dict(), before)
    later = rates(PEAKS, 5, start=5)
    assert np.array_equal(population.advance(later), untouched.advance(later))
    assert_identical(population.state_dict(), untouched.state_dict())
    assert population.step == 10


@pytest.mark.parametrize(
    ("model", "split", "steps"),
    [("cnn", 1, 9), ("dropout", 7, 9), ("lstm", 4, 9), ("dropout", 31, 40), ("dropout", 39, 40)],
)
def test_advance_is_exact_under_splitting(model: str, split: int, steps: int) -> None:
    """Inside and across the blocks of 32 steps that go to the kernel at once."""
    setup = setup_of(model, "nadam")
    case = MODELS[model]
    table = rates(PEAKS, steps)
    whole, parts = (
        stacked_of(setup, 3, form=case.forms[0], together=case.together, chunk=chunk) for chunk in (3, 3)
    )
    expected = whole.advance(table)
    found = np.concatenate([parts.advance(table[:split]), parts.advance(table[split:])])
    assert np.array_equal(found, expected)
    assert_identical(parts.state_dict(), whole.state_dict())


def test_serial_advance_is_exact_under_splitting() -> None:
    setup = setup_of("dropout", "nadam", accumulate=2)
    table = rates(PEAKS, 9)
    whole, parts = serial_of(setup, 3), serial_of(setup, 3)
    expected = whole.advance(table)
    assert np.array_equal(np.concatenate([parts.advance(table[:4]), parts.advance(table[4:])]), expected)
    assert_identical(parts.state_dict(), whole.state_dict())


class Counting(nn.Module):
    """A buffer that changes and that `nn.Module.state_dict` leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 3)
        self.register_buffer("seen", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen += 0.1
        return self.body(x) * (1 + self.seen)


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [
        ("cnn", "nadam"),
        ("dropout", "momentum"),
        ("mlp", "sgd"),
        ("tied", "adagrad"),
        ("counting", "radam"),
    ],
)
def test_state_round_trip_is_bit_identical(make: Callable[..., Any], model: str, optimizer: str) -> None:
    case = Case(build=Counting) if model == "counting" else MODELS[model]
    setup = setup_of(case, optimizer)
    population = make(setup, 4)
    population.advance(rates((*PEAKS, 1e306), 6))
    saved = population.state_dict()
    frozen = copy.deepcopy(saved)
    later = rates((*PEAKS, 0.1), 5, start=6)
    expected = population.advance(later)
    # Twice: loading must neither take the saved tensors over nor depend on where the population stood.
    fresh, moved = make(setup, 4), make(setup, 4)
    moved.advance(rates((0.2, 0.2, 0.2, 0.2), 3))
    for other in (fresh, moved, fresh):
        other.load_state_dict(saved)
        assert_identical(other.state_dict(), frozen)
        assert other.alive == population.alive
        assert np.array_equal(other.advance(later), expected, equal_nan=True)
        assert_identical(other.state_dict(), population.state_dict())
    assert_identical(saved, frozen)


def test_a_weight_decay_for_each_member_is_saved() -> None:
    setup = setup_of("mlp", "adamw")
    population = stacked_of(setup, 2, weight_decay=[0.0, 0.5])
    population.advance(rates(PEAKS[:2], 3))
    other = stacked_of(setup, 2, weight_decay=[0.1, 0.1])
    other.load_state_dict(population.state_dict())
    later = rates(PEAKS[:2], 3, start=3)
    assert np.array_equal(other.advance(later), population.advance(later))


def test_a_state_before_the_first_step_round_trips(make: Callable[..., Any]) -> None:
    setup = setup_of("mlp", "adagrad")
    population, other = make(setup, 2), make(setup, 2)
    other.advance(rates(PEAKS[:2], 3))
    other.load_state_dict(population.state_dict())
    assert other.step == 0
    assert np.array_equal(other.advance(rates(PEAKS[:2], 3)), population.advance(rates(PEAKS[:2], 3)))


def test_states_of_something_else_are_refused(make: Callable[..., Any]) -> None:
    setup = setup_of("mlp", "adamw")
    population = make(setup, 2)
    population.advance(rates(PEAKS[:2], 3))
    before = copy.deepcopy(population.state_dict())
    kind = "stacked" if make is stacked_of else "serial"
    with pytest.raises(
        ConfigError, match=rf"a {kind} population with 2 members, got '{kind} with 3 members'"
    ):
        population.load_state_dict(make(setup, 3).state_dict())
    with pytest.raises(ConfigError, match=rf"a {kind} population with 2 members, got 'None with 0 members'"):
        population.load_state_dict({})
    other = serial_of if make is stacked_of else stacked_of
    with pytest.raises(ConfigError, match=rf"a {kind} population with 2 members, got '(serial|stacked) with"):
        population.load_state_dict(other(setup, 2).state_dict())
    with pytest.raises(
        ConfigError, match=r"with torch.float64 of shape \(.*\) as 'model.0.bias', got 'nothing'"
    ):
        population.load_state_dict(make(setup_of("cnn", "adamw"), 2).state_dict())
    narrow = make(setup_of("mlp", "adamw", dtype=torch.float32), 2).state_dict()
    with pytest.raises(ConfigError, match=r"with torch.float64 of shape .* got 'torch.float32 of shape"):
        population.load_state_dict(narrow)
    assert_identical(population.state_dict(), before)


@pytest.mark.parametrize("members", [[], [3], [-1], [0.5], ["0"]])
def test_take_needs_members_that_exist(make: Callable[..., Any], members: list[Any]) -> None:
    with pytest.raises(ConfigError, match=r"take\(members\) must be at least one index in \[0, 2\], got"):
        make(setup_of(), 3).take(members)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.zeros((4, 2)), r"a table of shape \(steps, 3\), a column for each member, got 'shape \(4, 2\)'"),
        (np.zeros(3), r"a table of shape \(steps, 3\).*got 'shape \(3,\)'"),
        (np.array([[0.1, 0.1, 0.1], [0.1, -0.1, 0.1]]), r"finite and >= 0.*got '-0.1 at row 1, member 1'"),
        (np.array([[0.1, 0.1, np.nan]]), r"finite and >= 0.*got 'nan at row 0, member 2'"),
        (np.array([[np.inf, 0.1, 0.1]]), r"finite and >= 0.*got 'inf at row 0, member 0'"),
    ],
)
def test_tables_that_are_refused(make: Callable[..., Any], table: np.ndarray, message: str) -> None:
    population = make(setup_of(), 3)
    with pytest.raises(ConfigError, match=rf"advance\(lr\) must be {message}"):
        population.advance(table)
    assert population.step == 0


def interrupted_once(population: Any, setup: Setup, error: type[BaseException]) -> None:
    """Advance with a stream that fails in the middle of a block."""
    real = population._next_batches
    calls = iter(range(100))

    def failing() -> Any:
        if next(calls) == 2:
            raise error
        return real()

    population._next_batches = failing
    try:
        with pytest.raises(error):
            population.advance(rates(PEAKS, 5))
    finally:
        del population._next_batches


def test_a_stacked_block_that_fails_changes_nothing() -> None:
    setup = setup_of("dropout", "adamw")
    population, other = stacked_of(setup, 3), stacked_of(setup, 3)
    for each in (population, other):
        each.advance(rates(PEAKS, 3))
    interrupted_once(population, setup, KeyboardInterrupt)
    assert_identical(population.state_dict(), other.state_dict())
    later = rates(PEAKS, 4, start=3)
    assert np.array_equal(population.advance(later), other.advance(later))


def test_both_engines_are_populations() -> None:
    def protocol(population: Population) -> tuple[int, int]:
        return population.size, population.step

    setup = setup_of()
    assert protocol(stacked_of(setup, 2)) == protocol(serial_of(setup, 2)) == (2, 0)
    assert_same(stacked_of(setup, 2), serial_of(setup, 2), rtol=1e-12)
