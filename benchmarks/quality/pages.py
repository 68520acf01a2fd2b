"""The page of results: bars, tables for all tasks and each half, rows of cases, what was asked."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from benchmarks.quality.bars import bar_rows, bars
from benchmarks.quality.scores import Book, Scored
from benchmarks.quality.table import (
    WIDE,
    case_rows,
    grouped,
    markdown,
    noise_floor,
    tool_rows,
    without_wide,
)
from benchmarks.quality.tasks import ENTRIES

__all__ = ["page"]

_PACKAGES = (
    "torch",
    "rightrate",
    "fastai",
    "pytorch-lightning",
    "torch-lr-finder",
    "pytorch-ignite",
    "optuna",
    "ray",
    "prodigyopt",
    "schedulefree",
    "dog-optimizer",
    "dadaptation",
)
_IN_CASE_ROWS = ("rightrate 1x", "rightrate 0.25x", "default", "grid of 8", "Optuna TPE 4x", "fastai valley")


def page(scored: Sequence[Scored], book: Book) -> str:
    """Return the whole page as Markdown."""
    plain = without_wide(scored)
    halves = sorted({item.answer.case.half for item in scored})
    parts = [
        "# Regret of recommended learning rates",
        "Made by `python -m benchmarks.quality`. Regret is (reached - best) / (untrained - best) of the"
        " validation loss after a full-length run at the recommended rate; a failure is a regret above 0.5. A"
        " tool that crashed or found nothing counts as the framework's default rate. Seeds: five, three where"
        " every answer is a full-length training.",
        f"Noise floor of the truth: {noise_floor(book):.4f}, the mean regret of the best-looking rate when"
        " its seeds are drawn again.",
        "## All tasks",
        markdown(tool_rows(plain, book)),
    ]
    for half in halves:
        own = [item for item in plain if item.answer.case.half == half]
        parts += [f"## Tasks: {half}", markdown(tool_rows(own, book))]
    wide = [item for item in scored if item.answer.tool.endswith(WIDE)]
    if wide:
        parts += ["## All tasks, rates between 1e-6 and 1", markdown(tool_rows(wide, book))]
    judged = bars(scored, book)
    if judged:
        parts += ["## Bars", bar_rows(judged)]
    present = grouped(scored)
    parts += [
        "## Cases: mean regret over seeds",
        case_rows(scored, book, [tool for tool in _IN_CASE_ROWS if tool in present]),
    ]
    parts += [
        "## Crashes and missing suggestions",
        _notes(scored),
        "## Versions",
        _versions(),
        "## Tasks",
        _tasks(book),
    ]
    return "\n\n".join(parts) + "\n"


def _notes(scored: Sequence[Scored]) -> str:
    counts: dict[tuple[str, str], int] = {}
    for item in scored:
        if item.answer.note:
            key = (item.answer.tool, item.answer.note)
            counts[key] = counts.get(key, 0) + 1
    return (
        "\n".join(f"- {tool}: {note} ({count} answers)" for (tool, note), count in counts.items()) or "None."
    )


def _versions() -> str:
    lines = [f"- Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            lines.append(f"- {name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"- {name}: not installed")
    return "\n".join(lines)


def _tasks(book: Book) -> str:
    names = {case.task for case in book.truths}
    return "\n".join(
        f"- {name} ({entry.half}): {entry.kind}" for name, entry in ENTRIES.items() if name in names
    )
