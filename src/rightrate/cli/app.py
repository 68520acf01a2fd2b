"""The commands and their options. Nothing heavy is imported before a command runs."""

import sys
import traceback
from typing import Annotated

import typer

from rightrate.cli import compare, descend, preview, runs, tune, watch
from rightrate.cli.console import MISUSE, mistakes_reported, tolerant_streams

__all__ = ["app", "main"]

app = typer.Typer(
    name="rightrate",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Finds the learning rate of a model, with evidence, for about the price of one training run.",
)

_RUN = "The run"
_SEARCH = "The search"
_OUTPUT = "The answer"
_STORE = "The store"


def main() -> None:
    """Run the command line; what nobody foresaw ends with its traceback and the exit code of misuse."""
    tolerant_streams()
    try:
        app(prog_name="rightrate")
    except Exception:  # noqa: BLE001 - exit code 1 says that nothing trains, which would be untrue here
        traceback.print_exc()
        sys.exit(MISUSE)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rightrate {version('rightrate')}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options before a command."""


@app.command(epilog="Exit codes: 0 an answer, 1 none to rely on, 2 misuse, 130 interrupted.")
def find(
    spec: Annotated[
        str, typer.Argument(metavar="TASK", help="A built-in task, a CSV file, or file.py:name.")
    ],
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a CSV file to predict.")
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="sgd, adamw, ..., or a class such as pytorch_optimizer.Lion; the task's own.",
            rich_help_panel=_RUN,
        ),
    ] = None,
    momentum: Annotated[
        float | None, typer.Option(help="Momentum of the optimizer.", rich_help_panel=_RUN)
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="Weight decay of the optimizer.", rich_help_panel=_RUN)
    ] = None,
    schedule: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help='constant, linear, cosine, ..., or one of a length: "warmup(200) + cosine(1800)".',
            rich_help_panel=_RUN,
        ),
    ] = "constant",
    warmup: Annotated[
        int, typer.Option(metavar="STEPS", help="Length of a linear warm-up.", rich_help_panel=_RUN)
    ] = 0,
    steps: Annotated[
        int | None,
        typer.Option(help="Length of the real run in optimizer steps.", rich_help_panel=_RUN),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(help="The same in passes over the training data.", rich_help_panel=_RUN),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Samples in a batch; the task's own.", rich_help_panel=_RUN)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ...", rich_help_panel=_RUN)
    ] = None,
    budget: Annotated[
        float,
        typer.Option(help="What may be spent; 1 is one run's worth of steps.", rich_help_panel=_SEARCH),
    ] = 1.0,
    objective: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="loss, or a metric such as accuracy:max.", rich_help_panel=_SEARCH),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(help="How much worse than the best is still good.", rich_help_panel=_SEARCH),
    ] = 0.02,
    seed: Annotated[
        int, typer.Option(help="Of weights, batches and random draws.", rich_help_panel=_SEARCH)
    ] = 0,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, serial or stacked.", rich_help_panel=_SEARCH)
    ] = "auto",
    json: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the result as JSON; - is stdout.", rich_help_panel=_OUTPUT),
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write an HTML report.", rich_help_panel=_OUTPUT)
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print the learning rate alone.", rich_help_panel=_OUTPUT),
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where it is remembered, to go on after anything; runs.db in this folder, or what the "
            "environment variable RIGHTRATE_STORE says.",
            rich_help_panel=_STORE,
        ),
    ] = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Remember nothing.", rich_help_panel=_STORE)
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew, whatever is remembered.", rich_help_panel=_STORE)
    ] = False,
) -> None:
    """Find the learning rate of a task.

    Ctrl-C once finishes the step and answers with what is known; twice stops at once.
    """
    from rightrate.cli import find as command
    from rightrate.cli.memory import Memory
    from rightrate.cli.question import Question

    options = {"momentum": momentum, "weight_decay": weight_decay}
    training = {"batch_size": batch_size, "device": device}
    question = Question(
        spec=spec,
        target=target,
        optimizer=optimizer,
        optimizer_options={name: value for name, value in options.items() if value is not None},
        schedule=schedule,
        warmup_steps=warmup,
        training={name: value for name, value in training.items() if value is not None},
        search={
            "steps": steps,
            "epochs": epochs,
            "budget": budget,
            "objective": objective,
            "tolerance": tolerance,
            "seed": seed,
            "engine": engine,
        },
    )
    with mistakes_reported():
        output = command.Output(json=json, report=report, quiet=quiet)
        code = command.find(question, output, Memory.chosen(store, no_store=no_store, fresh=fresh))
    raise typer.Exit(code)


@app.command()
def tasks(
    json: Annotated[str | None, typer.Option(metavar="FILE", help="Write JSON instead; - is stdout.")] = None,
) -> None:
    """List the built-in tasks: model, data with its size and where it comes from, length."""
    from rightrate.cli import tasks as command

    with mistakes_reported():
        code = command.tasks(json=json)
    raise typer.Exit(code)


@app.command()
def doctor(
    json: Annotated[str | None, typer.Option(metavar="FILE", help="Write JSON instead; - is stdout.")] = None,
) -> None:
    """Say what this machine has and what is missing; the exit code is 1 if that is needed."""
    from rightrate.cli import doctor as command

    with mistakes_reported():
        code = command.doctor(json=json)
    raise typer.Exit(code)


app.command(epilog="Exit codes: 0 compared, 1 nothing trained, 2 misuse, 130 interrupted.")(compare.compare)
app.command(epilog="Exit codes: 0 a rate converged, 1 none did, 2 misuse.")(descend.descend)
app.command(epilog="Exit codes: 0 shown, 2 misuse.")(preview.preview)
app.add_typer(runs.app)
app.command(epilog="Exit codes: 0 a winner, 1 nothing trained, 2 misuse, 130 interrupted.")(tune.tune)
app.command(epilog="Exit codes: 0 followed to the end, 2 misuse, 130 interrupted.")(watch.watch)
