"""`rightrate watch`: follow a training run from its store, in another terminal."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rightrate.cli.console import console_for, mistakes_reported, printable

if TYPE_CHECKING:
    from rich.console import Console

    from rightrate.store import Listed, Reader

__all__ = ["Followed", "follow", "watch"]

_SECONDS = 1.0
_SHOWN = 8
_POINTS = 2000


def watch(
    store: Annotated[str, typer.Argument(metavar="STORE", help="The file that a run writes to.")],
    run: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="The study to follow; the newest watched run.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show what is there now, and end.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print every new event as a line of JSON instead.")
    ] = False,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the HTML report of a run that has ended.")
    ] = None,
) -> None:
    """Follow a training run that was started with `rightrate.watch(..., store=STORE)`.

    It ends with the run, or with Ctrl-C, which leaves the run alone. Of a run that was killed the report
    shows what it had written until then.
    """
    with mistakes_reported():
        code = follow(store, number=run, once=once, json=json, report=report)
    raise typer.Exit(code)


class Followed:
    """What is known of a run from its log, in bounded memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.after = 0
        self.steps: Mapping[str, Any] = {}
        self.validation: float | None = None
        self.losses: list[tuple[int, float]] = []
        self.events: list[Mapping[str, Any]] = []

    def take(self, number: int, values: Mapping[str, Any]) -> None:
        """Take one row of the log."""
        self.after = max(self.after, number)
        what = values.get("what")
        if what == "steps":
            self.steps = values
            if values.get("loss") is not None:
                self.losses.append((int(values["step"]), float(values["loss"])))
            if len(self.losses) > _POINTS:
                self.losses = self.losses[::2]
        elif what == "validation":
            self.validation = values["value"]
        elif what in ("finding", "act", "note"):
            self.events = [*self.events, values][-_SHOWN:]

    def line(self) -> str:
        """Return where the run is, in one line."""
        from rightrate.report.text import count, rate, value

        if not self.steps:
            return f"{self.name}: no steps yet"
        parts = [f"{self.name}: step {count(self.steps['step'] + 1)}", f"loss {value(self.steps['loss'])}"]
        parts += [] if self.validation is None else [f"validation {value(self.validation)}"]
        return ", ".join([*parts, f"lr {rate(self.steps['lr'])}"])


def follow(
    store: str,
    *,
    number: int | None,
    once: bool,
    json: bool,
    report: str | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Follow a run until it ends, and return the exit code.

    Args:
        store: The file.
        number: The study, or None for the newest watched run.
        once: Whether to end when all that is there is shown.
        json: Whether to print rows as they are, one a line.
        report: Where to write the report of a run that has ended, or was cut off.
        sleep: Waits some seconds.

    Raises:
        StoreError: If the store cannot be read, or has no such run.
        ConfigError: If a report is asked for, and the run is not finished or the file cannot be written.
    """
    from rightrate.store import reading

    with reading(store) as reader:
        chosen = _chosen(reader, store, number)
        followed = Followed(printable(chosen.name))
        if json:
            _as_lines(reader, chosen.number, followed, once=once, sleep=sleep)
        else:
            console = console_for(sys.stdout)
            shown = _live if console.is_terminal and not console.is_dumb_terminal and not once else _plain
            shown(reader, chosen.number, followed, console, once=once, sleep=sleep)
        if report is not None:
            _write_report(reader, chosen.number, report)
    return 0


def _chosen(reader: "Reader", store: str, number: int | None) -> "Listed":
    from rightrate.errors import StoreError

    watched = [one for one in reader.studies() if one.kind == "watch"]
    found = [one for one in watched if number in (None, one.number)]
    if found:
        return found[-1]
    if number is not None and watched:
        known = ", ".join(str(one.number) for one in watched)
        raise StoreError(f"There is no watched run {number} in {store}; there are {known}.")
    raise StoreError(f"There is no watched run in {store}. Start one with rightrate.watch(..., store=...).")


def _new(reader: "Reader", number: int, followed: Followed) -> list[Mapping[str, Any]]:
    """Return what is new in the log, and take it."""
    rows = reader.events(number, "watch", followed.after)
    for row in rows:
        followed.take(row.number, row.values)
    return [row.values for row in rows]


def _status(reader: "Reader", number: int) -> str:
    """Return how a run is, for people; "" while it goes on."""
    states = {"finished": "ended", "stopped": "cut off: its process is gone, and it had not ended"}
    return states.get(reader.listed(number).status, "")


def _as_lines(
    reader: "Reader", number: int, followed: Followed, *, once: bool, sleep: Callable[[float], object]
) -> None:
    import json

    while True:
        ended = _status(reader, number)
        rows = _new(reader, number, followed)
        for values in rows:
            sys.stdout.write(json.dumps(_plain_numbers(values)) + "\n")
        sys.stdout.flush()
        if not rows:
            if once or ended:
                return
            sleep(_SECONDS)


def _plain_numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON can hold: NaN and infinities as None."""
    import math

    def plain(value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value

    return {key: plain(value) for key, value in values.items()}


def _plain(
    reader: "Reader",
    number: int,
    followed: Followed,
    console: "Console",
    *,
    once: bool,
    sleep: Callable[[float], object],
) -> None:
    """Print a line for what happened, and one every few seconds for where the run is."""
    said, quiet = "", 0
    while True:
        ended = _status(reader, number)
        rows = _new(reader, number, followed)
        for values in rows:
            if values.get("what") in ("finding", "act", "note"):
                console.print(event_line(values))
        done = (once or ended) and not rows
        if (done or quiet <= 0) and followed.line() != said:
            said, quiet = followed.line(), 5
            console.print(said)
        if done:
            if ended:
                console.print(f"{followed.name}: {ended}")
            return
        quiet -= 1
        if not rows:
            sleep(_SECONDS)


def event_line(values: Mapping[str, Any]) -> str:
    """Return a finding, an act or a note as one line."""
    return printable(f"step {int(values['step']):,}: {values['what']}: {values['text']}")


def _live(
    reader: "Reader",
    number: int,
    followed: Followed,
    console: "Console",
    *,
    once: bool,
    sleep: Callable[[float], object],
) -> None:
    """Show a view that changes in place until the run ends."""
    from rich.live import Live

    from rightrate.cli.watch_screen import screen

    with Live(screen(followed, console), console=console, auto_refresh=False) as live:
        while True:
            ended = _status(reader, number)
            rows = _new(reader, number, followed)
            live.update(screen(followed, console, ended=ended), refresh=True)
            if not rows:
                if ended or once:
                    return
                sleep(_SECONDS)


def _write_report(reader: "Reader", number: int, path: str) -> None:
    from rightrate.errors import ConfigError, describe
    from rightrate.report.watch_page import save_watch
    from rightrate.report.watch_view import WatchView

    study = reader.study(number)
    if study.record is not None:
        view = WatchView.from_dict(study.record)
    elif study.listed.status == "running":
        advice = "Ask again when it has ended."
        raise ConfigError(describe("--report", "of a run that has ended", f"study {number}", advice))
    else:
        rows: list[Mapping[str, Any]] = []
        after = 0
        while events := reader.events(number, "watch", after):
            rows += [event.values for event in events]
            after = events[-1].number
        view = WatchView.from_log(study.listed.name, study.settings, rows)
    save_watch(view, path)
