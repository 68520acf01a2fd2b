import math

import pytest

from rightrate.cli.scatter import scatter


def test_by_hand() -> None:
    shown = scatter([("a", [1000.0, 10.0]), ("b", [100.0, 1.0])], width=8, height=4)
    assert shown.splitlines() == [
        "   1e+03 |a",
        "         |b",
        "         |       a",
        "       1 |       b",
        "         +--------",
        "          0      1  step",
    ]


def test_a_line_lies_below_the_letters() -> None:
    rows = scatter([("a", [1.0, 100.0])], line=1.0, width=8, height=2).splitlines()
    assert rows[:2] == ["   1e+02 |       a", "       1 |a - - -"]


def test_a_line_widens_the_axis() -> None:
    assert (
        scatter([("a", [1.0, 10.0])], line=1e-3, width=8, height=5)
        .splitlines()[4]
        .startswith("   0.001 |- -")
    )


@pytest.mark.parametrize("values", [[], [0.0], [math.nan, math.inf, -1.0]])
def test_nothing_to_draw_is_nothing(values: list[float]) -> None:
    assert scatter([("a", values)]) == ""


def test_one_point_and_one_level() -> None:
    assert "a" in scatter([("a", [5.0])])
    assert scatter([("a", [5.0, 5.0])], width=8, height=2).splitlines()[0] == "       5 |a      a"


def test_a_linear_axis_has_zero_on_it() -> None:
    shown = scatter([("a", [0.0, 2.0, 4.0])], axis="linear", width=8, height=3).splitlines()
    assert shown[:3] == ["       4 |       a", "         |    a", "       0 |a"]
    assert scatter([("a", [3.0, 4.0])], axis="linear").splitlines()[13].startswith("       0 |")


def test_values_stand_at_their_places() -> None:
    shown = scatter([("a", [1.0, 1.0])], places=[0, 2], width=9, height=2)
    assert shown.splitlines()[0] == "       1 |a       a"
    three = scatter([("a", [1.0, 1.0, 1.0])], places=[0, 500, 2000], width=9, height=2).splitlines()
    assert three[0] == "       1 |a a     a"
    assert three[-1].endswith("0  step")
    assert "2,000" in three[-1]


def test_a_line_at_zero_is_left_out() -> None:
    assert "-" not in scatter([("a", [1.0, 2.0])], line=0.0, width=8, height=2).splitlines()[1]
