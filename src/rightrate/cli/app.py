"""The commands and their options. Nothing heavy is imported before a command runs."""

import sys
import traceback
from typing import Annotated

import typer

from rightrate.cli import compare, descend, options, preview, runs, tune, watch
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
    spec: options.Spec,
    target: options.Target = None,
    optimizer: options.Optimizer = None,
    momentum: options.Momentum = None,
    weight_decay: options.WeightDecay = None,
    schedule: options.ScheduleText = "constant",
    warmup: Annotated[
        int, typer.Option(metavar="STEPS", help="Length of a linear warm-up.", rich_help_panel=options.RUN)
    ] = 0,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    device: options.Device = None,
    budget: Annotated[
        float,
        typer.Option(
            help="What may be spent; 1 is one run's worth of steps.", rich_help_panel=options.SEARCH
        ),
    ] = 1.0,
    objective: options.Objective = None,
    tolerance: options.Tolerance = 0.02,
    seed: options.Seed = 0,
    engine: options.Engine = "auto",
    json: options.Json = None,
    report: options.Report = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print the learning rate alone.", rich_help_panel=options.OUTPUT),
    ] = False,
    store: options.Store = None,
    no_store: options.NoStore = False,
    fresh: options.Fresh = False,
) -> None:
    """Find the learning rate of a task.

    Ctrl-C once finishes the step and answers with what is known; twice stops at once.
    """
    from rightrate.cli import find as command
    from rightrate.cli.memory import Memory
    from rightrate.cli.question import Question

    question = Question(
        spec=spec,
        target=target,
        optimizer=optimizer,
        optimizer_options=options.given(momentum=momentum, weight_decay=weight_decay),
        schedule=schedule,
        warmup_steps=warmup,
        training=options.given(batch_size=batch_size, device=device),
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
    json: options.JsonInstead = None,
) -> None:
    """List the built-in tasks: model, data with its size and where it comes from, length."""
    from rightrate.cli import tasks as command

    with mistakes_reported():
        code = command.tasks(json=json)
    raise typer.Exit(code)


@app.command()
def doctor(
    json: options.JsonInstead = None,
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
