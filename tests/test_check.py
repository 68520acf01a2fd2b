import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate import _check
from rightrate.errors import ConfigError


@given(st.integers(), st.integers())
def test_integer_takes_what_is_high_enough(value: int, low: int) -> None:
    if value >= low:
        assert _check.integer("f(n=...)", value, low=low) == value
    else:
        with pytest.raises(ConfigError, match=rf"^f\(n=...\) must be an integer >= {low}, got {value}\.$"):
            _check.integer("f(n=...)", value, low=low)


def test_integer_returns_a_plain_int() -> None:
    assert type(_check.integer("f(n=...)", np.int64(3), low=1)) is int


@pytest.mark.parametrize("value", [True, 1.0, "1", None, [1], math.nan])
def test_integer_refuses_other_kinds(value: object) -> None:
    with pytest.raises(ConfigError, match=r"f\(n=...\) must be an integer >= 0, got .*\. Count steps\.$"):
        _check.integer("f(n=...)", value, low=0, advice="Count steps.")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_without_bounds_takes_every_finite_float(value: float) -> None:
    assert _check.number("f(x=...)", value) == value


@pytest.mark.parametrize("value", [2, np.float32(2), np.array(2.0), Fraction(2)])
def test_number_returns_a_plain_float(value: object) -> None:
    number = _check.number("f(x=...)", value)
    assert type(number) is float
    assert number == 2.0


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (math.nan, {}, r"must be a finite number, got nan\."),
        (math.inf, {}, r"must be a finite number, got inf\."),
        (10**400, {}, r"must be a finite number, got 1000"),
        (True, {}, r"must be a finite number, got True\."),
        ("1", {}, r"must be a finite number, got '1'\."),
        (b"1", {}, r"must be a finite number, got b'1'\."),
        (None, {}, r"must be a finite number, got None\."),
        ([1.0, 2.0], {}, r"must be a finite number, got \[1.0, 2.0\]\."),
        (-0.1, {"low": 0.0}, r"must be a finite number >= 0, got -0.1\."),
        (0.0, {"above": 0.0}, r"must be a finite number > 0, got 0.0\."),
        (1.1, {"low": 0.0, "high": 1.0}, r"must be a finite number in \[0, 1\], got 1.1\."),
        (-0.1, {"low": 0.0, "high": 1.0}, r"must be a finite number in \[0, 1\], got -0.1\."),
        (1.1, {"above": 0.0, "high": 1.0}, r"must be a finite number in \(0, 1\], got 1.1\."),
        (0.0, {"above": 0.0, "high": 1.0}, r"must be a finite number in \(0, 1\], got 0.0\."),
        (2.0, {"high": 1.0}, r"must be a finite number <= 1, got 2.0\."),
    ],
)
def test_number_refuses(value: object, bounds: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=r"^f\(x=...\) " + message):
        _check.number("f(x=...)", value, **bounds)


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.0, {"low": 0.0}),
        (0.0, {"low": 0.0, "high": 1.0}),
        (1.0, {"low": 0.0, "high": 1.0}),
        (1e-300, {"above": 0.0}),
        (1.0, {"above": 0.0, "high": 1.0}),
        (-5.0, {"high": 1.0}),
    ],
)
def test_number_takes_its_bounds(value: float, bounds: dict[str, float]) -> None:
    assert _check.number("f(x=...)", value, **bounds) == value


def test_advice_ends_the_message() -> None:
    with pytest.raises(ConfigError, match=r"got 0\. More is better\.$"):
        _check.number("f(x=...)", 0, above=0.0, advice="More is better.")
    with pytest.raises(ConfigError, match=r"got 'c'\. Take a\.$"):
        _check.choice("f(x=...)", "c", ("a", "b"), advice="Take a.")


def test_choice_lists_what_is_allowed() -> None:
    assert _check.choice("f(x=...)", "b", ("a", "b")) == "b"
    with pytest.raises(ConfigError, match=r"^f\(x=...\) must be one of 'a', 'b', got 'c'\.$"):
        _check.choice("f(x=...)", "c", ("a", "b"))


def test_what_is_kept_replaces_a_frozen_field():
    @dataclass(frozen=True)
    class Frozen:
        x: float

    frozen = Frozen(np.float32(0.5))
    _check.keep(frozen, x=_check.number("f(x=...)", frozen.x))
    assert type(frozen.x) is float
