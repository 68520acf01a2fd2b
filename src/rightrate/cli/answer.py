"""The result on the screen: a compact table on a terminal, plain lines elsewhere."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from rightrate.cli.console import printable

if TYPE_CHECKING:
    from rightrate.search.record import Record

__all__ = ["show"]

_COLOURS = {
    "found": "green",
    "flat": "green",
    "edge": "yellow",
    "inconclusive": "yellow",
    "interrupted": "yellow",
    "diverged": "red",
}


def show(record: "Record", console: Console) -> None:
    """Print the answer, the good range, the edge, the cost, why, and the code to use if there is one."""
    from rightrate.report import code

    title = printable(_title(record))
    rows = [(label, printable(text)) for label, text in _rows(record)]
    reasons = [printable(reason) for reason in record.answer.reasons]
    lines = "" if record.answer.lr is None else printable(code(record), keep="\n")
    if console.is_terminal:
        _table(console, record.answer.status, title, rows, reasons, lines)
    else:
        _plain(console, title, rows, reasons, lines)


def _title(record: "Record") -> str:
    from rightrate.report.text import count

    settings = record.settings
    parts = [settings.task, settings.optimizer, settings.schedule, f"{count(settings.steps)} steps"]
    if settings.objective != "loss":
        parts.append(f"judged by {settings.objective}")
    return ", ".join(parts)


def _rows(record: "Record") -> list[tuple[str, str]]:
    from rightrate.report.text import count, duration, rate

    answer, cost = record.answer, record.cost
    rows = [
        ("learning rate", "none" if answer.lr is None else rate(answer.lr)),
        ("status", f"{answer.status}: {answer.message}"),
    ]
    good = answer.good
    if good.low is not None and good.high is not None:
        within = f"costs at most {100 * good.tolerance:.2g} % of what there is to gain"
        rows.append(("good range", f"{rate(good.low)} to {rate(good.high)}, {within}"))
    rows.append(("edge", _edge(record)))
    steps = sum(cost.steps.values())
    spent = f"{count(steps)} training steps, the price of {cost.run_equivalents:.2g} training runs"
    if cost.overhead_steps:
        spent += f", and {count(cost.overhead_steps)} short ones to check and time the engine"
    rows.append(("cost", f"{spent}; {duration(cost.seconds.get('total'))} in all"))
    rows.append(("engine", record.provenance.engine))
    return rows


def _edge(record: "Record") -> str:
    from rightrate.report.text import count, rate

    cliff = record.answer.cliff
    if cliff.max_stable is None and cliff.lowest_failed is None:
        return cliff.note or "not measured"
    parts = []
    if cliff.max_stable is not None:
        parts.append(f"{rate(cliff.max_stable)} still trained")
    parts.append("nothing failed" if cliff.lowest_failed is None else f"{rate(cliff.lowest_failed)} failed")
    measured = f"{', '.join(parts)} (in {count(cliff.steps)} steps, {cliff.schedule})"
    return f"{measured}. {cliff.note}" if cliff.note else measured


def _plain(console: Console, title: str, rows: list[tuple[str, str]], reasons: list[str], lines: str) -> None:
    width = max(len(label) for label, _ in rows)
    text = [title, *(f"{label:<{width}}  {value}" for label, value in rows)]
    if reasons:
        text += ["", "Why:", *(f"- {reason}" for reason in reasons)]
    if lines:
        text += ["", "To use it:", "", lines]
    console.file.write("\n".join(text) + "\n")
    console.file.flush()


def _table(
    console: Console,
    status: str,
    title: str,
    rows: list[tuple[str, str]],
    reasons: list[str],
    lines: str,
) -> None:
    colour = _COLOURS[status]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        styles = {"learning rate": f"bold {colour}", "status": colour}
        grid.add_row(label, Text(value, style=styles.get(label, "")))
    console.print(Text(title, style="bold"))
    console.print(Padding(grid, (1, 0, 1, 2)))
    if reasons:
        bullets = Table.grid(padding=(0, 1))
        bullets.add_column(style="dim")
        bullets.add_column(overflow="fold")
        for reason in reasons:
            bullets.add_row("-", Text(reason))
        console.print(Text("Why", style="bold"))
        console.print(Padding(bullets, (0, 0, 1, 2)))
    if lines:
        console.print(Text("To use it", style="bold"))
        console.print()
        console.print(Syntax("", "python", theme="ansi_dark").highlight(lines), end="", soft_wrap=True)
