"""Functions written as text, with their gradient: parsed, never run as code."""

import ast
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rightrate.descent import dual
from rightrate.descent.dual import Dual
from rightrate.errors import ConfigError, describe
from rightrate.schedules import FloatArray

__all__ = ["FUNCTIONS", "Expression", "parse"]

FUNCTIONS = tuple(sorted([*dual.FUNCTIONS, "max", "min"]))
_CONSTANTS = {"e": np.e, "pi": np.pi}
_OPERATORS: dict[type[ast.operator], Callable[[Dual, Dual], Dual]] = {
    ast.Add: dual.added,
    ast.Sub: dual.subtracted,
    ast.Mult: dual.multiplied,
    ast.Div: dual.divided,
    ast.Pow: dual.raised,
}
_LONGEST = 500
_DEEPEST = 200
_LARGEST = sys.float_info.max
_EXAMPLE = "Such as x**2 + 3*y**2."

_Part = Callable[[FloatArray], Dual]


@dataclass(frozen=True, kw_only=True, eq=False)
class Expression:
    """A function of named variables, and its exact gradient.

    Args:
        text: What was parsed.
        names: The variables in alphabetical order, which is their order in `x`.
        at: From a point, shape (variables,), to the value and the partial derivatives there.
    """

    text: str
    names: tuple[str, ...]
    at: Callable[[FloatArray], Dual]

    def __call__(self, x: FloatArray) -> float:
        """Return the value at `x`: one number for each name, or just a number where there is one name."""
        return float(self._at(x).value)

    def gradient(self, x: FloatArray) -> FloatArray:
        """Return the gradient at `x`, in its shape."""
        return self._at(x).slopes.reshape(np.shape(x))

    def _at(self, x: FloatArray) -> Dual:
        with np.errstate(all="ignore"):
            return self.at(np.atleast_1d(np.asarray(x, dtype=np.float64)))


def parse(text: str) -> Expression:
    """Return the function that a text such as `x**2 + 3*y**2` describes.

    Numbers, variables of any name, `+ - * / **`, parentheses, `pi`, `e`, and the functions `abs`, `cos`,
    `cosh`, `exp`, `log` (natural), `max`, `min`, `sin`, `sinh`, `sqrt`, `tan`, `tanh`. The text is read into
    a syntax tree and every node that is not one of these is refused, so that it can do nothing but
    arithmetic, in double precision and in a time that grows with its length alone. Derivatives are carried
    along, without differences or symbols (Wengert 1964).

    Args:
        text: The formula, at most 500 characters, nested at most 200 deep.

    Raises:
        ConfigError: If it is not such a formula, has no variable, or a part of it without variables, such as
            `1/0`, is not a finite number.

    Example:
        >>> f = parse("x**2 + 3*y**2")
        >>> f.names, f(np.array([1.0, 2.0])), f.gradient(np.array([1.0, 2.0]))
        (('x', 'y'), 13.0, array([ 2., 12.]))
    """
    if len(text) > _LONGEST:
        raise ConfigError(describe("EXPRESSION", f"at most {_LONGEST} characters", text))
    tree = _tree(text.strip())
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names = tuple(sorted(found - {*_CONSTANTS, *FUNCTIONS}))
    part = _Reader(text.strip(), names).read(tree, 0)
    if not names:
        raise ConfigError(describe("EXPRESSION", "a formula with a variable", text, _EXAMPLE))
    return Expression(text=text, names=names, at=part)


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ConfigError(describe("EXPRESSION", "a formula", text, _misread(text, error))) from None
    except (ValueError, MemoryError, RecursionError):
        raise ConfigError(describe("EXPRESSION", "a formula", text, _EXAMPLE)) from None


def _misread(text: str, error: SyntaxError) -> str:
    """Return what is wrong, what to do, and the text with the place marked."""
    place = error.offset or len(text) + 1
    if not text:
        return _EXAMPLE
    if "was never closed" in error.msg or "unmatched" in error.msg:
        wrong = f"{error.msg[0].upper()}{error.msg[1:]}."
    elif place > len(text):
        wrong = "It ends where something more is needed."
    else:
        wrong = "Write 2*x for a product and x**2 for a power."
    return f"{wrong}\n    {text}\n    {' ' * (place - 1)}^" if text.isprintable() else wrong


class _Reader:
    """Turns the nodes that are allowed into functions of a point, and refuses all others."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self._text = text
        self._units = dict(zip(names, np.eye(len(names)), strict=True))
        self._places = {name: place for place, name in enumerate(names)}
        self._flat = np.zeros(len(names))

    def read(self, node: ast.expr, depth: int) -> _Part:
        if depth > _DEEPEST:
            raise ConfigError(describe("EXPRESSION", f"nested at most {_DEEPEST} deep", self._text))
        part = self._read(node, depth)
        if not any(isinstance(inner, ast.Name) and inner.id in self._places for inner in ast.walk(node)):
            with np.errstate(all="ignore"):
                number = part(self._flat)
            if not np.isfinite(number.value):
                raise self._refused(node, f"It is {number.value:g}, not a finite number.")
            return lambda _: number
        return part

    def _read(self, node: ast.expr, depth: int) -> _Part:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self._number(node, number)
            case ast.Name(id=name) if name in _CONSTANTS:
                return self._number(node, _CONSTANTS[name])
            case ast.Name(id=name) if name in self._places:
                place, unit = self._places[name], self._units[name]
                return lambda x: Dual(x[place], unit)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, depth + 1)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.read(operand, depth + 1)
                zero = Dual(np.float64(0.0), self._flat)
                return lambda x: dual.subtracted(zero, inner(x))
            case ast.BinOp(left=left, op=ast.operator() as sign, right=right) if type(sign) in _OPERATORS:
                apply = _OPERATORS[type(sign)]
                first, second = self.read(left, depth + 1), self.read(right, depth + 1)
                return lambda x: apply(first(x), second(x))
            case ast.BinOp(op=ast.BitXor()):
                raise self._refused(node, "Write x**2 for a power.")
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return self._call(node, name, [self.read(argument, depth + 1) for argument in arguments])
        raise self._refused(node)

    def _number(self, node: ast.expr, number: int | float) -> _Part:
        if not abs(number) <= _LARGEST:
            raise self._refused(node, f"Numbers go up to {_LARGEST:.2g}.")
        constant = Dual(np.float64(number), self._flat)
        return lambda _: constant

    def _call(self, node: ast.expr, name: str, arguments: list[_Part]) -> _Part:
        if name in ("max", "min"):
            if len(arguments) < 2:
                raise self._refused(node, f"{name} takes two or more arguments.")
            choose = dual.higher if name == "max" else dual.lower
            return lambda x: choose(*(argument(x) for argument in arguments))
        if len(arguments) != 1:
            raise self._refused(node, f"{name} takes one argument.")
        function, (inner,) = dual.FUNCTIONS[name], arguments
        return lambda x: function(inner(x))

    def _refused(self, node: ast.expr, advice: str = "") -> ConfigError:
        shown = ast.get_source_segment(self._text, node) or self._text
        allowed = "a formula of numbers, variables, + - * / ** and functions"
        return ConfigError(
            describe("EXPRESSION", allowed, shown, advice or f"Functions: {', '.join(FUNCTIONS)}.")
        )
