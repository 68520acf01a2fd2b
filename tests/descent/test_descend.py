"""The loop, and each status on problems with a known answer."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rightrate as rr
from rightrate.descent import Until
from rightrate.errors import ConfigError
from rightrate.optimizers.rules import Adam, AdamW, Momentum
from rightrate.schedules import Constant, Cosine, Linear, Piecewise

CURVATURES = np.array([1.0, 7.0])
L = 7.0


def bowl(x: Any) -> Any:
    return 0.5 * (CURVATURES * x**2).sum()


def slope(x: Any) -> Any:
    return CURVATURES * x


START = np.array([3.0, -2.0])


def test_steps_by_hand() -> None:
    result = rr.descend(lambda x: x**2, 8.0, lr=0.25, gradient=lambda x: 2 * x, until=Until(steps=3))
    assert result.path.tolist() == [8.0, 4.0, 2.0, 1.0]
    assert result.values.tolist() == [64.0, 16.0, 4.0, 1.0]
    assert result.gradient_norms.tolist() == [16.0, 8.0, 4.0, 2.0]
    assert result.lrs.tolist() == [0.25] * 3
    assert (result.x, result.value, result.steps) == (1.0, 1.0, 3)


@pytest.mark.parametrize(
    ("times", "status"),
    [(1e-4, "slow"), (0.5, "converged"), (1.0, "converged"), (1.9, "converged"), (2.0, "oscillating"),
     (2.02, "diverged"), (2.5, "diverged"), (40.0, "diverged")],
)  # fmt: skip
def test_rates_around_two_over_the_curvature(times: float, status: str) -> None:
    assert rr.descend(bowl, START, lr=times / L, gradient=slope).status == status


@settings(deadline=None, max_examples=40)
@given(
    curvatures=st.lists(st.floats(0.5, 5.0), min_size=1, max_size=4),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    times=st.floats(0.2, 1.8) | st.floats(2.1, 50.0),
)
def test_below_two_over_the_curvature_it_converges_above_it_diverges(
    curvatures: list[float], scale: float, times: float
) -> None:
    matrix = np.array(curvatures) * scale
    start = np.ones(len(curvatures))
    result = rr.descend(
        lambda x: 0.5 * (matrix * x**2).sum(), start, lr=times / matrix.max(), gradient=lambda x: matrix * x
    )
    assert result.status == ("converged" if times < 2 else "diverged")


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_momentum_is_stable_below_two_plus_two_beta(beta: float) -> None:
    """Heavy ball on a quadratic converges for lr below 2 (1 + beta) / L: Polyak (1964)."""
    rule = Momentum(beta=beta)
    edge = 2 * (1 + beta) / L
    assert rr.descend(bowl, START, rule, 0.95 * edge, gradient=slope).status == "converged"
    assert rr.descend(bowl, START, rule, 1.05 * edge, gradient=slope).status == "diverged"


def test_converged_by_hand() -> None:
    """x is divided by 10 a step; the gradient is near zero at 1e-6 of its start, after six steps."""
    result = rr.descend(lambda x: x**2, 1.0, lr=0.45, gradient=lambda x: 2 * x, until=Until(relative=1.5e-6))
    assert (result.status, result.steps) == ("converged", 6)
    assert "Converged after 6 steps: the gradient norm is 2e-06, near zero is 3e-06" in result.message


def test_converged_by_the_absolute_limit() -> None:
    until = Until(absolute=0.03, relative=0.0)
    result = rr.descend(lambda x: x**2, 1.0, lr=0.45, gradient=lambda x: 2 * x, until=until)
    assert (result.status, result.steps) == ("converged", 2)


def test_nothing_to_do() -> None:
    result = rr.descend(bowl, np.zeros(2))
    assert (result.status, result.steps, len(result.path)) == ("converged", 0, 1)
    assert result.message.startswith("Nothing to do: at the start the gradient norm is 0")


def test_slow_says_what_to_do() -> None:
    result = rr.descend(bowl, START, lr=1e-4, until=Until(steps=1))
    assert result.status == "slow"
    assert "Still on its way after 1 step: the gradient norm is 14" in result.message
    assert result.message.endswith("Raise the learning rate, or take more steps.")


def test_oscillating_between_two_points() -> None:
    result = rr.descend(lambda x: x**2, 1.0, lr=1.0, gradient=lambda x: 2 * x)
    assert np.array_equal(result.path[:4], [1.0, -1.0, 1.0, -1.0])
    assert result.status == "oscillating"
    assert "Goes to and fro, no nearer: in the last 500 steps it went and came back" in result.message
    assert result.message.endswith("Lower the learning rate, or let it fall.")


@pytest.mark.parametrize(("rule", "lr"), [("gradient descent", 0.995), ("adam", 1.0)])
def test_oscillating_but_closing_in(rule: str, lr: float) -> None:
    result = rr.descend(lambda x: x**2, 3.0, rule, lr, until=Until(steps=150))
    assert result.status == "oscillating"
    assert result.message.startswith("Goes to and fro, closing in: in the last 75 steps it went ")
    assert result.message.endswith("Lower the learning rate, or take more steps.")


def test_oscillating_around_a_kink() -> None:
    result = rr.descend(abs, 1.05, lr=0.1)
    assert result.status == "oscillating"
    assert abs(float(result.x)) < 0.1


def test_adam_with_a_high_rate_oscillates_and_a_schedule_heals_it() -> None:
    until = Until(steps=400, relative=1e-4)
    high = rr.descend(lambda x: abs(x) + x**2, 3.0, Adam(beta1=0.0, beta2=0.5), 0.5, until=until)
    assert high.status == "oscillating"
    rates = Linear(peak=0.5, total_steps=400)
    falling = rr.descend(lambda x: abs(x) + x**2, 3.0, Adam(beta1=0.0, beta2=0.5), rates, until=until)
    assert abs(float(falling.x)) < 0.1 * abs(float(high.x))


def test_diverged_says_how() -> None:
    result = rr.descend(lambda x: x**2, 1.0, lr=2.0)
    assert result.status == "diverged"
    assert "the value was" in result.message
    assert "from 1 at the start. Lower the learning rate." in result.message
    assert result.steps < 60


def test_diverged_slowly() -> None:
    result = rr.descend(bowl, START, lr=2.02 / L, until=Until(steps=60), gradient=slope)
    assert result.status == "diverged"
    assert result.message.startswith("The value rose from 18.5 to ")


def test_without_a_minimum() -> None:
    result = rr.descend(lambda x: -(x**4), 1.0)
    assert result.status == "diverged"
    assert "the function may have no minimum" in result.message


@pytest.mark.parametrize("f", [lambda x: math.exp(x**2), lambda x: np.exp(x**2)])
def test_overflow_is_divergence(f: Any) -> None:
    result = rr.descend(f, 3.0, lr=1.0)
    assert result.status == "diverged"
    assert "the value was no longer finite" in result.message


def test_a_rule_that_leaves_the_numbers() -> None:
    result = rr.descend(lambda x: x**2, 0.5, Adam(beta1=0.0, beta2=0.0, eps=0.0), lambda _: 1.7e308)
    assert result.status == "diverged"
    assert not np.isfinite(result.values[-1])


def test_stuck_on_a_saddle() -> None:
    result = rr.descend(lambda x: x[0] ** 2 - x[1] ** 2, [1.0, 0.0], gradient=lambda x: np.array([2, -2]) * x)
    assert result.status == "stuck"
    assert result.message.startswith("Came to, after 62 steps, a saddle or a maximum")


def test_stuck_on_a_slanted_saddle_and_on_a_maximum() -> None:
    assert rr.descend(lambda x: x[0] * x[1], [0.0, 0.0]).status == "stuck"
    top = rr.descend(np.cos, 0.0)
    assert (top.status, top.steps) == ("stuck", 0)
    assert top.message.startswith("Started on a saddle or a maximum")


@pytest.mark.parametrize("f", [lambda x: x**4, lambda x: 7.0 + 0.0 * x, lambda x: 1e6 + x**2])
def test_flat_minima_are_no_saddles(f: Any) -> None:
    assert rr.descend(f, 0.0).status == "converged"


def test_saddles_among_many_variables_are_not_looked_for() -> None:
    assert rr.descend(lambda x: -(x**2).sum(), np.zeros(51), gradient=lambda x: -2 * x).status == "converged"
    assert rr.descend(lambda x: -(x**2).sum(), np.zeros(50), gradient=lambda x: -2 * x).status == "stuck"


@pytest.mark.parametrize("rule", ["rmsprop", "adadelta"])
def test_stuck_on_an_inflection(rule: str) -> None:
    result = rr.descend(lambda x: x**3, 1.0, rule, 1.0 if rule == "adadelta" else 0.01)
    assert result.status == "stuck"
    assert "a flat place that is no minimum" in result.message
    assert "the function falls on and on. Start elsewhere." in result.message


def test_stuck_on_a_plateau() -> None:
    started = rr.descend(lambda x: 1e-9 * x**2, 1.0)
    assert (started.status, started.steps) == ("stuck", 0)
    assert started.message.startswith(
        "Started on a flat place that is no minimum: the gradient norm is 2e-09"
    )
    assert rr.descend(lambda x: 1e-9 * x**2, 0.0).status == "converged"


def test_thrown_far_off_and_slow_to_come_back() -> None:
    """RAdam's first steps are momentum's, of the size of the gradient; then they are about lr long."""
    result = rr.descend(lambda x: x[0] ** 2 + 100 * x[1] ** 2, [1.5, 1.5], "radam", 0.1)
    assert result.status == "slow"
    assert result.message.startswith("Went far off, and is on its way back after 1,000 steps")
    assert result.message.endswith("from 227.2 at the start. Lower the learning rate.")


def test_held_back_by_weight_decay() -> None:
    held = rr.descend(lambda x: (x - 1) ** 2, -3.0, "adamw", 0.1)
    assert (held.status, "Held back by the weight decay" in held.message) == ("slow", True)
    assert rr.descend(lambda x: (x - 1) ** 2, -3.0, AdamW(weight_decay=0.0), 0.1).status == "converged"
    low = rr.descend(lambda x: (x - 1) ** 2, -3.0, "adamw", 1e-4)
    assert (low.status, "Raise the learning rate" in low.message) == ("slow", True)


def test_stuck_where_steps_are_lost_in_rounding() -> None:
    result = rr.descend(lambda x: (x - 2) ** 2, 1.0, lr=1e-20)
    assert (result.status, result.steps) == ("stuck", 10)
    assert result.message.startswith("Steps are too small to change the point after 10 steps")


def test_stuck_where_the_schedule_has_ended_at_zero() -> None:
    result = rr.descend(lambda x: x**2, 1.0, lr=lambda step: 0.01 if step < 5 else 0.0, until=Until(steps=50))
    assert (result.status, result.steps) == ("stuck", 50)
    assert result.message.startswith("The learning rate is 0 after 50 steps")


def test_a_rate_of_zero_may_rise_again() -> None:
    result = rr.descend(lambda x: x**2, 1.0, lr=lambda step: 0.0 if step < 30 else 0.3)
    assert result.status == "converged"
    assert set(result.lrs[:30].tolist()) == {0.0}


def test_the_rates_are_those_of_the_schedule() -> None:
    rates = Cosine(peak=0.2, total_steps=20, warmup_steps=4)
    result = rr.descend(bowl, START, lr=rates, until=Until(steps=30))
    assert result.lrs.tolist() == rates(np.arange(30)).tolist()
    same = rr.descend(bowl, START, lr=Constant(peak=0.2, total_steps=5))
    assert np.array_equal(same.path, rr.descend(bowl, START, lr=0.2).path)


def test_a_schedule_as_text() -> None:
    text = "piecewise(4: 0.1, 7: 0.01, 10: 0.001)"
    result = rr.descend(bowl, START, lr=text, until=Until(steps=12))
    assert result.lrs.tolist() == [0.1] * 4 + [0.01] * 3 + [0.001] * 5
    assert result.question.lr == Piecewise(until=(4, 7, 10), values=(0.1, 0.01, 0.001))
    assert (result.question.lr_text, result.to_dict()["lr"]) == (text, text)


def test_rosenbrock() -> None:
    def valley(x: Any) -> Any:
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    assert rr.descend(valley, [-1.2, 1.0], lr=1e-3).status == "slow"
    assert rr.descend(valley, [-1.2, 1.0], lr=1e-2).status == "diverged"
    found = rr.descend(valley, [-1.2, 1.0], "momentum", 1e-3, until=Until(steps=5000), gradient="autograd")
    assert found.status == "converged"
    np.testing.assert_allclose(found.x, [1.0, 1.0], atol=1e-3)


@pytest.mark.parametrize("x0", [1.5, [1.5], [[1.0, -2.0], [0.5, 3.0]]])
def test_three_ways_to_the_gradient(x0: Any) -> None:
    def f(x: Any) -> Any:
        return (
            (x**2).sum() + (x * torch.sin(x)).sum()
            if isinstance(x, torch.Tensor)
            else np.sum(x**2 + x * np.sin(x))
        )

    until = Until(steps=20, relative=0.0)
    ways = ("autograd", "finite differences", None, lambda x: 2 * x + np.sin(x) + x * np.cos(x))
    paths = [rr.descend(f, x0, lr=0.05, gradient=way, until=until).path for way in ways]  # type: ignore[arg-type]
    assert paths[0].shape == (21, *np.shape(x0))
    np.testing.assert_allclose(paths[0], paths[3], rtol=1e-12)
    np.testing.assert_allclose(paths[1], paths[3], rtol=1e-8)
    assert np.array_equal(paths[1], paths[2])


def test_nothing_passed_is_changed() -> None:
    start = START.copy()

    def careless(x: Any) -> Any:
        value = bowl(x)
        x *= 0
        return value

    result = rr.descend(careless, start, lr=0.1)
    assert np.array_equal(start, START)
    assert np.array_equal(result.path[0], START)
    assert result.status == "converged"


def test_a_name_and_its_rule_are_the_same() -> None:
    named = rr.descend(bowl, START, "momentum", 0.05)
    assert np.array_equal(named.path, rr.descend(bowl, START, Momentum(), 0.05).path)
    assert not np.array_equal(named.path, rr.descend(bowl, START, Momentum(beta=0.8), 0.05).path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "sgdm"}, r"descend\(rule=...\) must be one of .*, got 'sgdm'"),
        ({"x0": "here"}, r"descend\(x0=...\) must be a number or an array of numbers, got 'here'"),
        ({"x0": [1.0, math.nan]}, r"descend\(x0=...\) must be one or more finite numbers, got \[1.0, nan\]"),
        ({"x0": []}, r"descend\(x0=...\) must be one or more finite numbers, got \[\]"),
        (
            {"f": lambda _: math.inf},
            r"descend\(x0=...\) must be where f and its gradient are finite, got 'f inf",
        ),
        ({"f": lambda _: "much"}, r"f\(x\) must be one number, got 'much'"),
        ({"f": lambda x: x}, r"f\(x\) must be one number, got array.* Sum or average"),
        ({"lr": 0.0}, r"descend\(lr=...\) must be a finite number > 0, got 0.0"),
        (
            {"lr": "cosine"},
            r"descend\(lr=...\) at position 1 must be a schedule, got 'cosine'. Write its fields",
        ),
        ({"lr": "0.1"}, r"descend\(lr=...\) at position 1 must be a schedule, got 0.1"),
        ({"lr": lambda step: -float(step)}, r"lr\(1\) must be a finite number >= 0, got -1.0"),
        ({"until": 100}, r"descend\(until=...\) must be an Until, got 100. Write Until\(steps=...\)"),
        ({"gradient": "exact"}, r"descend\(gradient=...\) must be a function, 'autograd' or .*, got 'exact'"),
        ({"gradient": lambda _: 1.0}, r"gradient\(x\) must be of shape \(2,\), as x is, got array\(1.\)"),
        (
            {"gradient": "autograd", "f": lambda _: 1.0},
            r"f\(x\) must be one number as a torch tensor .*, got 1.0",
        ),
        ({"names": ("x",)}, r"descend\(names=...\) must be 2 names, one a variable, got \('x',\)"),
    ],
)
def test_mistakes(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rr.descend(**{"f": bowl, "x0": START, **arguments})


def test_descend_is_the_function_whatever_was_imported_before() -> None:
    from tests.test_import import loaded_by

    loaded = loaded_by(
        "import rightrate.descent, rightrate.descent.descend, rightrate as rr\n"
        "if rr.descend(lambda x: x**2, 1.0).status != 'converged': raise SystemExit(1)"
    )
    assert loaded.isdisjoint({"torch", "sympy", "matplotlib", "pandas"})
