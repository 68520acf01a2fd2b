"""`rightrate runs`: what a store remembers. The options; what they do is in `runs_shown` and `runs_files`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rightrate.cli.console import MISUSE, mistakes_reported
from rightrate.cli.memory import DEFAULT, default_store
from rightrate.cli.options import JsonInstead

__all__ = ["app"]

app = typer.Typer(
    name="runs",
    no_args_is_help=True,
    help="List, show, export, compare and delete the studies that are remembered.",
    epilog="Exit codes: 0 done, 2 misuse.",
)

_Store = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="The store; runs.db in this folder, or what RIGHTRATE_STORE says."),
]
_Number = Annotated[
    int, typer.Argument(metavar="STUDY", help="The number of a study, as `list` says.", min=1)
]
_Numbers = Annotated[list[int], typer.Argument(metavar="STUDY...", help="Numbers of studies.", min=1)]


@app.command("list")
def list_(store: _Store = None, json: JsonInstead = None) -> None:
    """List the studies of a store."""
    from rightrate.cli import runs_shown

    with mistakes_reported():
        runs_shown.list_studies(_path(store), json=json)


@app.command()
def show(
    study: _Number,
    store: _Store = None,
    json: JsonInstead = None,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write its HTML report too, where it is finished.")
    ] = None,
) -> None:
    """Show a study: what was asked, what it came to, how far it is."""
    from rightrate.cli import runs_files, runs_shown

    with mistakes_reported():
        if report is not None:
            runs_files.report(_path(store), study, output=report)
        runs_shown.show_study(_path(store), study, json=json)


@app.command()
def compare(studies: _Numbers, store: _Store = None, json: JsonInstead = None) -> None:
    """Show studies side by side: what differs between the questions, and the answers."""
    from rightrate.cli import runs_shown

    with mistakes_reported():
        runs_shown.compare_studies(_path(store), studies, json=json)


@app.command()
def export(
    study: _Number,
    format_: Annotated[
        str, typer.Option("--format", metavar="NAME", help="csv, parquet: its trials, or log; json: all.")
    ] = "csv",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write; - is stdout.")
    ] = "-",
    store: _Store = None,
) -> None:
    """Write a study to a file: one row for each trial, or for each event of a watched run; all as JSON."""
    from rightrate.cli import runs_files

    with mistakes_reported():
        runs_files.export(_path(store), study, format_=format_, output=output)


@app.command()
def delete(
    studies: _Numbers,
    store: _Store = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete studies with all that is remembered of them."""
    from rightrate.cli import runs_shown
    from rightrate.store.removal import delete as remove

    with mistakes_reported():
        path = _path(store)
        listed = runs_shown.listed(path, studies)
        if not yes and not _agreed(listed):
            sys.stderr.write("Nothing was deleted. Say --yes to delete without being asked.\n")
            raise typer.Exit(MISUSE)
        for number in dict.fromkeys(studies):
            remove(path, number)
            sys.stdout.write(f"Study {number} is deleted.\n")


def _agreed(listed: list[str]) -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write("".join(f"{line}\n" for line in listed))
    return typer.confirm("Delete?", err=True)


def _path(store: str | None) -> Path:
    return Path(store or default_store() or DEFAULT)
