"""A small record to print."""

from dataclasses import replace
from typing import Any

from rightrate.search.record import (
    Answer,
    Cliff,
    Cost,
    Fit,
    GoodRange,
    Levels,
    Provenance,
    Record,
    Settings,
    Trial,
)

RECORD = Record(
    settings=Settings(
        task="digits",
        description="an MLP",
        optimizer="sgd(momentum=0.9)",
        schedule="cosine",
        steps=2000,
        budget=1.0,
        objective="loss",
        direction="min",
    ),
    answer=Answer(
        lr=0.0123,
        good=GoodRange(low=0.005, high=0.02),
        cliff=Cliff(max_stable=0.1, lowest_failed=0.2, steps=1500, schedule="cosine"),
        status="found",
        message="Use a learning rate of 0.0123.",
        reasons=("It was measured.", "Twice."),
    ),
    trials=(Trial(lr=0.1, seed=0, steps=2, rung=0, kind="probe", metrics={"loss": 1.0}),),
    levels=Levels(untrained=2.3),
    fit=Fit(),
    cost=Cost(steps={"range": 60, "probe": 1800}, run_equivalents=0.93, seconds={"total": 83.0}),
    provenance=Provenance(versions={"torch": "2"}, seed=0, device="cpu", threads=2, engine="serial: forced"),
)


def answered(**changes: Any) -> Record:
    """Return the record with another answer."""
    return replace(RECORD, answer=replace(RECORD.answer, **changes))
