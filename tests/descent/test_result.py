import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import rightrate as rr
from rightrate.descent import Descent, Until
from rightrate.schedules import Constant


def descended(**more: Any) -> Descent:
    arguments = {"lr": 0.25, "gradient": lambda x: 2 * x, "until": Until(steps=2), **more}
    return rr.descend(lambda x: float(np.sum(x**2)), [4.0, 0.0], **arguments)


def test_to_dict_is_all_of_it() -> None:
    result = descended(names=("width", "height"))
    assert result.to_dict() == {
        "status": "slow",
        "message": result.message,
        "rule": "GradientDescent()",
        "lr": 0.25,
        "until": {"steps": 2, "absolute": 1e-8, "relative": 1e-6},
        "gradient": "given",
        "names": ["width", "height"],
        "steps": 2,
        "x": [1.0, 0.0],
        "value": 1.0,
        "path": [[4.0, 0.0], [2.0, 0.0], [1.0, 0.0]],
        "values": [16.0, 4.0, 1.0],
        "gradient_norms": [8.0, 4.0, 2.0],
        "lrs": [0.25, 0.25],
    }
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()


def test_numbers_that_are_not_finite_are_none() -> None:
    result = rr.descend(lambda x: np.exp(x**2), 3.0, lr=1.0)
    plain = result.to_dict()
    assert plain["status"] == "diverged"
    assert plain["values"][-1] is None
    json.dumps(plain, allow_nan=False)


@pytest.mark.parametrize(
    ("gradient", "said"), [(None, "finite differences"), ("finite differences", "finite differences")]
)
def test_where_the_gradient_came_from(gradient: Any, said: str) -> None:
    assert descended(gradient=gradient).question.gradient == said


def test_as_text() -> None:
    result = descended()
    assert str(result) == f"GradientDescent(), lr 0.25: slow. {result.message}"
    rates = Constant(peak=0.25, total_steps=2)
    assert descended(lr=rates).question.lr_text == "constant(2, peak=0.25)"
    assert descended(lr=rates).to_dict()["lr"] == "constant(2, peak=0.25)"


def test_rates_of_the_users_own_have_a_name() -> None:
    def falling(step: int) -> float:
        return 0.25 / (step + 1)

    class Falling:
        def __call__(self, step: int) -> float:
            return falling(step)

    @dataclass(frozen=True, kw_only=True)
    class Own(Constant):
        pass

    own = Own(peak=0.25, total_steps=2)
    texts = [descended(lr=lr).question.lr_text for lr in (falling, Falling(), own)]
    assert texts == ["falling", "Falling", str(own)]


def test_in_a_notebook() -> None:
    shown = descended()._repr_html_()
    assert shown.startswith("<p>GradientDescent(), lr 0.25: slow.")
    assert "<svg" in shown
