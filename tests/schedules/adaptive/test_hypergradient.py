import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rightrate.errors import ConfigError
from rightrate.schedules.adaptive import Hypergradient
from rightrate.testing import check_control

controls = st.builds(
    Hypergradient,
    rate=st.floats(min_value=1e-9, max_value=1e9),
    lowest=st.sampled_from([0.0, 1e-3]),
    highest=st.sampled_from([None, 0.01, 1e3]),
)


@given(controls, st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_conformance(control: Hypergradient, products: list[float]) -> None:
    check_control(control, products)


def test_gradient_descent_on_a_parabola_by_hand():
    # f = x ** 2 / 2 has the gradient x. From x = 1 with lr = 0.1: x = 0.9, the product is 1 * 0.9, and
    # lr = 0.1 + 0.5 * 0.9 = 0.55. Then x = 0.9 - 0.55 * 0.9 = 0.405, and lr = 0.55 + 0.5 * 0.9 * 0.405.
    control = Hypergradient(rate=0.5)
    state = control.init(0.1)
    lr, state = control.update(state, 1.0 * 0.9)
    assert lr == pytest.approx(0.55, rel=1e-12)
    lr, state = control.update(state, 0.9 * 0.405)
    assert lr == pytest.approx(0.73225, rel=1e-12)
    assert state == {"lr": lr}


def test_the_product_is_the_derivative_of_the_loss_by_the_rate():
    generator = torch.Generator().manual_seed(3)
    matrix = torch.randn(5, 4, dtype=torch.float64, generator=generator)
    target = torch.randn(5, dtype=torch.float64, generator=generator)

    def loss(theta: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.softplus(matrix @ theta - target).square().sum()

    theta = torch.randn(4, dtype=torch.float64, generator=generator, requires_grad=True)
    before = torch.autograd.grad(loss(theta), theta)[0]
    rate = torch.tensor(0.05, dtype=torch.float64, requires_grad=True)
    moved = theta.detach() - rate * before
    by_rate = torch.autograd.grad(loss(moved), rate)[0]
    place = moved.detach().requires_grad_()
    after = torch.autograd.grad(loss(place), place)[0]

    control = Hypergradient(rate=0.01)
    lr, _ = control.update(control.init(0.05), after @ before)
    assert lr == pytest.approx(0.05 - 0.01 * float(by_rate), rel=1e-12)


def test_it_finds_a_rate_where_the_first_is_too_low_and_where_it_is_too_high():
    def last_loss(lr: float, rate: float) -> float:
        curvature, place = np.array([1.0, 4.0]), np.array([1.0, 1.0])
        control, before = Hypergradient(rate=rate), None
        state = control.init(lr)
        for _ in range(30):
            gradient = curvature * place
            if before is not None:
                lr, state = control.update(state, float(gradient @ before))
            place, before = place - lr * gradient, gradient
        return float(curvature @ place**2)

    assert last_loss(0.001, 0.001) < 0.1 * last_loss(0.001, 1e-15)
    assert last_loss(0.49, 0.001) < last_loss(0.49, 1e-15)


@pytest.mark.parametrize(
    ("control", "product", "expected"),
    [
        (Hypergradient(rate=0.1), -5.0, 0.0),
        (Hypergradient(rate=0.1, lowest=0.05), -5.0, 0.05),
        (Hypergradient(rate=0.1, highest=0.3), 5.0, 0.3),
        (Hypergradient(rate=0.2), 5.0, 1.1),
        (Hypergradient(rate=0.1), math.nan, 0.1),
        (Hypergradient(rate=0.1, highest=0.3), math.inf, 0.1),
        (Hypergradient(rate=0.1, lowest=0.05), -math.inf, 0.1),
        (Hypergradient(rate=10.0), 1e308, 0.1),
    ],
    ids=repr,
)
def test_limits_and_what_is_not_finite(control: Hypergradient, product: float, expected: float) -> None:
    lr, state = control.update(control.init(0.1), product)
    assert lr == pytest.approx(expected, rel=1e-12)
    assert state == {"lr": lr}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0.0}, r"\(rate=\.\.\.\) must be a finite number > 0, got 0\.0\."),
        ({"lowest": -1.0}, r"\(lowest=\.\.\.\) must be a finite number >= 0, got -1\.0\."),
        ({"highest": 0.0}, r"\(highest=\.\.\.\) must be a finite number > 0, got 0\.0\."),
        ({"lowest": 0.5, "highest": 0.1}, r"\(highest=\.\.\.\) must be at least lowest=0\.5, got 0\.1\."),
    ],
)
def test_bad_fields_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^Hypergradient{message}"):
        Hypergradient(**{"rate": 0.1, **options})


def test_bad_rates_and_observations_are_refused():
    control = Hypergradient(rate=0.1)
    with pytest.raises(
        ConfigError, match=r"^Hypergradient\.init\(lr\) must be a finite number > 0, got -1\."
    ):
        control.init(-1)
    with pytest.raises(
        ConfigError, match=r"^Hypergradient\.update\(observation\) must be one number, got None"
    ):
        control.update(control.init(0.1), None)
