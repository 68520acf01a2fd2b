"""What kind of place it is at which the gradient is near zero."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rightrate.descent.place import place_of
from rightrate.descent.slope import slope_of


def place(f: Callable[[Any], Any], x: Any, reach: float = 1.0, fallen: float = 1.0) -> str:
    return place_of(slope_of(f, None), np.array(x)[()], reach=reach, fallen=fallen)


@pytest.mark.parametrize(
    ("f", "x", "kind"),
    [
        (lambda x: x[0] ** 2 - x[1] ** 2, [0.0, 0.0], "saddle"),
        (lambda x: x[0] * x[1], [0.0, 0.0], "saddle"),
        (lambda x: 1e-12 * (x[0] ** 2 - x[1] ** 2), [0.0, 0.0], "saddle"),
        (np.cos, 0.0, "saddle"),
        (
            lambda x: x[0] ** 2 - 1e-5 * x[1] ** 2,
            [0.0, 0.0],
            "minimum",
        ),  # within the noise of what is looked at
        (lambda x: x[0] ** 2 + x[1] ** 2, [0.0, 0.0], "minimum"),
        (lambda x: x[0] ** 2 + x[1] ** 4, [0.0, 0.0], "minimum"),
        (lambda x: x**4, 0.015, "minimum"),
        (lambda x: 7.0 + 0.0 * x, 0.0, "minimum"),
        (lambda x: x[0] ** 2, [0.0, 3.0], "minimum"),
        (lambda x: x[0] ** 3, [0.0], "ledge"),
        (lambda x: x**3, 1e-3, "ledge"),
        (lambda x: 5 - x**3, 0.0, "ledge"),
        (lambda x: x[0] ** 2 + (x[1] - 2) ** 3, [0.0, 2.0], "ledge"),
        (lambda x: x**3 + x**4 / 2, 0.0, "ledge"),  # it falls until -1.5
        (lambda x: np.tanh(x), 20.0, "minimum"),  # lost in rounding
        (lambda x: float("nan") if x[0] != 0 else 0.0, [0.0], "minimum"),
    ],
)
def test_kinds(f: Callable[[Any], Any], x: Any, kind: str) -> None:
    assert place(f, x) == kind


def test_a_ledge_goes_on_as_far_as_is_looked() -> None:
    def f(x: Any) -> Any:
        return x**3 + x**4 / 2

    assert place(f, 0.0, reach=1.5) == "ledge"
    assert place(f, 0.0, reach=4.0) == "minimum"


def test_a_ledge_falls_by_a_thousandth_of_what_was_fallen() -> None:
    assert place(lambda x: 0.0011 * x**3, 0.0) == "ledge"
    assert place(lambda x: 0.0009 * x**3, 0.0) == "minimum"
    assert place(lambda x: 0.0009 * x**3, 0.0, fallen=0.0) == "ledge"


def test_among_more_than_50_variables_nothing_is_looked_at() -> None:
    assert place(lambda x: -(x**2).sum(), np.zeros(50)) == "saddle"
    assert place(lambda x: -(x**2).sum(), np.zeros(51)) == "minimum"
