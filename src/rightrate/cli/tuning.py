"""From a question to a trained winner on the screen, in files, and as an exit code."""

import contextlib
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rightrate.cli.console import INTERRUPTED, MISUSE, console_for, fail, printable
from rightrate.cli.files import STDOUT, as_json, check_writable, write, write_bytes
from rightrate.cli.memory import Memory
from rightrate.cli.progress import Watcher, watcher
from rightrate.errors import ConfigError, describe

if TYPE_CHECKING:
    from rightrate.cli.question import Question
    from rightrate.search.rounds import RoundStrategy
    from rightrate.tuner.result import TuneResult

__all__ = ["EXIT_CODES", "Asked", "Output", "tuned"]

EXIT_CODES = {"found": 0, "edge": 0, "diverged": 1, "interrupted": INTERRUPTED}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked, as the options say it.

    Args:
        question: The run, as `find` has it too.
        method: The method's name.
        options: The method's own settings that were given.
        low: The lowest rate, or None.
        high: The highest rate, or None.
    """

    question: "Question"
    method: str
    options: dict[str, Any]
    low: float | None
    high: float | None

    def strategy(self) -> "RoundStrategy":
        """Return the method with its settings.

        Raises:
            ConfigError: If there is no such method, it has no such setting, or one is outside its domain.
        """
        from rightrate import _check
        from rightrate.tuner.tune import METHODS

        kind: Any = METHODS[_check.choice("--method", self.method, tuple(METHODS))]
        options = dict(self.options)
        if self.method == "bayes" and "members" in options:
            options["batch"] = options.pop("members")
        taken = {field.name for field in fields(kind)}
        for name, given in options.items():
            if name not in taken:
                flag = f"--{name.replace('_', '-')}"
                raise ConfigError(describe(flag, f"left out for the method {self.method!r}", given))
        strategy: RoundStrategy = kind(**options)
        return strategy


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where the answer goes.

    Args:
        weights: A file for the winner's weights, or None.
        json: A file for the result as JSON, "-" for stdout, or None.
        report: A file for the HTML report, or None.
        quiet: Whether to print the schedule alone.
    """

    weights: str | None
    json: str | None
    report: str | None
    quiet: bool

    def check(self) -> None:
        """Raise `ConfigError` if a file cannot be written, before anything is spent on what goes into it."""
        files = {"--weights": self.weights, "--json": self.json, "--report": self.report}
        places: dict[Path, str] = {}
        for option, path in files.items():
            if path is None or (option == "--json" and path == STDOUT):
                continue
            check_writable(option, Path(path))
            other = places.setdefault(Path(path).resolve(), option)
            if other != option:
                raise ConfigError(describe(option, f"another file than that of {other}", path))

    def write(self, result: "TuneResult") -> bool:
        """Write the files, each that can be; return whether all were."""
        from rightrate.report.tune_page import tune_page

        whole = True
        try:
            if self.weights is not None and result.trained is not None:
                write_bytes("--weights", Path(self.weights), result.trained.safetensors())
            if self.json is not None and self.json != STDOUT:
                write("--json", Path(self.json), as_json(result.to_dict()))
            if self.report is not None:
                write("--report", Path(self.report), tune_page(result.record))
        except ConfigError as error:
            fail(str(error))
            whole = False
        return whole


def tuned(asked: Asked, output: Output, memory: Memory) -> int:
    """Search, print the answer, write the files, and return the exit code.

    stdout carries the answer alone: progress, and whatever the user's own file prints, go to stderr.

    Raises:
        RightrateError: If the question cannot be answered or a file cannot be written.
    """
    output.check()
    stdout = sys.stdout
    shown = watcher(sys.stderr, console_for(sys.stderr), quiet=output.quiet)
    with contextlib.redirect_stdout(sys.stderr), shown:
        result = _searched(asked, memory, shown, quiet=output.quiet)
    if result.status == "interrupted" and memory.store is not None and not output.quiet:
        sys.stderr.write("Run the same command again to go on where it stopped.\n")
    to_stdout = output.json == STDOUT
    if to_stdout:
        stdout.write(as_json(result.to_dict()))
        stdout.flush()
    if not output.quiet:
        stream = sys.stderr if to_stdout else stdout
        stream.write(printable(_answer(result), keep="\n"))
    elif result.record.answer.schedule is None:
        sys.stderr.write(f"{printable(result.message)}\n")
    elif not to_stdout:
        stdout.write(f"{result.schedule.text()}\n")
    return EXIT_CODES[result.status] if output.write(result) else MISUSE


def _searched(asked: Asked, memory: Memory, shown: Watcher, *, quiet: bool) -> "TuneResult":
    def say(text: str) -> None:
        if not quiet:
            sys.stderr.write(f"{printable(text)}\n")

    if memory.note:
        say(memory.note)
    shown.stage("loading torch")
    from rightrate.tasks import resolved
    from rightrate.tuner import tune as search

    strategy = asked.strategy()
    asked.question.check()
    shown.stage(f"loading the task {asked.question.spec}")
    with resolved(asked.question.spec, target=asked.question.target) as task:
        arguments = asked.question.arguments(task)
        for name in ("budget", "tolerance"):
            arguments.pop(name)
        shown.stage("checking and timing the engine")
        model = arguments.pop("model")
        remembered: dict[str, Any] = {"store": memory.store, "fresh": memory.fresh, "say": say}
        return search(
            model, strategy, low=asked.low, high=asked.high, **arguments, **remembered, progress=shown
        )


def _answer(result: "TuneResult") -> str:
    """Return the answer as plain lines."""
    from rightrate.report.text import count, price, rate

    record = result.record
    run = record.settings.run
    title = f"{run.task}, {run.optimizer}, {record.settings.method}, {run.schedule}, {count(run.steps)} steps"
    rows = [("status", f"{result.status}: {result.message}")]
    if record.answer.schedule is not None:
        rows.insert(0, ("learning rate", rate(result.lr)))
        rows.append(("schedule", result.schedule.text()))
    rows.append(("cost", price(record.cost)))
    rows.append(("engine", record.provenance.engine))
    lines = [title, *(f"{label:<13}  {text}" for label, text in rows)]
    if result.reasons:
        lines += ["", "Why:", *(f"- {reason}" for reason in result.reasons)]
    return "\n".join(lines) + "\n"
