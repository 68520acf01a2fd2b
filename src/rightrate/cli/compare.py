"""`rightrate compare`: optimizers, schedules and learning rates side by side."""

from typing import Annotated

import typer

from rightrate.cli import options
from rightrate.cli.console import mistakes_reported

__all__ = ["compare"]

_WHAT = "What is compared"


def compare(
    spec: options.Spec,
    optimizers: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Such as sgd,momentum,adam, or classes such as pytorch_optimizer.Lion; the task's.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    lrs: Annotated[
        str,
        typer.Option(
            metavar="RATES",
            help="Such as 0.1,0.01, or find (what find recommends), find/3, find*3.",
            rich_help_panel=_WHAT,
        ),
    ] = "find/3,find,find*3",
    schedules: Annotated[
        str,
        typer.Option(
            metavar="TEXTS",
            help='Such as constant,cosine, or ones of a length: "cosine(600),step(600, every_steps=200)".',
            rich_help_panel=_WHAT,
        ),
    ] = "constant",
    seeds: Annotated[
        str,
        typer.Option(metavar="NUMBER", help="How many, or which ones: 7,8,9.", rich_help_panel=_WHAT),
    ] = "3",
    target: options.Target = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    device: options.Device = None,
    engine: options.Engine = "auto",
    objective: options.Objective = None,
    reach: Annotated[
        float | None,
        typer.Option(
            metavar="VALUE", help="The objective whose time is measured.", rich_help_panel=options.SEARCH
        ),
    ] = None,
    tolerance: options.Tolerance = 0.02,
    json: options.Json = None,
    report: options.Report = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print optimizer, schedule and rate alone.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    store: options.Store = None,
    no_store: options.NoStore = False,
    fresh: options.Fresh = False,
) -> None:
    """Compare optimizers, schedules and learning rates over seeds.

    Every combination is trained for the full length on the same batches.

    Ctrl-C once finishes the step and answers with what is known; twice stops at once.
    """
    from rightrate.cli.comparing import Asked, compared, listed
    from rightrate.cli.find import Output
    from rightrate.cli.memory import Memory
    from rightrate.cli.question import Question

    with mistakes_reported():
        question = Question(
            spec=spec,
            target=target,
            optimizer=None,
            optimizer_options={},
            schedule="constant",
            warmup_steps=0,
            training=options.given(batch_size=batch_size, device=device),
            search={
                "steps": steps,
                "epochs": epochs,
                "objective": objective,
                "engine": engine,
                "tolerance": tolerance,
                "budget": 1.0,
                "seed": 0,
            },
        )
        asked = Asked(
            question=question,
            optimizers=None if optimizers is None else listed("--optimizers", optimizers),
            lrs=listed("--lrs", lrs),
            schedules=listed("--schedules", schedules),
            seeds=listed("--seeds", seeds),
            target=reach,
        )
        output = Output(json=json, report=report, quiet=quiet)
        code = compared(asked, output, Memory.chosen(store, no_store=no_store, fresh=fresh))
    raise typer.Exit(code)
