import io

import numpy as np
import pytest

import rightrate as rr
from rightrate.descent import Descent, Until, figure
from rightrate.errors import ConfigError


def bowl(lr: float, x0: object) -> Descent:
    return rr.descend(lambda x: float(np.sum(x**2)), x0, lr=lr)  # type: ignore[arg-type]


@pytest.mark.parametrize("x0", [1.0, [1.0], [1.0, 2.0], [1.0, 2.0, 3.0], [0.0, 0.0]])
def test_side_by_side(x0: object) -> None:
    made = figure([bowl(lr, x0) for lr in (1e-4, 0.3, 1.2)])
    assert len(made.axes) == 6
    made.savefig(io.BytesIO(), format="png", dpi=40)
    if np.any(x0):
        titles = [axes.get_title() for axes in made.axes[:3]]
        assert titles == ["lr 0.0001: slow", "lr 0.3: converged", "lr 1.2: diverged"]


def test_the_path_is_drawn_from_its_start_point_by_point() -> None:
    result = bowl(0.25, [4.0, 2.0])
    top, bottom = result.plot().axes
    np.testing.assert_allclose(top.lines[0].get_xydata()[:3], [[4, 2], [2, 1], [1, 0.5]], rtol=1e-9)
    assert top.lines[2].get_xydata().tolist() == [[4.0, 2.0]]
    assert len(top.collections) == 1
    assert np.array_equal(bottom.lines[0].get_ydata(), result.gradient_norms)
    assert top.get_xlabel() == "x[0]"


def test_a_long_schedule_is_a_title_of_several_lines() -> None:
    text = "piecewise(40: 0.1, 70: 0.01, 100: 0.001)"
    top, _ = rr.descend(lambda x: x**2, 1.0, lr=text).plot().axes
    assert " ".join(top.get_title().split("\n")) == f"lr {text}: slow"
    assert max(map(len, top.get_title().split("\n"))) <= 40


def test_a_path_that_would_cover_the_function_is_faint() -> None:
    paths = [rr.descend(lambda x: x**2, 1.0, lr=1.0, until=Until(steps=steps)) for steps in (399, 400)]
    assert [result.plot().axes[0].lines[1].get_alpha() for result in paths] == [0.85, 0.3]


def test_one_variable_is_drawn_with_its_graph_and_its_name() -> None:
    result = rr.descend(lambda x: x**2, 1.0, lr=0.3, names=("width",))
    top, _ = result.plot().axes
    graph = top.lines[0].get_xydata()
    np.testing.assert_allclose(graph[:, 1], graph[:, 0] ** 2)
    assert (top.get_xlabel(), top.get_ylabel()) == ("width", "value")


def test_a_function_with_holes_is_drawn() -> None:
    result = rr.descend(lambda x: x - np.log(x), 0.5, lr=0.1)
    result.plot().savefig(io.BytesIO(), format="png", dpi=40)
    flat = rr.descend(lambda x: x[0] * 0.0 + 3.0, [1.0, 2.0])
    flat.plot().savefig(io.BytesIO(), format="png", dpi=40)
    never = Until(absolute=0.0, relative=0.0)
    still = rr.descend(lambda x: x**2, 0.0, until=never)
    still.plot().savefig(io.BytesIO(), format="png", dpi=40)


def test_negative_values_of_many_variables_are_drawn_on_a_plain_axis() -> None:
    result = rr.descend(lambda x: float(np.sum(x**2)) - 5.0, np.ones(3), lr=0.1)
    top, _ = result.plot().axes
    assert top.get_yscale() == "linear"
    assert bowl(0.1, np.ones(3)).plot().axes[0].get_yscale() == "log"


@pytest.mark.parametrize("starts", [(), (1.0, [1.0, 2.0])])
def test_one_function_and_one_descent_at_least(starts: tuple[object, ...]) -> None:
    with pytest.raises(ConfigError, match=r"figure\(results\) must be one or more descents of one function"):
        figure([bowl(0.1, x0) for x0 in starts])
