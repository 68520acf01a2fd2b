"""`rightrate tasks`: what is built in."""

import sys
from dataclasses import asdict

from rich import box
from rich.table import Table
from rich.text import Text

from rightrate.cli.console import console_for
from rightrate.cli.files import write_json
from rightrate.tasks.registry import infos

__all__ = ["tasks"]


def tasks(*, json: str | None) -> int:
    """Print the built-in tasks and return the exit code."""
    if json is not None:
        write_json(json, [asdict(info) for info in infos()])
        return 0
    console = console_for(sys.stdout)
    if not console.is_terminal:
        for info in infos():
            sys.stdout.write(f"{info.name}: {info.description}; {info.steps} steps. Data: {info.source}.\n")
        return 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("task", style="bold", no_wrap=True)
    table.add_column("model")
    table.add_column("data, and where it comes from")
    table.add_column("steps", justify="right")
    for info in infos():
        table.add_row(info.name, Text(info.description), Text(info.source), f"{info.steps:,}")
    console.print(table)
    console.print(Text("Nothing is downloaded: all data ship inside installed packages."))
    console.print(Text("rightrate find digits"), style="bold")
    return 0
