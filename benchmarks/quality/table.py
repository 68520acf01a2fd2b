"""The result as text: one row a tool, for all tasks and for each half, and one row a case."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from benchmarks.quality.cases import Case
from benchmarks.quality.scores import Book, Scored, Summary, narrow, summary

__all__ = ["case_rows", "grouped", "markdown", "noise_floor", "tool_rows"]

_COLUMNS: tuple[tuple[str, Callable[[Summary], str]], ...] = (
    ("tool", lambda row: row.tool),
    ("mean", lambda row: f"{row.mean:.4f}"),
    ("median", lambda row: f"{row.median:.4f}"),
    ("worst", lambda row: f"{row.worst:.3f}"),
    ("failures", lambda row: f"{row.failures} of {row.answers}"),
    ("within 0.01", lambda row: f"{row.within_1:.0%}"),
    ("within 0.05", lambda row: f"{row.within_5:.0%}"),
    ("accuracy, points", lambda row: _number(row.points, 2)),
    ("spread", lambda row: _number(row.spread, 2)),
    ("run equivalents", lambda row: f"{row.equivalents:.2f}"),
    ("CPU s", lambda row: f"{row.seconds:.1f}"),
    ("no answer", lambda row: str(row.unanswered)),
    ("cases", lambda row: str(row.cases)),
)


def grouped(scored: Iterable[Scored]) -> dict[str, list[Scored]]:
    """Return the answers by tool, in the order they come."""
    tools: dict[str, list[Scored]] = {}
    for item in scored:
        tools.setdefault(item.answer.tool, []).append(item)
    return tools


def tool_rows(scored: Sequence[Scored], book: Book) -> list[Summary]:
    """Return one row a tool, best mean regret first; cases where nothing trains are left out."""
    kept = [item for item in scored if book.truths[item.answer.case].trains()]
    rows = [summary(tool, items, book.truths) for tool, items in grouped(kept).items()]
    return sorted(rows, key=lambda row: row.mean)


def markdown(rows: Sequence[Summary]) -> str:
    """Return the rows as a Markdown table."""
    header = "| " + " | ".join(name for name, _ in _COLUMNS) + " |"
    line = "|" + "|".join(" --- " if place == 0 else " ---: " for place in range(len(_COLUMNS))) + "|"
    body = ["| " + " | ".join(show(row) for _, show in _COLUMNS) + " |" for row in rows]
    return "\n".join([header, line, *body])


def case_rows(scored: Sequence[Scored], book: Book, tools: Sequence[str]) -> str:
    """Return the mean regret of some tools on each case, with what is known about the case."""
    means: dict[tuple[Case, str], float] = {}
    for tool, items in grouped(scored).items():
        for case in {item.answer.case for item in items}:
            means[case, tool] = float(np.mean([item.regret for item in items if item.answer.case == case]))
    header = ["case", "half", "best rate", "good range", "floor", *tools]
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    for case, truth in book.truths.items():
        good = [lr for lr in truth.lr if truth.regret_at(lr) <= 0.02]
        best = truth.lr[int(truth.mean.argmin())]
        width = f"{min(good):.2g} to {max(good):.2g}{'' if narrow(truth) else ' (wide)'}" if good else "none"
        cells = [_number(means.get((case, tool), math.nan), 4) for tool in tools]
        note = "" if truth.trains() else " (nothing trains)"
        row = [f"{case}{note}", case.half, f"{best:.2g}", width, f"{truth.floor():.4f}", *cells]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def noise_floor(book: Book) -> float:
    """Return the mean over cases of what the grid itself cannot tell."""
    return float(np.mean([truth.floor() for truth in book.truths.values() if truth.trains()]))


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
