"""`rightrate preview`: schedules as values, as curves, and beside those of other libraries."""

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rightrate.cli.console import mistakes_reported

if TYPE_CHECKING:
    from rightrate.report.preview import Preview

__all__ = ["preview", "show"]


def preview(
    texts: Annotated[
        list[str],
        typer.Argument(metavar="TEXT", help='Schedules such as "warmup(200) + cosine(1800)".'),
    ],
    lr: Annotated[float, typer.Option(help="What every rate is multiplied by: the peak of a shape.")] = 1.0,
    log: Annotated[
        bool, typer.Option("--log", help="Draw rates on a logarithmic axis; the HTML page starts with it.")
    ] = False,
    png: Annotated[str | None, typer.Option(metavar="FILE", help="Draw them into a PNG file.")] = None,
    html: Annotated[str | None, typer.Option(metavar="FILE", help="Write an HTML page.")] = None,
) -> None:
    """Show schedules: values where it matters, curves, and what other libraries do differently.

    A schedule is its name with its length in steps and its settings, such as cosine(1800, floor=0.01);
    a + b is one after the other, 0.1 * a multiplies, and piecewise(400: 0.1, 700: 0.01) has a rate until
    each step.
    """
    with mistakes_reported():
        show(texts, lr=lr, log=log, png=png, html=html)


def show(texts: list[str], *, lr: float, log: bool, png: str | None, html: str | None) -> None:
    """Print the values and the curves of schedules, and write what is asked for.

    Raises:
        ConfigError: If a text or an option is outside its domain, or a file cannot be written.
    """
    from rightrate import _check
    from rightrate.cli.files import check_writable, write, write_bytes
    from rightrate.errors import ConfigError, describe
    from rightrate.report.preview import LETTERS, Preview
    from rightrate.schedules import parse

    _check.number("--lr", lr, above=0.0)
    if len(texts) > len(LETTERS):
        raise ConfigError(describe("TEXT", f"given at most {len(LETTERS)} times", texts))
    made = Preview(shapes=tuple(parse(text, where="TEXT") for text in texts), lr=lr)
    for option, file in (("--png", png), ("--html", html)):
        if file is not None:
            check_writable(option, Path(file))
    if png is not None and html is not None and Path(png).resolve() == Path(html).resolve():
        raise ConfigError(describe("--html", "another file than that of --png", html))
    axis: Literal["log", "linear"] = "log" if log else "linear"
    sys.stdout.write(_shown(made, axis))
    if png is not None:
        stream = io.BytesIO()
        made.figure(axis).savefig(stream, format="png")
        write_bytes("--png", Path(png), stream.getvalue())
    if html is not None:
        write("--html", Path(html), made.page(axis))


def _shown(made: "Preview", axis: Literal["log", "linear"]) -> str:
    """Return the table, the chart and the differences."""
    from rightrate.report.text import count, rate

    listed = zip(made.names, made.shapes, strict=True)
    lines = [f"{letter}  {text}, {_steps(shape.total_steps)}" for (letter, text), shape in listed]
    heads = "".join(f"{letter:>12}" for letter, _ in made.names)
    width = max(10, len(count(made.length)))
    lines += ["", f"{'step':>{width}}{heads}  with lr {rate(made.lr)}"]
    for row in made.rows():
        rates = "".join(f"{number:>12.4g}" for number in row.rates)
        lines.append(f"{count(row.step):>{width}}{rates}  {', '.join(row.notes)}")
    if made.turns_left_out:
        lines.append(f"{'...':>{width}}  the rate turns at more places than are shown here")
    lines += ["", "learning rate", _chart(made, axis)]
    if made.differences():
        lines += ["", "elsewhere"]
        lines += [f"  {item.theirs}: {item.sentence}" for item in made.differences()]
    return "\n".join(lines) + "\n"


def _steps(number: int) -> str:
    from rightrate.report.text import count

    return f"{count(number)} step{'' if number == 1 else 's'}"


def _chart(made: "Preview", axis: Literal["log", "linear"]) -> str:
    import numpy as np

    from rightrate.cli.scatter import scatter
    from rightrate.report.curves import lowest

    steps = made.steps()
    low = lowest(made.schedules) if axis == "log" else 0.0
    curves = []
    for (letter, _), schedule in zip(made.names, made.schedules, strict=True):
        rates = schedule(steps)
        curves.append((letter, np.where(rates >= low, rates, np.nan).tolist()))
    return scatter(curves, places=steps.tolist(), axis=axis)
