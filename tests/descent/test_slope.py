import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.descent.slope import norm, slope_of, value_of


@given(st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=5))
def test_norm(numbers: list[float]) -> None:
    assert norm(np.array(numbers)) == pytest.approx(math.hypot(*numbers), rel=1e-12)


def test_norm_where_squares_leave_the_numbers() -> None:
    assert norm(np.array([3e200, 4e200])) == pytest.approx(5e200, rel=1e-15)
    assert norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200, rel=1e-15)
    assert norm(np.zeros(3)) == 0.0
    assert norm(np.array([1.0, np.inf])) == math.inf
    assert math.isnan(norm(np.array([1.0, np.nan])))
    assert norm(np.float64(-2.0)) == 2.0  # type: ignore[arg-type]


def test_finite_differences_are_exact_on_parabolas_and_scale_with_x() -> None:
    slope = slope_of(lambda x: float(np.sum(x**2)), "finite differences")
    value, g = slope(np.array([5.0, -3.0]))
    assert value == 34.0
    np.testing.assert_allclose(g, [10.0, -6.0], rtol=1e-9)
    assert slope(np.array([1e6]))[1][0] == pytest.approx(2e6, rel=1e-9)


def test_a_number_stays_a_number_and_a_table_a_table() -> None:
    seen = []
    slope = slope_of(lambda x: seen.append(np.shape(x)) or float(np.sum(x)), None)
    assert np.shape(slope(np.float64(2.0))[1]) == ()  # type: ignore[arg-type]
    assert slope(np.ones((2, 3)))[1].shape == (2, 3)
    assert seen == [()] * 3 + [(2, 3)] * 13


def test_overflow_in_python_is_infinity() -> None:
    value, g = slope_of(lambda x: math.exp(x), lambda x: math.exp(x))(np.float64(1e4))  # type: ignore[arg-type]
    assert (value, float(g)) == (math.inf, math.inf)
    assert value_of(lambda x: math.exp(x), None)(np.float64(0.0)) == 1.0  # type: ignore[arg-type]


def test_autograd_is_exact() -> None:
    value, g = slope_of(lambda x: (x**3).sum(), "autograd")(np.array([2.0, -1.0]))
    assert (value, g.tolist()) == (7.0, [12.0, 3.0])
    assert value_of(lambda x: (x**3).sum(), "autograd")(np.array([2.0])) == 8.0
