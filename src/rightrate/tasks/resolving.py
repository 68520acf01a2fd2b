"""Tells a built-in task, a CSV file and a task in a Python file apart."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rightrate.errors import TaskError, describe
from rightrate.tasks import registry
from rightrate.tasks.csv.words import closest
from rightrate.tasks.script import load_script, opened_script
from rightrate.tasks.task import Task

__all__ = ["resolve", "resolved"]

_TABLES = (".csv", ".tsv", ".txt")


def resolve(spec: str, *, target: str | None = None, seed: int = 0) -> Task:
    """Return the task a user named.

    Args:
        spec: The name of a built-in task, the path of a CSV file, or `file.py:name`.
        target: The column to predict; for CSV files only, and needed there.
        seed: Decides which samples of a built-in task or a CSV file are held out, >= 0.

    Raises:
        TaskError: If it is none of the three, or cannot be loaded, or `target` is missing or out of place.
        DataError: If a CSV file cannot be used.

    Example:
        >>> resolve("wine").info.name
        'wine'
    """
    if _is_table(spec):
        return _table(spec, target, seed)
    if target is not None:
        advice = "Other tasks know what they predict."
        raise TaskError(describe("The target", f"left out for the task {spec!r}", target, advice))
    if _is_script(spec):
        return load_script(spec)
    if spec in registry.names():
        return registry.load(spec, seed=seed)
    close = closest(spec, registry.names())
    listed = ", ".join(repr(name) for name in registry.names())
    allowed = f"a built-in one ({listed}), a CSV file, or 'file.py:name'"
    raise TaskError(describe("The task", allowed, spec, f"Did you mean {close!r}?" if close else ""))


@contextlib.contextmanager
def resolved(spec: str, *, target: str | None = None, seed: int = 0) -> Iterator[Task]:
    """Give the task a user named; within the block the modules of a `file.py:name` stay importable.

    Args:
        spec: As for `resolve`.
        target: As for `resolve`.
        seed: As for `resolve`.
    """
    if _is_script(spec) and target is None:
        with opened_script(spec) as task:
            yield task
    else:
        yield resolve(spec, target=target, seed=seed)


def _is_table(spec: str) -> bool:
    return Path(spec).suffix.lower() in _TABLES


def _is_script(spec: str) -> bool:
    return spec.endswith(".py") or ".py:" in spec


def _table(spec: str, target: str | None, seed: int) -> Task:
    from rightrate.tasks.csv.load import load_csv
    from rightrate.tasks.csv.reading import read
    from rightrate.tasks.csv.words import listed

    if target is None:
        columns = listed(list(read(Path(spec), seed=seed, most_rows=1).frame.columns))
        advice = f"It has {columns}. On the command line: rightrate find {spec} --target COLUMN."
        raise TaskError(describe("The target", "the name of the column to predict", target, advice))
    return load_csv(spec, target, seed=seed)
