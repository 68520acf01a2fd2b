"""From a question to a comparison on the screen, in files, and as an exit code."""

import contextlib
import re
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rightrate.cli.console import INTERRUPTED, MISUSE, console_for, fail, printable
from rightrate.cli.files import STDOUT, as_json, write
from rightrate.cli.find import Output
from rightrate.cli.memory import Memory
from rightrate.cli.progress import Watcher, watcher
from rightrate.errors import ConfigError, describe

if TYPE_CHECKING:
    from rightrate.cli.question import Question
    from rightrate.comparison import Comparison

__all__ = ["EXIT_CODES", "Asked", "compared", "listed"]

EXIT_CODES = {"found": 0, "edge": 0, "diverged": 1, "interrupted": INTERRUPTED}

_COMMA = re.compile(r",(?![^()]*\))")


def listed(option: str, text: str) -> tuple[str, ...]:
    """Return the parts between commas; commas in brackets belong to a part.

    Raises:
        ConfigError: If a part is empty.

    Example:
        >>> listed("--schedules", "constant, step(600, every_steps=200)")
        ('constant', 'step(600, every_steps=200)')
    """
    parts = tuple(part.strip() for part in _COMMA.split(text))
    if not all(parts):
        raise ConfigError(describe(option, "names or numbers with commas between them", text))
    return parts


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked, as the options say it.

    Args:
        question: The run, as `find` has it too.
        optimizers: Their names or paths; None for the task's own.
        lrs: Rates, or texts such as "find".
        schedules: Names or texts.
        seeds: One number, how many, or several, which ones.
        target: The objective the time to which is measured, or None.
    """

    question: "Question"
    optimizers: tuple[str, ...] | None
    lrs: tuple[str, ...]
    schedules: tuple[str, ...]
    seeds: tuple[str, ...]
    target: float | None

    def check(self) -> None:
        """Raise `ConfigError` for what is wrong whatever the task is, before it is loaded."""
        from rightrate import _check
        from rightrate.comparison.asked import lrs_of
        from rightrate.optimizers.catalogue import CATALOGUE
        from rightrate.optimizers.imported import imported, is_path

        self.question.check()
        lrs_of(self.lrs)
        self.numbers()
        if self.target is not None:
            _check.number("--reach", self.target)
        for name in self.optimizers or ():
            if is_path(name):
                imported("--optimizers", name)
            else:
                advice = "Or the path of a class, such as pytorch_optimizer.Lion."
                _check.choice("--optimizers", name, CATALOGUE, advice=advice)

    def numbers(self) -> int | list[int]:
        """Return how many seeds, or which ones.

        Raises:
            ConfigError: If one is not a whole number.
        """
        try:
            found = [int(seed) for seed in self.seeds]
        except ValueError as error:
            raise ConfigError(describe("--seeds", "whole numbers", ",".join(self.seeds))) from error
        return found[0] if len(found) == 1 else found


def compared(asked: Asked, output: Output, memory: Memory) -> int:
    """Compare, print the answer, write the files, and return the exit code.

    stdout carries the answer alone: progress, and whatever the user's own file prints, go to stderr.

    Raises:
        RightrateError: If the question cannot be answered or a file cannot be written.
    """
    output.check()
    stdout = sys.stdout
    shown = watcher(sys.stderr, console_for(sys.stderr), quiet=output.quiet)
    with contextlib.redirect_stdout(sys.stderr), shown:
        result = _trained(asked, memory, shown, quiet=output.quiet)
    if result.status == "interrupted" and memory.store is not None and not output.quiet:
        sys.stderr.write("Run the same command again to go on where it stopped.\n")
    to_stdout = output.json == STDOUT
    if to_stdout:
        stdout.write(as_json(result.to_dict()))
        stdout.flush()
    if not output.quiet:
        stream = sys.stderr if to_stdout else stdout
        stream.write(printable(_answer(result), keep="\n"))
    elif result.status == "diverged" or not result.analysis.best:
        sys.stderr.write(f"{printable(result.message)}\n")
    elif not to_stdout:
        best = result.analysis.best[0]
        stdout.write(f"{best.contender.optimizer} {best.contender.schedule} {best.lr!r}\n")
    return EXIT_CODES[result.status] if _written(output, result) else MISUSE


def _trained(asked: Asked, memory: Memory, shown: Watcher, *, quiet: bool) -> "Comparison":
    def say(text: str) -> None:
        if not quiet:
            sys.stderr.write(f"{printable(text)}\n")

    if memory.note:
        say(memory.note)
    shown.stage("loading torch")
    from rightrate.comparison import compare
    from rightrate.tasks import resolved

    asked.check()
    shown.stage(f"loading the task {asked.question.spec}")
    with resolved(asked.question.spec, target=asked.question.target) as task:
        given: dict[str, Any] = asked.question.arguments(task)
        kept = ("steps", "epochs", "objective", "engine", "tolerance")
        shown.stage("checking and timing the engine")
        return compare(
            given["model"],
            asked.optimizers,
            lrs=asked.lrs,
            schedules=asked.schedules,
            seeds=asked.numbers(),
            target=asked.target,
            **{name: given[name] for name in kept},
            store=memory.store,
            fresh=memory.fresh,
            say=say,
            progress=shown,
        )


def _written(output: Output, result: "Comparison") -> bool:
    """Write the files, each that can be; return whether all were."""
    whole = True
    for option, path in (("--json", output.json), ("--report", output.report)):
        if path is None or (option == "--json" and path == STDOUT):
            continue
        try:
            write(option, Path(path), as_json(result.to_dict()) if option == "--json" else _page(result))
        except ConfigError as error:
            fail(str(error))
            whole = False
    return whole


def _page(result: "Comparison") -> str:
    from rightrate.report.compare_page import compare_page

    return compare_page(result.record)


def _answer(result: "Comparison") -> str:
    """Return the answer as plain lines: both tables, what it says, what it cost."""
    from rightrate.report.compare_tables import best_table, same_table, text_table
    from rightrate.report.text import count, price

    record = result.record
    run, settings = record.settings.run, record.settings
    seeds = ", ".join(str(seed) for seed in settings.seeds)
    title = f"{run.task}, {count(run.steps)} steps, seed{'s' if len(settings.seeds) > 1 else ''} {seeds}"
    lines = [title, f"{result.status}: {result.message}"]
    for heading, table in (
        ("Each at its own best rate", best_table(record)),
        ("All at the same rate", same_table(record)),
    ):
        if table is not None:
            lines += ["", f"{heading}:", *text_table(table)]
    engines = {item.optimizer: item.engine for item in record.facts}
    if len(set(engines.values())) > 1:
        said = [f"{name}: {engine}" for name, engine in engines.items()]
    else:
        said = [record.provenance.engine]
    lines += ["", f"cost    {price(record.cost)}"]
    lines += [f"{label:<6}  {text}" for label, text in zip_longest(("engine",), said, fillvalue="")]
    if result.reasons:
        lines += ["", "Why:", *(f"- {reason}" for reason in result.reasons)]
    return "\n".join(lines) + "\n"
