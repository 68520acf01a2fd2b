"""What every tool answered: one row an answer, appended as it comes, so that the benchmark can go on."""

import csv
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from benchmarks.quality.cases import Case

__all__ = ["Answer", "append", "read_answers"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of one tool.

    Args:
        tool: The row of the table it belongs to, such as "fastai valley".
        case: What it was asked.
        seed: Of everything random.
        lr: The rate it recommends; None where it crashed, found none, or does not choose one.
        loss: What training itself reached, for tools that hand back a trained model without a rate to repeat
            (clipped nowhere, NaN if it diverged); None where `lr` is the answer.
        steps: Training steps it spent, all of its models together.
        seconds: CPU time it took.
        low: Lower end of the good range it reports, or None.
        high: Upper end.
        tolerance: The regret that it promises not to be exceeded within that range.
        status: Its own word for how sure it is, or "".
        note: What went wrong, one line: "TypeError: ..." where it crashed, "no suggestion", or "".
    """

    tool: str
    case: Case
    seed: int
    lr: float | None
    loss: float | None = None
    steps: int
    seconds: float
    low: float | None = None
    high: float | None = None
    tolerance: float | None = None
    status: str = ""
    note: str = ""


_FIELDS = ("tool", "task", "optimizer", "schedule", *(item.name for item in fields(Answer)[2:]))


def append(path: Path, answers: Iterable[Answer]) -> None:
    """Append answers and have them on disk before returning; a torn last line of a kill is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(0)
            text = file.read()
            whole = text.rfind(b"\n") + 1
            if whole < size:
                file.truncate(whole)
        lines = [] if size else [",".join(_FIELDS) + "\n"]
        for answer in answers:
            row = {**asdict(answer), **asdict(answer.case)}
            lines.append(_line([row[name] for name in _FIELDS]))
        file.write("".join(lines).encode())
        file.flush()
        os.fsync(file.fileno())


def _line(values: list[object]) -> str:
    texts = []
    for value in values:
        text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
        text = " ".join(text.split())
        texts.append('"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text)
    return ",".join(texts) + "\n"


def read_answers(path: Path) -> list[Answer]:
    """Return the answers of a file, none if there is none; a torn last line does not count."""
    if not path.exists():
        return []
    text = path.read_text()
    rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())

    def number(value: str) -> float | None:
        return float(value) if value else None

    return [
        Answer(
            tool=row["tool"],
            case=Case(task=row["task"], optimizer=row["optimizer"], schedule=row["schedule"]),
            seed=int(row["seed"]),
            lr=number(row["lr"]),
            loss=number(row["loss"]),
            steps=int(row["steps"]),
            seconds=float(row["seconds"]),
            low=number(row["low"]),
            high=number(row["high"]),
            tolerance=number(row["tolerance"]),
            status=row["status"],
            note=row["note"],
        )
        for row in rows
    ]
