import numpy as np
import pytest

import rightrate as rr
from rightrate.descent import Descent, Until
from rightrate.descent.view import Window, drawn, window_of

BOX = Window(across=(-1.0, 1.0), up=(-2.0, 2.0))


def bowl(lr: float, x0: object = (1.0, 1.0), steps: int = 50) -> Descent:
    return rr.descend(lambda x: float(np.sum(x**2)), x0, lr=lr, until=Until(steps=steps))  # type: ignore[arg-type]


def holds(window: Window, point: tuple[float, float]) -> bool:
    return window.across[0] < point[0] < window.across[1] and window.up[0] < point[1] < window.up[1]


def test_a_path_inside_is_drawn_whole() -> None:
    path = np.array([[0.0, 0.0], [5.9, 11.9]])
    assert drawn(path, BOX) is path


def test_a_path_that_leaves_is_cut_where_it_is_far_outside() -> None:
    path = np.array([[0.0, 0.0], [1.0, 1.0], [1e9, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(drawn(path, BOX), [[0.0, 0.0], [1.0, 1.0], [13.0, 1.0]], rtol=1e-6)


@pytest.mark.parametrize("off", [np.nan, np.inf])
def test_points_that_are_no_numbers_are_not_drawn(off: float) -> None:
    assert drawn(np.array([[0.0, 0.0], [0.5, 0.0], [off, 0.0]]), BOX).tolist() == [[0.0, 0.0], [0.5, 0.0]]


def test_the_window_holds_start_and_minimum_and_ignores_what_ran_away() -> None:
    calm = bowl(0.1)
    alone, both = window_of([calm]), window_of([calm, bowl(40.0)])
    assert alone == both
    assert holds(alone, (1.0, 1.0))
    assert holds(alone, (0.0, 0.0))
    assert alone.across[1] < 2.0


def test_first_steps_that_are_near_are_seen_too() -> None:
    wide = window_of([bowl(0.1), bowl(1.05)])
    assert holds(wide, (-1.1, -1.1))
    assert not holds(window_of([bowl(0.1)]), (-1.1, -1.1))


def test_where_all_ran_away_the_first_three_points_are_seen() -> None:
    assert holds(window_of([bowl(2.0)]), (9.0, 9.0))


@pytest.mark.parametrize("x0", [2.0, [2.0]])
def test_one_variable_is_drawn_over_its_graph(x0: object) -> None:
    window = window_of([bowl(0.1, x0)])
    assert holds(window, (2.0, 4.0))
    assert window.across[0] == pytest.approx(-0.6, abs=0.01)
    assert window.up == pytest.approx((-0.3, 4.6), abs=0.02)


@pytest.mark.parametrize("x0", [0.0, [0.0, 0.0]])
def test_a_path_of_one_point_has_a_window(x0: object) -> None:
    window = window_of([bowl(0.1, x0)])
    assert (window.sides > 0).all()
    assert holds(window, (0.0, 0.0))
