"""`rightrate tune`: search that hands back the trained model."""

from typing import Annotated

import typer

from rightrate.cli import options
from rightrate.cli.console import mistakes_reported

__all__ = ["tune"]

_METHOD = "The method"


def tune(
    spec: options.Spec,
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
    target: options.Target = None,
    optimizer: options.Optimizer = None,
    momentum: options.Momentum = None,
    weight_decay: options.WeightDecay = None,
    schedule: options.ScheduleText = "constant",
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    device: options.Device = None,
    low: Annotated[
        float | None,
        typer.Option(help="Lowest learning rate; the optimizer's.", rich_help_panel=options.SEARCH),
    ] = None,
    high: Annotated[
        float | None,
        typer.Option(help="Highest learning rate; the optimizer's.", rich_help_panel=options.SEARCH),
    ] = None,
    objective: options.Objective = None,
    seed: options.Seed = 0,
    engine: options.Engine = "auto",
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write the winner's weights as safetensors.", rich_help_panel=options.OUTPUT
        ),
    ] = None,
    json: options.Json = None,
    report: options.Report = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Print the schedule alone, as preview reads it.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    store: options.Store = None,
    no_store: options.NoStore = False,
    fresh: options.Fresh = False,
) -> None:
    """Search for the best learning rate, or rates over time, and keep the trained winner.

    Ctrl-C once finishes the step and answers with what is known; twice stops at once.
    """
    from rightrate.cli.memory import Memory
    from rightrate.cli.question import Question
    from rightrate.cli.tuning import Asked, Output, tuned

    question = Question(
        spec=spec,
        target=target,
        optimizer=optimizer,
        optimizer_options=options.given(momentum=momentum, weight_decay=weight_decay),
        schedule=schedule,
        warmup_steps=0,
        training=options.given(batch_size=batch_size, device=device),
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
    own = options.given(
        members=members,
        factor=factor,
        ready_steps=ready_steps,
        slow=slow,
        trials=trials,
        sampler=sampler,
    )
    asked = Asked(
        question=question,
        method=method,
        options=own,
        low=low,
        high=high,
    )
    with mistakes_reported():
        memory = Memory.chosen(store, no_store=no_store, fresh=fresh)
        code = tuned(asked, Output(weights=weights, json=json, report=report, quiet=quiet), memory)
    raise typer.Exit(code)
