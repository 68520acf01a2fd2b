"""The two tables of a comparison: each contender at its own best rate, and all at the same rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rightrate.report.compare_text import contender_text
from rightrate.report.text import count, duration, rate, value
from rightrate.search.compare_record import Best, CompareRecord, CompareTrial, Contender

__all__ = ["Table", "best_table", "same_table", "text_table"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of texts.

    Args:
        heads: Of the columns; the first column holds names, the others numbers.
        rows: One text for each column.
        order: For each row and column, what it is sorted by: a number, or a text.
        marked: (row, column) of the best in its column, where one is.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    order: tuple[tuple[float | str, ...], ...]
    marked: frozenset[tuple[int, int]] = frozenset()


def best_table(record: CompareRecord) -> Table | None:
    """Return every contender at its own best rate, the best first; None where nothing was trained.

    Besides the rate: every metric on validation and training data, training against validation, steps and
    seconds to the target, sensitivity, seconds a step, bytes of optimizer state a parameter.
    """
    if not record.analysis.best:
        return None
    columns = [_names(record), _rates(record), *_metrics(record), _fitting(record), *_times(record)]
    columns += [column for column in (_sensitivity(record), *_facts(record)) if column is not None]
    return _table(columns)


def same_table(record: CompareRecord) -> Table | None:
    """Return what every contender reached at the rates that all share, in the objective; None without any."""
    analysis, run = record.analysis, record.settings.run
    if not analysis.shared_lrs or len(analysis.best) < 2:
        return None
    contenders = list(dict.fromkeys(reading.contender for reading in analysis.readings))
    names = [contender_text(record.settings, contender) for contender in contenders]
    columns: list[_Column] = [("", [(name, name) for name in names])]
    marked = set()
    for place, lr in enumerate(analysis.shared_lrs, start=1):
        found = [analysis.reading(contender, lr) for contender in contenders]
        means = [math.nan if reading is None else reading.mean for reading in found]
        columns.append((f"{run.objective} at {rate(lr)}", [(_shown(mean), mean) for mean in means]))
        finite = [mean for mean in means if math.isfinite(mean)]
        if finite:
            marked.add((means.index(min(finite) if run.direction == "min" else max(finite)), place))
    return _table(columns, frozenset(marked))


def text_table(table: Table) -> list[str]:
    """Return a table as lines of text: the first column to the left, the others to the right."""
    rows = [table.heads, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.heads))]
    return [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


_Column = tuple[str, Sequence[tuple[str, float | str]]]
"""A head, and for each row what is shown and what it is sorted by."""


def _table(columns: Sequence[_Column], marked: frozenset[tuple[int, int]] = frozenset()) -> Table:
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    return Table(
        heads=tuple(head for head, _ in columns),
        rows=tuple(tuple(text for text, _ in row) for row in rows),
        order=tuple(tuple(key for _, key in row) for row in rows),
        marked=marked,
    )


def _names(record: CompareRecord) -> _Column:
    names = [contender_text(record.settings, best.contender) for best in record.analysis.best]
    return "", [(name, name) for name in names]


def _rates(record: CompareRecord) -> _Column:
    return "lr", [(rate(best.lr), best.lr) for best in record.analysis.best]


def _metrics(record: CompareRecord) -> list[_Column]:
    names = list(dict.fromkeys(name for trial in record.trials for name in trial.valid))
    found: list[_Column] = []
    for name in names:
        for kind, which in (("valid", "valid"), ("train", "seen")):
            means = [_mean(record, best, which, name) for best in record.analysis.best]
            found.append((f"{kind} {name}", [(_shown(mean), mean) for mean in means]))
    return found


def _mean(record: CompareRecord, best: Best, which: str, name: str) -> float:
    values = [getattr(trial, which).get(name, math.nan) for trial in _own(record, best)]
    return sum(values) / len(values) if values else math.nan


def _own(record: CompareRecord, best: Best) -> list[CompareTrial]:
    return [trial for trial in record.trials if trial.contender == best.contender and trial.lr == best.lr]


def _fitting(record: CompareRecord) -> _Column:
    cells: list[tuple[str, float | str]] = []
    for best in record.analysis.best:
        reading = record.analysis.reading(best.contender, best.lr)
        kind = "" if reading is None else reading.fitting.kind
        turned = None if reading is None else reading.fitting.turned_step
        cells.append((kind if turned is None else f"{kind} from {count(turned)}", kind))
    return "fitting", cells


def _times(record: CompareRecord) -> list[_Column]:
    target = record.analysis.levels.target
    if target is None:
        return []
    times = {item.contender: item for item in record.analysis.reached}
    steps = [times[best.contender].steps for best in record.analysis.best]
    seconds = [times[best.contender].seconds for best in record.analysis.best]
    return [
        (
            f"steps to {value(target)}",
            [("never", math.inf) if step is None else (count(round(step)), step) for step in steps],
        ),
        ("time", [("", math.inf) if item is None else (duration(item), item) for item in seconds]),
    ]


def _sensitivity(record: CompareRecord) -> _Column | None:
    means: dict[Contender, float] = {item.contender: item.mean for item in record.analysis.sensitivities}
    if not means:
        return None
    found = [means.get(best.contender) for best in record.analysis.best]
    return "sensitivity", [("", math.inf) if mean is None else (_shown(mean), mean) for mean in found]


def _facts(record: CompareRecord) -> list[_Column]:
    facts = {item.optimizer: item for item in record.facts}
    own = [facts[best.contender.optimizer] for best in record.analysis.best]
    step = [item.step_seconds for item in own]
    state = [item.state_bytes for item in own]
    return [
        ("a step", [("", math.inf) if x is None else (f"{1000 * x:.3g} ms", x) for x in step]),
        ("state", [("", math.inf) if x is None else (f"{x:.3g} B", x) for x in state]),
    ]


def _shown(number: float) -> str:
    return value(number) if math.isfinite(number) else "failed"
