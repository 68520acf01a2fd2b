"""Forward differentiation: rules by hand, and held to torch's backward one."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rightrate.descent import dual
from rightrate.descent.dual import Dual

A = Dual(np.float64(3.0), np.array([1.0, 0.0]))
B = Dual(np.float64(2.0), np.array([5.0, 1.0]))


@pytest.mark.parametrize(
    ("made", "value", "slopes"),
    [
        (dual.added(A, B), 5.0, [6.0, 1.0]),
        (dual.subtracted(A, B), 1.0, [-4.0, -1.0]),
        (dual.multiplied(A, B), 6.0, [17.0, 3.0]),  # 3 * 5 + 2 * 1, 3 * 1
        (dual.divided(A, B), 1.5, [-3.25, -0.75]),  # (1 * 2 - 3 * 5) / 4, -3 / 4
        (dual.raised(A, B), 9.0, [6.0 + 45 * math.log(3), 9 * math.log(3)]),
        (dual.higher(A, B), 3.0, [1.0, 0.0]),
        (dual.lower(A, B), 2.0, [5.0, 1.0]),
        (dual.FUNCTIONS["sqrt"](A), math.sqrt(3), [0.5 / math.sqrt(3), 0.0]),
    ],
)
def test_rules_by_hand(made: Dual, value: float, slopes: list[float]) -> None:
    assert made.value == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(made.slopes, slopes, rtol=1e-15)


@pytest.mark.parametrize("name", dual.FUNCTIONS)
@settings(deadline=None, max_examples=25)
@given(x=st.floats(0.01, 5.0))
def test_functions_are_those_of_torch(name: str, x: float) -> None:
    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    expected = getattr(torch, name)(at)
    expected.backward()
    made = dual.FUNCTIONS[name](Dual(np.float64(x), np.array([1.0])))
    assert made.value == pytest.approx(expected.item(), rel=1e-12)
    assert made.slopes[0] == pytest.approx(at.grad.item(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("base", "exponent", "slopes"),
    [
        (Dual(np.float64(0.0), np.array([1.0])), Dual(np.float64(2.0), np.array([0.0])), 0.0),
        (Dual(np.float64(0.0), np.array([1.0])), Dual(np.float64(0.0), np.array([0.0])), 0.0),
        (Dual(np.float64(0.0), np.array([0.0])), Dual(np.float64(2.0), np.array([1.0])), 0.0),
        (Dual(np.float64(-2.0), np.array([1.0])), Dual(np.float64(3.0), np.array([0.0])), 12.0),
    ],
)
def test_powers_at_zero_and_below(base: Dual, exponent: Dual, slopes: float) -> None:
    assert dual.raised(base, exponent).slopes.tolist() == [slopes]


@pytest.mark.parametrize("choose", [dual.higher, dual.lower])
def test_of_equal_ones_the_first_and_nothing_hides_what_is_undefined(
    choose: Callable[..., Dual],
) -> None:
    same = Dual(A.value, np.array([9.0, 9.0]))
    undefined = Dual(np.float64("nan"), np.zeros(2))
    assert choose(A, same) is A
    assert choose(same, A, same) is same
    assert choose(A, undefined, B) is undefined
    assert choose(undefined, A) is undefined
