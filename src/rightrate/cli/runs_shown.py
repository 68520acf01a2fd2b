"""Studies on the screen: a list, one of them, several side by side."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from rightrate.cli.console import console_for, printable
from rightrate.cli.files import write_json
from rightrate.store.plain import finite
from rightrate.store.reader import Contents, Listed, reading

__all__ = ["answer_of", "compare_studies", "list_studies", "listed", "show_study"]

_NO_ANSWER = {"lr": None, "status": "", "message": ""}


def list_studies(path: Path, *, json: str | None) -> None:
    """Print the studies of a store, or write them as JSON."""
    with reading(path) as store:
        found = [(study, answer_of(store.record(study.number))) for study in store.studies()]
    if json is not None:
        write_json(json, [finite({**asdict(study), "answer": answer}) for study, answer in found])
        return
    rows = [[*_columns(study), _answer(answer)] for study, answer in found]
    if rows:
        _print_table(["study", "what", "of", "status", "begun", "answer"], rows)
    else:
        sys.stdout.write(f"{printable(path.name)} has no studies.\n")


def listed(path: Path, numbers: Sequence[int]) -> list[str]:
    """Return a line for each of some studies.

    Raises:
        StoreError: If there is none of a number.
    """
    with reading(path) as store:
        found = [store.listed(number) for number in dict.fromkeys(numbers)]
    return [printable("  ".join(_columns(study))) for study in found]


def show_study(path: Path, number: int, *, json: str | None) -> None:
    """Print one study, or write all that is known of it as JSON."""
    with reading(path) as store:
        contents = store.study(number)
    if json is not None:
        write_json(json, finite(asdict(contents)))
        return
    study = contents.listed
    lines = [f"Study {study.number}: {study.kind} {study.name}, {study.status}"]
    lines += [f"{label}  {text}" for label, text in _aligned(_facts(contents))]
    if contents.notes:
        lines += ["", "Notes:", *(f"- {note}" for note in contents.notes)]
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))


def compare_studies(path: Path, numbers: Sequence[int], *, json: str | None) -> None:
    """Print studies side by side: what differs between their questions, and their answers."""
    with reading(path) as store:
        found = [store.study(number) for number in dict.fromkeys(numbers)]
    questions = [_question(contents) for contents in found]
    names = dict.fromkeys(name for question in questions for name in question)
    varied = [name for name in names if len({repr(question.get(name)) for question in questions}) > 1]
    answers = [answer_of(contents.record) for contents in found]
    if json is not None:
        sides = zip(found, questions, answers, strict=True)
        write_json(
            json,
            [
                finite(
                    {
                        "study": contents.listed.number,
                        "differs": {name: question.get(name) for name in varied},
                        "answer": answer,
                    }
                )
                for contents, question, answer in sides
            ],
        )
        return
    rows = [[name, *(_short(question.get(name)) for question in questions)] for name in varied]
    rows.append(
        [
            "status",
            *(
                answer["status"] or contents.listed.status
                for answer, contents in zip(answers, found, strict=True)
            ),
        ]
    )
    rows.append(["learning rate", *(_rate(answer["lr"]) for answer in answers)])
    _print_table(["", *(f"study {contents.listed.number}" for contents in found)], rows)


def answer_of(record: Any) -> dict[str, Any]:
    """Return learning rate, status and message of a record, as far as it has them."""
    answer = record.get("answer", record) if isinstance(record, Mapping) else {}
    if not isinstance(answer, Mapping):
        answer = {}
    lr = answer.get("lr")
    return {
        "lr": lr if isinstance(lr, float | int) else None,
        "status": str(answer.get("status", "")),
        "message": str(answer.get("message", "")),
    }


def _facts(contents: Contents) -> list[tuple[str, str]]:
    study, answer = contents.listed, answer_of(contents.record)
    facts = [("begun", _time(study.began))]
    if study.ended is not None:
        facts.append(("finished", _time(study.ended)))
    if study.owner is not None and study.status != "finished":
        facts.append(("worked on by" if study.status == "running" else "last worked on by", str(study.owner)))
    facts.append(("pieces", f"{len(contents.pieces)} finished"))
    if answer["lr"] is not None:
        facts.append(("learning rate", _rate(answer["lr"])))
    if answer["message"]:
        facts.append((answer["status"] or "answer", answer["message"]))
    facts += [(name, _short(value)) for name, value in contents.settings.items()]
    return [*facts, ("versions", ", ".join(f"{name} {value}" for name, value in contents.versions.items()))]


def _question(contents: Contents) -> dict[str, Any]:
    """Return all that a study asks about, by name; a digest by its first digits."""
    study = contents.listed
    parts = {f"the {name}": str(value)[:12] for name, value in contents.fingerprint.items()}
    return {"what": study.kind, "of": study.name, **contents.settings, **parts}


def _columns(study: Listed) -> list[str]:
    return [str(study.number), study.kind, study.name, study.status, _time(study.began)]


def _answer(answer: Mapping[str, Any]) -> str:
    rate = "" if answer["lr"] is None else f"lr {_rate(answer['lr'])}"
    return ", ".join(part for part in (rate, answer["status"]) if part)


def _rate(lr: float | None) -> str:
    from rightrate.report.text import rate

    return "none" if lr is None else rate(lr)


def _time(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):  # a clock that was set to nonsense, or somebody's joke
        return f"{seconds:g} s after 1970"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    if isinstance(value, list) and value:
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)


def _aligned(facts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    width = max(len(label) for label, _ in facts)
    return [(f"{label:<{width}}", text) for label, text in facts]


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal, and columns of plain text elsewhere."""
    shown = [[printable(cell) for cell in row] for row in rows]
    console = console_for(sys.stdout)
    if console.is_terminal:
        table = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in shown:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        return
    widths = [max(len(cell) for cell in column) for column in zip(heads, *shown, strict=True)]
    for line in (list(heads), *shown):
        cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
