"""`rightrate tune`: search that hands back the trained model."""

import contextlib
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rightrate.cli.console import INTERRUPTED, MISUSE, console_for, fail, mistakes_reported, printable

if TYPE_CHECKING:
    from rightrate.cli.question import Question
    from rightrate.search.rounds import RoundStrategy
    from rightrate.tuner.result import TuneResult

__all__ = ["EXIT_CODES", "tune"]

EXIT_CODES = {"found": 0, "edge": 0, "diverged": 1, "interrupted": INTERRUPTED}

_METHOD, _RUN, _SEARCH, _OUTPUT = "The method", "The run", "The search", "The answer"


def tune(
    spec: Annotated[
        str, typer.Argument(metavar="TASK", help="A built-in task, a CSV file, or file.py:name.")
    ],
    method: Annotated[
        str, typer.Option(metavar="NAME", help="grid, halving, pbt or bayes.", rich_help_panel=_METHOD)
    ] = "halving",
    members: Annotated[
        int | None, typer.Option(help="Members side by side.", rich_help_panel=_METHOD)
    ] = None,
    factor: Annotated[
        float | None,
        typer.Option(help="halving: by how much fewer they get from rung to rung.", rich_help_panel=_METHOD),
    ] = None,
    ready_steps: Annotated[
        int | None, typer.Option(help="pbt: steps between two decisions.", rich_help_panel=_METHOD)
    ] = None,
    slow: Annotated[
        int | None,
        typer.Option(help="pbt: members that are judged over a longer horizon.", rich_help_panel=_METHOD),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="bayes: full runs in all.", rich_help_panel=_METHOD)
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="bayes: gp, tpe or random.", rich_help_panel=_METHOD),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a CSV file to predict.")
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="sgd, adamw, ..., or a class; the task's.", rich_help_panel=_RUN),
    ] = None,
    momentum: Annotated[
        float | None, typer.Option(help="Momentum of the optimizer.", rich_help_panel=_RUN)
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="Weight decay of the optimizer.", rich_help_panel=_RUN)
    ] = None,
    schedule: Annotated[
        str, typer.Option(metavar="TEXT", help="constant, linear, cosine, ...", rich_help_panel=_RUN)
    ] = "constant",
    steps: Annotated[
        int | None, typer.Option(help="Length of a run in optimizer steps.", rich_help_panel=_RUN)
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="The same in passes over the training data.", rich_help_panel=_RUN)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Samples in a batch; the task's own.", rich_help_panel=_RUN)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ...", rich_help_panel=_RUN)
    ] = None,
    low: Annotated[
        float | None, typer.Option(help="Lowest learning rate; the optimizer's.", rich_help_panel=_SEARCH)
    ] = None,
    high: Annotated[
        float | None, typer.Option(help="Highest learning rate; the optimizer's.", rich_help_panel=_SEARCH)
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="loss, or a metric such as accuracy:max.", rich_help_panel=_SEARCH),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of weights, batches, draws and decisions.", rich_help_panel=_SEARCH)
    ] = 0,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, serial or stacked.", rich_help_panel=_SEARCH)
    ] = "auto",
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write the winner's weights as safetensors.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the result as JSON; - is stdout.", rich_help_panel=_OUTPUT),
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write an HTML report.", rich_help_panel=_OUTPUT)
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print the schedule alone, as preview reads it.", rich_help_panel=_OUTPUT
        ),
    ] = False,
) -> None:
    """Search for the best learning rate, or rates over time, and keep the trained winner.

    Ctrl-C once finishes the step and answers with what is known; twice stops at once.
    """
    from rightrate.cli.question import Question

    named = {"momentum": momentum, "weight_decay": weight_decay}
    training = {"batch_size": batch_size, "device": device}
    question = Question(
        spec=spec,
        target=target,
        optimizer=optimizer,
        optimizer_options={name: number for name, number in named.items() if number is not None},
        schedule=schedule,
        warmup_steps=0,
        training={name: given for name, given in training.items() if given is not None},
        search={
            "steps": steps,
            "epochs": epochs,
            "objective": objective,
            "seed": seed,
            "engine": engine,
            "budget": 1.0,
            "tolerance": 0.02,
        },
    )
    own = {
        "members": members,
        "factor": factor,
        "ready_steps": ready_steps,
        "slow": slow,
        "trials": trials,
        "sampler": sampler,
    }
    asked = Asked(
        question=question,
        method=method,
        options={name: given for name, given in own.items() if given is not None},
        low=low,
        high=high,
    )
    with mistakes_reported():
        code = tuned(asked, Output(weights=weights, json=json, report=report, quiet=quiet))
    raise typer.Exit(code)


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
        from rightrate.errors import ConfigError, describe
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
        from rightrate.cli.files import STDOUT, check_writable
        from rightrate.errors import ConfigError, describe

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
        from rightrate.cli.files import STDOUT, as_json, write, write_bytes
        from rightrate.errors import ConfigError
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


def tuned(asked: Asked, output: Output) -> int:
    """Search, print the answer, write the files, and return the exit code.

    stdout carries the answer alone: progress, and whatever the user's own file prints, go to stderr.

    Raises:
        RightrateError: If the question cannot be answered or a file cannot be written.
    """
    from rightrate.cli.files import STDOUT, as_json
    from rightrate.cli.progress import watcher

    output.check()
    stdout = sys.stdout
    shown = watcher(sys.stderr, console_for(sys.stderr), quiet=output.quiet)
    with contextlib.redirect_stdout(sys.stderr), shown:
        result = _searched(asked, shown)
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


def _searched(asked: Asked, shown: Any) -> "TuneResult":
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
        return search(model, strategy, low=asked.low, high=asked.high, **arguments, progress=shown)


def _answer(result: "TuneResult") -> str:
    """Return the answer as plain lines."""
    from rightrate.report.text import count, duration, rate

    record = result.record
    run, cost = record.settings.run, record.cost
    title = f"{run.task}, {run.optimizer}, {record.settings.method}, {run.schedule}, {count(run.steps)} steps"
    rows = [("status", f"{result.status}: {result.message}")]
    if record.answer.schedule is not None:
        rows.insert(0, ("learning rate", rate(result.lr)))
        rows.append(("schedule", result.schedule.text()))
    spent = f"{count(sum(cost.steps.values()))} training steps, the price of {cost.run_equivalents:.3g} runs"
    rows.append(("cost", f"{spent}; {duration(cost.seconds['total'])} in all"))
    rows.append(("engine", record.provenance.engine))
    lines = [title, *(f"{label:<13}  {text}" for label, text in rows)]
    if result.reasons:
        lines += ["", "Why:", *(f"- {reason}" for reason in result.reasons)]
    return "\n".join(lines) + "\n"
