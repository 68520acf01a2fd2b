"""Functions written as text, with their gradient: parsed, never run as code."""

import ast
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from rightrate.errors import ConfigError, describe
from rightrate.schedules import FloatArray

__all__ = ["FUNCTIONS", "Expression", "parse"]

FUNCTIONS = ("abs", "cos", "cosh", "exp", "log", "max", "min", "sin", "sinh", "sqrt", "tan", "tanh")
_CONSTANTS = ("e", "pi")
_LONGEST = 500
_LARGEST = 1e100
_EXACT = 2**53


@dataclass(frozen=True, kw_only=True, eq=False)
class Expression:
    """A function of named variables, and its exact gradient.

    Args:
        text: What was parsed.
        names: The variables in alphabetical order, which is their order in `x`.
        value: The function, of one argument per variable.
        slopes: Its partial derivatives, likewise.
    """

    text: str
    names: tuple[str, ...]
    value: Callable[..., float]
    slopes: Callable[..., list[float]]

    def __call__(self, x: FloatArray) -> float:
        """Return the value at `x`: one number for each name, or just a number where there is one name."""
        return self.value(*np.atleast_1d(x))

    def gradient(self, x: FloatArray) -> FloatArray:
        """Return the gradient at `x`, in its shape."""
        slopes = self.slopes(*np.atleast_1d(x))
        return np.array([float(slope) for slope in slopes]).reshape(np.shape(x))


def parse(text: str) -> Expression:
    """Return the function that a text such as `x**2 + 3*y**2` describes.

    Numbers, variables of any name, `+ - * / **`, parentheses, `pi`, `e`, and the functions `abs`, `cos`,
    `cosh`, `exp`, `log` (natural), `max`, `min`, `sin`, `sinh`, `sqrt`, `tan`, `tanh`. The text is read into
    a syntax tree and every node that is not one of these is refused, so that it can do nothing but
    arithmetic. sympy differentiates it.

    Args:
        text: The formula, at most 500 characters.

    Raises:
        ConfigError: If it is not such a formula, has no variable, or holds a number beyond 1e100.

    Example:
        >>> f = parse("x**2 + 3*y**2")
        >>> f.names, float(f(np.array([1.0, 2.0]))), f.gradient(np.array([1.0, 2.0]))
        (('x', 'y'), 13.0, array([ 2., 12.]))
    """
    sympy = _sympy()
    if len(text) > _LONGEST:
        raise ConfigError(describe("EXPRESSION", f"at most {_LONGEST} characters", text))
    formula = _Reader(text).formula()
    symbols = sorted(formula.free_symbols, key=lambda symbol: symbol.name)
    if not symbols:
        raise ConfigError(describe("EXPRESSION", "a formula with a variable", text, "Such as x**2 + 3*y**2."))
    slopes = [sympy.diff(formula, symbol) for symbol in symbols]
    for part in (formula, *slopes):
        if part.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I, sympy.Derivative):
            raise ConfigError(describe("EXPRESSION", "real and differentiable", text))
    return Expression(
        text=text,
        names=tuple(symbol.name for symbol in symbols),
        value=sympy.lambdify(symbols, formula, modules="numpy", dummify=True),
        slopes=sympy.lambdify(symbols, slopes, modules="numpy", dummify=True),
    )


def _sympy() -> Any:
    """Return sympy, which is slow to load and not needed for functions that are not text."""
    return import_module("sympy")


class _Reader:
    """Turns the nodes that are allowed into a sympy formula, and refuses all others."""

    def __init__(self, text: str) -> None:
        self._text = text

    def formula(self) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                tree = ast.parse(self._text.strip(), mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            place = f" at character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            advice = f"It cannot be read{place}; write 2*x for a product and x**2 for a power."
            raise ConfigError(describe("EXPRESSION", "a formula", self._text, advice)) from None
        return self._read(tree.body)

    def _read(self, node: ast.expr) -> Any:
        sympy = _sympy()
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self._number(node, number)
            case ast.Name(id=name) if name in _CONSTANTS:
                return {"e": sympy.E, "pi": sympy.pi}[name]
            case ast.Name(id=name) if name not in FUNCTIONS:
                return sympy.Symbol(name, real=True)
            case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=operand):
                inner = self._read(operand)
                return -inner if isinstance(sign, ast.USub) else inner
            case ast.BinOp(left=left, op=operation, right=right):
                return self._pair(node, self._read(left), operation, self._read(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return self._call(node, name, [self._read(argument) for argument in arguments])
        raise self._refused(node)

    def _number(self, node: ast.expr, number: int | float) -> Any:
        sympy = _sympy()
        if not abs(number) <= _LARGEST:
            raise self._refused(node, "Numbers go up to 1e100.")
        exact = isinstance(number, int) and abs(number) <= _EXACT
        return sympy.Integer(number) if exact else sympy.Float(float(number))

    def _pair(self, node: ast.expr, left: Any, operation: ast.operator, right: Any) -> Any:
        match operation:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.Pow():
                if not (left.free_symbols or right.free_symbols):
                    self._check_power(node, left, right)
                return left**right
            case ast.BitXor():
                raise self._refused(node, "Write x**2 for a power.")
        raise self._refused(node)

    def _check_power(self, node: ast.expr, base: Any, exponent: Any) -> None:
        """Refuse a power of numbers that is huge, tiny or not real, before sympy computes it exactly."""
        try:
            size = math.fabs(float(base) ** float(exponent))
        except (ArithmeticError, TypeError, ValueError):
            size = math.inf
        if not (size == 0 or 1 / _LARGEST <= size <= _LARGEST) or abs(float(exponent)) > 1000:
            raise self._refused(node, "Powers of numbers must be real, from 1e-100 to 1e100.")

    def _call(self, node: ast.expr, name: str, arguments: list[Any]) -> Any:
        sympy = _sympy()
        if name in ("max", "min"):
            if len(arguments) < 2:
                raise self._refused(node, f"{name} takes two or more arguments.")
            chosen = arguments[0]
            for other in arguments[1:]:
                better = chosen >= other if name == "max" else chosen <= other
                chosen = sympy.Piecewise((chosen, better), (other, True))
            return chosen
        if len(arguments) != 1:
            raise self._refused(node, f"{name} takes one argument.")
        (inner,) = arguments
        if name == "abs" and not inner.is_extended_real:
            return sympy.Piecewise((inner, inner >= 0), (-inner, True))
        return getattr(sympy, "Abs" if name == "abs" else name)(inner)

    def _refused(self, node: ast.expr, advice: str = "") -> ConfigError:
        shown = ast.get_source_segment(self._text.strip(), node) or self._text
        allowed = "a formula of numbers, variables, + - * / ** and functions"
        return ConfigError(
            describe("EXPRESSION", allowed, shown, advice or f"Functions: {', '.join(FUNCTIONS)}.")
        )
