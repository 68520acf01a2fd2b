"""`rightrate descend`: gradient descent on a formula, one learning rate beside the other."""

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rightrate.cli.console import mistakes_reported, printable

if TYPE_CHECKING:
    from rightrate.descent.expression import Expression
    from rightrate.descent.result import Descent
    from rightrate.optimizers.rules import Rule
    from rightrate.schedules import Schedule

__all__ = ["descend", "draw"]

_START = 1.5
_AWAY = 1e3
_LETTERS = "abcdefghij"


def descend(
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help='A formula to make small, such as "x**2 + 3*y**2".')
    ],
    lr: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RATE",
            help='A number or a schedule, such as "0.1 * cosine(100)"; repeat it to compare. [0.1]',
        ),
    ] = None,
    rule: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="gradient-descent, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw, adamax, "
            "nadam, radam or lion.",
        ),
    ] = "gradient-descent",
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A setting of the rule, such as beta=0.5; repeatable."
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="x=1,y=2", help="Where to start; 1.5 for what is not named.")
    ] = None,
    steps: Annotated[int, typer.Option(help="The most steps that are taken.")] = 1000,
    png: Annotated[str | None, typer.Option(metavar="FILE", help="Draw it into a PNG file.")] = None,
    json: Annotated[str | None, typer.Option(metavar="FILE", help="Write JSON; - is stdout.")] = None,
) -> None:
    """Go down a formula by gradient descent, and see whether the rate is too low, right or too high.

    Formulas have variables of any name, + - * / **, pi, e, and abs, cos, cosh, exp, log, max, min, sin, sinh,
    sqrt, tan, tanh; the gradient is exact.
    """
    with mistakes_reported():
        code = draw(
            expression,
            lrs=lr or ["0.1"],
            rule=rule,
            options=options or [],
            start=start,
            steps=steps,
            png=png,
            json=json,
        )
    raise typer.Exit(code)


def draw(
    text: str,
    *,
    lrs: list[str],
    rule: str,
    options: list[str],
    start: str | None,
    steps: int,
    png: str | None,
    json: str | None,
) -> int:
    """Descend once for each rate, print and write what is asked for, and return the exit code.

    Returns:
        0 if one of the rates converged, otherwise 1.

    Raises:
        ConfigError: If an option is outside its domain.
    """
    from rightrate import _check
    from rightrate.cli.files import STDOUT, check_writable, write_bytes, write_json
    from rightrate.descent import Until, figure
    from rightrate.descent.descend import descend as go_down
    from rightrate.descent.expression import parse
    from rightrate.errors import ConfigError, describe
    from rightrate.optimizers.rules import resolve

    chosen = _with_options(resolve(rule, where="--rule"), options)
    rates = [_rate(lr) for lr in lrs]
    if len(rates) > len(_LETTERS):
        raise ConfigError(describe("--lr", f"given at most {len(_LETTERS)} times", lrs))
    until = Until(steps=_check.integer("--steps", steps, low=1))
    for option, file in (("--png", png), ("--json", json)):
        if file is not None and not (option == "--json" and file == STDOUT):
            check_writable(option, Path(file))
    formula = parse(text)
    at = _start(start, formula)
    results = [
        go_down(formula, at, chosen, lr, until=until, gradient=formula.gradient, names=formula.names)
        for lr in rates
    ]
    if json != STDOUT:
        sys.stdout.write(_shown(formula, results))
    if json is not None:
        write_json(json, {"expression": text, "descents": [result.to_dict() for result in results]})
    if png is not None:
        stream = io.BytesIO()
        figure(results).savefig(stream, format="png")
        write_bytes("--png", Path(png), stream.getvalue())
    return 0 if any(result.status == "converged" for result in results) else 1


