"""The recorded runs of the truth: a compressed table a task, replaced as a whole, so no kill loses it."""

import csv
import gzip
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.cases import Case

__all__ = ["FOLDER", "Run", "read", "write"]

FOLDER = Path(__file__).with_name("recorded")
_FIELDS = ("optimizer", "schedule", "steps", "seed", "lr", "kind", "seconds", "accuracy", "seen", "losses")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training run.

    Args:
        case: What was trained.
        steps: Its length in optimizer steps.
        seed: Of weights, batches and draws.
        lr: Peak rate.
        kind: "grid" for a rate of the grid, "picked" for one that an answer stands on.
        seconds: CPU time of the training, evaluations included.
        accuracy: At the end; None where the task has none.
        seen: Loss at the end on training batches it has seen; NaN where it failed, None if not recorded.
        losses: Validation loss at even distances, the last one at the end; NaN once it has failed.
    """

    case: Case
    steps: int
    seed: int
    lr: float
    kind: str
    seconds: float
    accuracy: float | None
    seen: float | None
    losses: tuple[float, ...]


def read(task: str) -> list[Run]:
    """Return the runs of a task, none if there is no file."""
    path = FOLDER / f"{task}.csv.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", newline="") as file:
        return [
            Run(
                case=Case(task=task, optimizer=row["optimizer"], schedule=row["schedule"]),
                steps=int(row["steps"]),
                seed=int(row["seed"]),
                lr=float(row["lr"]),
                kind=row["kind"],
                seconds=float(row["seconds"]),
                accuracy=float(row["accuracy"]) if row["accuracy"] else None,
                seen=float(row["seen"]) if row.get("seen") else None,
                losses=tuple(map(float, row["losses"].split())),
            )
            for row in csv.DictReader(file)
        ]


def write(task: str, runs: Iterable[Run]) -> None:
    """Replace the runs of a task; the bytes depend on the runs alone."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_FIELDS)
    for run in sorted(runs, key=lambda run: (run.case, run.steps, run.seed, run.lr)):
        accuracy = "" if run.accuracy is None else f"{run.accuracy:.4g}"
        seen = "" if run.seen is None else f"{run.seen:.5g}"
        losses = " ".join(f"{loss:.5g}" for loss in run.losses)
        numbers = (run.steps, run.seed, repr(run.lr), run.kind, f"{run.seconds:.3g}")
        table.writerow((run.case.optimizer, run.case.schedule, *numbers, accuracy, seen, losses))
    FOLDER.mkdir(exist_ok=True)
    temporary = FOLDER / f".{task}.{os.getpid()}"
    with temporary.open("wb") as file:
        file.write(gzip.compress(text.getvalue().encode(), mtime=0))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(FOLDER / f"{task}.csv.gz")
