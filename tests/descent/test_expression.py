import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rightrate.descent.expression import FUNCTIONS, parse
from rightrate.descent.slope import slope_of
from rightrate.errors import ConfigError

VALUES = [
    ("x**2 + 3*y**2", [1.0, 2.0], 13.0, [2.0, 12.0]),
    ("-x + +y/2", [1.0, 4.0], 1.0, [-1.0, 0.5]),
    ("b - a", [1.0, 4.0], 3.0, [-1.0, 1.0]),
    ("2**x", [3.0], 8.0, [8 * math.log(2)]),
    ("x**-1 * pi", [2.0], math.pi / 2, [-math.pi / 4]),
    ("e**x + exp(x)", [1.0], 2 * math.e, [2 * math.e]),
    ("log(x) + sqrt(x)", [4.0], math.log(4) + 2, [0.5]),
    ("sin(x) + cos(x) + tan(x)", [0.0], 1.0, [2.0]),
    ("sinh(x) + cosh(x) + tanh(x)", [0.0], 1.0, [2.0]),
    ("abs(x) + abs(y)", [-2.0, 3.0], 5.0, [-1.0, 1.0]),
    ("abs(x)", [0.0], 0.0, [0.0]),
    ("abs(sqrt(x) - 2)", [1.0], 1.0, [-0.5]),
    ("max(x, y, 0) + min(x, 2*y)", [3.0, 1.0], 5.0, [1.0, 2.0]),
    ("1e-3 * x + 12345678901234567890", [1.0], 12345678901234567890.001, [1e-3]),
    ("( x - 1 ) ** 2", [3.0], 4.0, [4.0]),
    ("x**y", [2.0, 3.0], 8.0, [12.0, 8 * math.log(2)]),
    ("x**2 + x**0 + y**1.5", [0.0, 0.0], 1.0, [0.0, 0.0]),
    ("x/y", [3.0, 2.0], 1.5, [0.5, -0.75]),
    ("0*x + 10**101 * 1e-101 * y", [3.0, 2.0], 2.0, [0.0, 1.0]),
]


@pytest.mark.parametrize(("text", "x", "value", "gradient"), VALUES, ids=[row[0] for row in VALUES])
def test_value_and_gradient(text: str, x: list[float], value: float, gradient: list[float]) -> None:
    formula = parse(text)
    assert float(formula(np.array(x))) == pytest.approx(value, rel=1e-14)
    assert formula.gradient(np.array(x)).tolist() == pytest.approx(gradient, rel=1e-14)


def test_a_single_variable_takes_a_number() -> None:
    formula = parse("loss**2")
    assert (formula.names, formula.text) == (("loss",), "loss**2")
    assert float(formula(np.float64(3.0))) == 9.0  # type: ignore[arg-type]
    assert formula.gradient(np.float64(3.0)).shape == ()  # type: ignore[arg-type]


def test_every_function_is_known() -> None:
    for name in FUNCTIONS:
        formula = parse(f"{name}(x, 2)" if name in ("max", "min") else f"{name}(x)")
        expected = getattr(math, name, None) or getattr(np, {"max": "fmax", "min": "fmin"}.get(name, name))
        arguments = (0.7, 2.0) if name in ("max", "min") else (0.7,)
        assert float(formula(np.array([0.7]))) == pytest.approx(float(expected(*arguments)), rel=1e-14)


