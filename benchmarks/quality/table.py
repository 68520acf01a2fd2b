"""The result as text: one row a tool, for all tasks and for each half, and one row a case."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from benchmarks.quality.cases import Case
from benchmarks.quality.scores import Book, Scored, Summary, narrow, summary

__all__ = [
    "WIDE",
    "case_rows",
    "grouped",
    "losses",
    "markdown",
    "noise_floor",
    "short",
    "tool_rows",
    "without_wide",
]

WIDE = "(1e-6 to 1)"
"""Ends the name of a row whose rates were searched for in another range than the optimizer's own."""

_SHORT = (
    "rightrate 1x",
    "rightrate 0.25x",
    "Optuna TPE 4x",
    "Optuna TPE+Hyperband 4x",
    "Ray ASHA 4x",
    "grid of 8",
    "fastai valley",
    "Lightning",
    "torch-lr-finder",
    "ignite",
    "default",
)

_CHEAP = (
    "default",
    "constant 1e-3",
    "constant 3e-3",
    "constant 1e-2",
    "constant 1e-1",
    "fastai valley",
    "fastai slide",
    "fastai minimum",
    "fastai steep",
    "Lightning",
    "torch-lr-finder",
    "ignite",
    "Optuna TPE 1x",
    "Optuna TPE+Hyperband 1x",
    "Ray ASHA 1x",
)
"""Tools that cost no more than one run."""

_LOSSES = 10
_CLEARLY = 0.005

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


def without_wide(scored: Iterable[Scored]) -> list[Scored]:
    """Return the answers that were searched for in the optimizer's own range, as `find` does."""
    return [item for item in scored if not item.answer.tool.endswith(WIDE)]


def short(rows: Sequence[Summary]) -> str:
    """Return the rows people ask about first, with few columns."""
    lines = [
        "| tool | mean regret | worst | failures | run equivalents | cases |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.tool} | {row.mean:.3f} | {row.worst:.2f} | {row.failures} of {row.answers}"
        f" | {row.equivalents:.2f} | {row.cases} |"
        for row in rows
        if row.tool in _SHORT
    ]
    return "\n".join(lines)


def losses(scored: Sequence[Scored], tool: str = "rightrate 1x") -> str:
    """Return the cases where a tool's mean regret is highest, and what else did better there at its price."""
    means = _means(scored)
    worst = sorted((case for case, name in means if name == tool), key=lambda case: -means[case, tool])
    lines = ["| case | half | mean regret | better at most this price |", "| --- | --- | ---: | --- |"]
    for case in worst[:_LOSSES]:
        cheap = {
            name: value
            for (other, name), value in means.items()
            if other == case and name in _CHEAP and value < means[case, tool] - _CLEARLY
        }
        better = ", ".join(
            f"{name} ({value:.3f})" for name, value in sorted(cheap.items(), key=lambda x: x[1])
        )
        lines.append(f"| {case} | {case.half} | {means[case, tool]:.3f} | {better or 'nothing'} |")
    return "\n".join(lines)


def _means(scored: Sequence[Scored]) -> dict[tuple[Case, str], float]:
    regrets: dict[tuple[Case, str], list[float]] = {}
    for item in scored:
        regrets.setdefault((item.answer.case, item.answer.tool), []).append(item.regret)
    return {key: float(np.mean(values)) for key, values in regrets.items()}


def case_rows(scored: Sequence[Scored], book: Book, tools: Sequence[str]) -> str:
    """Return the mean regret of some tools on each case, with what is known about the case."""
    means = _means(scored)
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
