"""The options that several commands share: each is written once and means the same everywhere."""

from typing import Annotated, Any

import typer

__all__ = [
    "OUTPUT",
    "RUN",
    "SEARCH",
    "STORE",
    "BatchSize",
    "Device",
    "Engine",
    "Epochs",
    "Fresh",
    "Json",
    "JsonInstead",
    "Momentum",
    "NoStore",
    "Objective",
    "Optimizer",
    "Report",
    "ScheduleText",
    "Seed",
    "Spec",
    "Steps",
    "Store",
    "Target",
    "Tolerance",
    "WeightDecay",
    "given",
]

RUN, SEARCH, OUTPUT, STORE = "The run", "The search", "The answer", "The store"
"""What the options are listed under."""

Spec = Annotated[str, typer.Argument(metavar="TASK", help="A built-in task, a CSV file, or file.py:name.")]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of a CSV file to predict.")]

Optimizer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="sgd, adamw, ..., or a class such as pytorch_optimizer.Lion; the task's own.",
        rich_help_panel=RUN,
    ),
]
Momentum = Annotated[float | None, typer.Option(help="Momentum of the optimizer.", rich_help_panel=RUN)]
WeightDecay = Annotated[
    float | None, typer.Option(help="Weight decay of the optimizer.", rich_help_panel=RUN)
]
ScheduleText = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help='constant, linear, cosine, ..., or one of a length: "warmup(200) + cosine(1800)".',
        rich_help_panel=RUN,
    ),
]
Steps = Annotated[
    int | None, typer.Option(help="Length of the real run in optimizer steps.", rich_help_panel=RUN)
]
Epochs = Annotated[
    float | None, typer.Option(help="The same in passes over the training data.", rich_help_panel=RUN)
]
BatchSize = Annotated[
    int | None, typer.Option(help="Samples in a batch; the task's own.", rich_help_panel=RUN)
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ...", rich_help_panel=RUN)]

Objective = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="loss, or a metric such as accuracy:max.", rich_help_panel=SEARCH),
]
Tolerance = Annotated[
    float, typer.Option(help="How much worse than the best is still good.", rich_help_panel=SEARCH)
]
Seed = Annotated[int, typer.Option(help="Of weights, batches and random draws.", rich_help_panel=SEARCH)]
Engine = Annotated[str, typer.Option(metavar="NAME", help="auto, serial or stacked.", rich_help_panel=SEARCH)]

Json = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write the result as JSON; - is stdout.", rich_help_panel=OUTPUT),
]
Report = Annotated[
    str | None, typer.Option(metavar="FILE", help="Write an HTML report.", rich_help_panel=OUTPUT)
]
JsonInstead = Annotated[str | None, typer.Option(metavar="FILE", help="Write JSON instead; - is stdout.")]

Store = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Where it is remembered, to go on after anything; runs.db in this folder, or what the "
        "environment variable RIGHTRATE_STORE says.",
        rich_help_panel=STORE,
    ),
]
NoStore = Annotated[bool, typer.Option("--no-store", help="Remember nothing.", rich_help_panel=STORE)]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start anew, whatever is remembered.", rich_help_panel=STORE)
]


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given, by name.

    Example:
        >>> given(momentum=0.9, weight_decay=None)
        {'momentum': 0.9}
    """
    return {name: value for name, value in options.items() if value is not None}
