"""`rightrate compare`: optimizers, schedules and learning rates side by side."""

from typing import Annotated

import typer

from rightrate.cli.console import mistakes_reported

__all__ = ["compare"]

_WHAT, _RUN, _JUDGING, _OUTPUT, _STORE = "What is compared", "The run", "Judging", "The answer", "The store"


def compare(
    spec: Annotated[
        str, typer.Argument(metavar="TASK", help="A built-in task, a CSV file, or file.py:name.")
    ],
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
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a CSV file to predict.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Length of every run in optimizer steps.", rich_help_panel=_RUN)
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
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, serial or stacked.", rich_help_panel=_RUN)
    ] = "auto",
    objective: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="loss, or a metric such as accuracy:max.", rich_help_panel=_JUDGING
        ),
    ] = None,
    reach: Annotated[
        float | None,
        typer.Option(metavar="VALUE", help="The objective whose time is measured.", rich_help_panel=_JUDGING),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="How much worse than the best is still good.", rich_help_panel=_JUDGING)
    ] = 0.02,
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
            "--quiet", "-q", help="Print optimizer, schedule and rate alone.", rich_help_panel=_OUTPUT
        ),
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where it is remembered, to go on after anything; runs.db.",
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
    """Compare optimizers, schedules and learning rates over seeds.

    Every combination is trained for the full length on the same batches. Ctrl-C once finishes the step and
    answers with what is known; twice stops at once.
    """
    from rightrate.cli.comparing import Asked, compared, listed
    from rightrate.cli.find import Output
    from rightrate.cli.memory import Memory
    from rightrate.cli.question import Question

    training = {"batch_size": batch_size, "device": device}
    with mistakes_reported():
        question = Question(
            spec=spec,
            target=target,
            optimizer=None,
            optimizer_options={},
            schedule="constant",
            warmup_steps=0,
            training={name: given for name, given in training.items() if given is not None},
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