@settings(deadline=None, max_examples=25)
@given(
    parts=st.lists(
        st.sampled_from(["x**2", "sin(x*y)", "exp(-y**2)", "log(1 + x**2)", "tanh(y)", "x*y", "3.5*x"]),
        min_size=1,
        max_size=4,
    ),
    x=st.floats(-2, 2),
    y=st.floats(-2, 2),
)
def test_the_gradient_is_that_of_the_value(parts: list[str], x: float, y: float) -> None:
    formula = parse(" + ".join([*parts, "x*y"]))
    at = np.array([x, y])
    _, differences = slope_of(formula, None)(at)
    np.testing.assert_allclose(formula.gradient(at), differences, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "x.__class__",
        "x.real",
        "(lambda: x)()",
        "[x for x in (1, 2)]",
        "x[0]",
        "exec('x')",
        "open(x)",
        "x if x else 1",
        "x and 1",
        "x < 1",
        "'x' * 9",
        "f'{x}'",
        "(y := x)",
        "x @ x",
        "x // 2",
        "x % 2",
        "x | 1",
        "not x",
        "~x",
        "True * x",
        "1j * x",
        "sin",
        "sin(x)(x)",
        "sin(x=x)",
        "sin(*x)",
        "...",
        "getattr(x, 'a')",
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"EXPRESSION must be a formula of numbers, variables, .* got "):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"EXPRESSION must be a formula, got ''. Such as x\*\*2 \+ 3\*y\*\*2.$"),
        (" ", r"EXPRESSION must be a formula, got ''. Such as"),
        ("2x", r"EXPRESSION must be a formula, got '2x'. Write 2\*x for a product and .*\n    2x\n    \^$"),
        ("x = 2", r"got 'x = 2'. Write 2\*x .*\n    x = 2\n      \^$"),
        ("x**2 +", r"got 'x\*\*2 \+'. It ends where something more is needed.\n    x\*\*2 \+\n {10}\^$"),
        (" x *", r"got 'x \*'. It ends where something more is needed.\n    x \*\n {7}\^$"),
        ("2*(x + 1", r"got .* '\(' was never closed.\n    2\*\(x \+ 1\n {6}\^$"),
        ("x + 1)", r"got 'x \+ 1\)'. Unmatched '\)'.\n    x \+ 1\)\n {9}\^$"),
        ("x\n+ 1", r"got 'x\\n\+ 1'. Write 2\*x for a product and x\*\*2 for a power.$"),
        ("2if x else 1", "for a product|EXPRESSION must be a formula of numbers"),
        ("x\0", "EXPRESSION must be a formula, got"),
        ("x^2", r"got 'x\^2'. Write x\*\*2 for a power."),
        ("3 + 4", r"EXPRESSION must be a formula with a variable, got '3 \+ 4'. Such as"),
        ("pi * e", "with a variable"),
        ("1/0 * x", "EXPRESSION must be a formula of numbers, .* got '1/0'. It is inf, not a finite number."),
        ("x + sqrt(-1)", r"got 'sqrt\(-1\)'. It is nan, not a finite number."),
        ("max(x, log(0 - 1))", r"got 'log\(0 - 1\)'. It is nan"),
        ("10**10**10", r"got '10\*\*10\*\*10'. It is inf, not a finite number."),
        ("9**9**9**9 * x", r"got '9\*\*9\*\*9'. It is inf"),
        ("exp(exp(exp(9))) * x", r"got 'exp\(exp\(9\)\)'. It is inf"),
        ("(-1)**0.5 * x", "It is nan"),
        ("0**-1 * x", "It is inf"),
        ("sin(x, y)", r"got 'sin\(x, y\)'. sin takes one argument."),
        ("max(x)", r"got 'max\(x\)'. max takes two or more arguments."),
        ("foo(x)", r"got 'foo\(x\)'. Functions: abs, cos,"),
        ("x(2)", r"got 'x\(2\)'. Functions: abs, cos,"),
        ("1e999 * x", r"got '1e999'. Numbers go up to 1.8e\+308."),
        (f"x + {10**309}", r"Numbers go up to 1.8e\+308."),
        ("x" + "+x" * 250, r"EXPRESSION must be at most 500 characters, got 'x\+x"),
        ("-" * 201 + "x", "EXPRESSION must be nested at most 200 deep, got '---"),
        ("(" * 240 + "x" + ")" * 240, "EXPRESSION must be a formula, got"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-" * 200 + "x", 1.5),
        ("x" + "+x" * 200, 301.5),
        ("max(x*y, min(x, " * 15 + "x" + ")*y)" * 15, 2.25),
        ("cosh(" * 80 + "x" + ")" * 80, math.inf),
        ("abs(sqrt(" * 30 + "x" + ")-1)" * 30, 0.38196601),
        ("x" + "**x" * 150, math.inf),
        ("*".join(["max(x,min(y,z))"] * 25), 1.5**25),
        ("(x+" * 60 + "x" + ")**2" * 60, math.inf),
        ("9**300 * cos(10**90 * x)", 9.0**300 * np.cos(1e90 * 1.5)),
        ("x**10**50", math.inf),
    ],
)  # fmt: skip
def test_what_is_deep_or_wide_or_huge_takes_no_time(text: str, value: float) -> None:
    """A symbolic derivative of these has millions of terms; here the suite's time limit would see it."""
    formula = parse(text)
    at = np.full(len(formula.names), 1.5)
    assert formula(at) == pytest.approx(value, rel=1e-3)
    assert formula.gradient(at).shape == at.shape


def test_names_are_no_code() -> None:
    formula = parse("numpy + lambda_ + x0 * sin_")
    assert formula.names == ("lambda_", "numpy", "sin_", "x0")
    assert float(formula(np.array([1.0, 2.0, 3.0, 4.0]))) == 15.0
