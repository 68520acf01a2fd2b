"""`rightrate tune`: search that hands back the trained model."""

from typing import Annotated

import typer

from rightrate.cli.console import mistakes_reported

__all__ = ["tune"]

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
        typer.Option(
            help="pbt: members judged over a longer horizon; 0 is plain PBT.", rich_help_panel=_METHOD
        ),
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
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What remembers, so that the same command goes on where it stopped; runs.db.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Remember nothing.", rich_help_panel=_SEARCH)
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew, whatever is remembered.", rich_help_panel=_SEARCH)
    ] = False,
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
    from rightrate.cli.memory import Memory
    from rightrate.cli.question import Question
    from rightrate.cli.tuning import Asked, Output, tuned

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
        memory = Memory.chosen(store, no_store=no_store, fresh=fresh)
        code = tuned(asked, Output(weights=weights, json=json, report=report, quiet=quiet), memory)
    raise typer.Exit(code)