def _with_options(rule: "Rule", options: list[str]) -> "Rule":
    """Return a rule with some of its settings changed."""
    from rightrate.errors import ConfigError, describe
    from rightrate.optimizers.rules import settings, with_settings

    known = {name: type(value) for name, value in settings(rule).items()}
    given: dict[str, float | str | None] = {}
    for option in options:
        name, _, text = (side.strip() for side in option.partition("="))
        if name not in known:
            names = ", ".join(known) or "none"
            raise ConfigError(describe("--set", "NAME=VALUE", option, f"Settings of {rule}: {names}."))
        try:
            given[name] = None if text.lower() == "none" else known[name](text)
        except ValueError:
            raise ConfigError(describe(f"--set {name}", "a number", text)) from None
    return with_settings(rule, given)


def _rate(text: str) -> "float | Schedule":
    """Return the number or the schedule that a text describes."""
    from rightrate import _check
    from rightrate.errors import ConfigError, describe
    from rightrate.schedules import NAMES, parse

    try:
        number = float(text)
    except ValueError:
        if "(" in text or text.strip() in NAMES:
            return parse(text, where="--lr")
        advice = 'Such as --lr 0.1, or --lr "0.1 * cosine(100)".'
        raise ConfigError(describe("--lr", "a number or a schedule", text, advice)) from None
    return _check.number("--lr", number, above=0.0)


def _start(text: str | None, formula: "Expression") -> list[float]:
    """Return where to start, one number for each variable."""
    from rightrate import _check
    from rightrate.errors import ConfigError, describe

    at = dict.fromkeys(formula.names, _START)
    for part in text.split(",") if text else []:
        name, _, number = (side.strip() for side in part.partition("="))
        if name not in at:
            allowed = f"values of {', '.join(formula.names)}"
            example = ",".join(f"{known}={_START}" for known in formula.names)
            raise ConfigError(describe("--start", allowed, part, f"Write --start {example}."))
        try:
            value = float(number)
        except ValueError:
            raise ConfigError(describe(f"--start {name}", "a number", number)) from None
        at[name] = _check.number(f"--start {name}", value)
    point = list(at.values())
    _check_finite(formula, point)
    return point


def _check_finite(formula: "Expression", point: list[float]) -> None:
    import numpy as np

    from rightrate.errors import ConfigError, describe

    with np.errstate(all="ignore"):
        numbers = np.append(formula.gradient(np.array(point)), formula(np.array(point)))
    if not np.isfinite(numbers).all():
        allowed = "where the formula and its gradient are finite"
        raise ConfigError(describe("--start", allowed, _point(point, formula.names)))


def _shown(formula: "Expression", results: "list[Descent]") -> str:
    """Return the table, the chart and the messages."""
    from rightrate.cli.scatter import scatter

    first = results[0]
    where = _point(first.path[0], formula.names)
    lines = [f"{printable(formula.text)} from {where}, {first.question.rule}", ""]
    wide = max(10, *(len(result.question.lr_text) for result in results))
    lines.append(f"   {'lr':<{wide}} {'status':<12} {'steps':>6}  {'value':>11}  at")
    curves = []
    for letter, result in zip(_LETTERS, results, strict=False):
        at = _point(result.x, formula.names)
        row = f"{result.question.lr_text:<{wide}} {result.status:<12} {result.steps:>6,}"
        lines.append(f"{letter}  {row}  {result.value:>11.4g}  {at}")
        norms = result.gradient_norms
        curves.append((letter, norms[norms <= _AWAY * norms[0]].tolist()))
    limit = first.question.until.limit(float(first.gradient_norms[0]))
    lines += ["", "gradient norm", scatter(curves, line=limit), ""]
    lines += [f"{letter}  {result.message}" for letter, result in zip(_LETTERS, results, strict=False)]
    return "\n".join(lines) + "\n"


def _point(point: object, names: tuple[str, ...]) -> str:
    import numpy as np

    return ", ".join(
        f"{printable(name)} = {number:.4g}"
        for name, number in zip(names, np.ravel(np.asarray(point)), strict=True)
    )
