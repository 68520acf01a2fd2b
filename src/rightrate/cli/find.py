"""`rightrate find`: from a question to an answer on the screen, in files, and as an exit code."""

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rightrate.cli.answer import show
from rightrate.cli.console import INTERRUPTED, MISUSE, console_for, fail, printable
from rightrate.cli.files import STDOUT, as_json, check_writable, write
from rightrate.cli.memory import Memory
from rightrate.cli.progress import Watcher, watcher
from rightrate.cli.question import Question
from rightrate.errors import ConfigError, describe

if TYPE_CHECKING:
    from rightrate.finder.result import Result
    from rightrate.search.record import Record

__all__ = ["EXIT_CODES", "Output", "find"]

EXIT_CODES = {
    "found": 0,
    "edge": 0,
    "flat": 0,
    "diverged": 1,
    "inconclusive": 1,
    "interrupted": INTERRUPTED,
}


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where the answer goes.

    Args:
        json: A file for the result as JSON, "-" for stdout, or None.
        report: A file for the HTML report, or None.
        quiet: Whether to print the learning rate alone.
    """

    json: str | None
    report: str | None
    quiet: bool

    def check(self) -> None:
        """Raise `ConfigError` if a file cannot be written, before anything is spent on what goes into it."""
        for option, path in (("--json", self.json), ("--report", self.report)):
            if path is not None and not (option == "--json" and path == STDOUT):
                check_writable(option, Path(path))
        if self.json is None or self.report is None or self.json == STDOUT:
            return
        if Path(self.json).resolve() == Path(self.report).resolve():
            raise ConfigError(describe("--report", "another file than that of --json", self.report))

    def write(self, record: "Record") -> bool:
        """Write the files, each that can be; return whether all were."""
        whole = True
        if self.json is not None and self.json != STDOUT:
            whole &= _attempt("--json", self.json, as_json(record.to_dict()))
        if self.report is not None:
            from rightrate.report import page

            whole &= _attempt("--report", self.report, page(record))
        return whole


def find(question: Question, output: Output, memory: Memory) -> int:
    """Search, print the answer, write the files, and return the exit code.

    stdout carries the answer alone: progress, and whatever the user's own file prints, go to stderr.

    Raises:
        RightrateError: If the question cannot be answered or a file cannot be written.
    """
    output.check()
    stdout = sys.stdout
    shown = watcher(sys.stderr, console_for(sys.stderr), quiet=output.quiet)
    with contextlib.redirect_stdout(sys.stderr), shown:
        record = _searched(question, memory, shown, quiet=output.quiet).record
    if record.answer.status == "interrupted" and memory.store is not None and not output.quiet:
        sys.stderr.write("Run the same command again to go on where it stopped.\n")
    to_stdout = output.json == STDOUT
    if to_stdout:
        stdout.write(as_json(record.to_dict()))
        stdout.flush()
    if not output.quiet:
        show(record, console_for(sys.stderr if to_stdout else stdout))
    elif record.answer.lr is None:
        sys.stderr.write(f"{printable(record.answer.message)}\n")
    elif not to_stdout:
        stdout.write(f"{record.answer.lr!r}\n")
    return EXIT_CODES[record.answer.status] if output.write(record) else MISUSE


def _searched(question: Question, memory: Memory, shown: Watcher, *, quiet: bool) -> "Result":
    def say(text: str) -> None:
        if not quiet:
            sys.stderr.write(f"{printable(text)}\n")

    if memory.note:
        say(memory.note)
    shown.stage("loading torch")
    from rightrate.finder import find as search
    from rightrate.tasks import resolved

    question.check()
    shown.stage(f"loading the task {question.spec}")
    with resolved(question.spec, target=question.target) as task:
        arguments = question.arguments(task)
        shown.stage("checking and timing the engine")
        return search(**arguments, progress=shown, store=memory.store, fresh=memory.fresh, say=say)


def _attempt(option: str, path: str, text: str) -> bool:
    try:
        write(option, Path(path), text)
    except ConfigError as error:
        fail(str(error))
        return False
    return True
