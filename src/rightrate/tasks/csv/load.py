"""A CSV file as a task: reading, types, split, preprocessing and a default model."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from rightrate import _check
from rightrate.errors import DataError, describe
from rightrate.tasks import metrics
from rightrate.tasks.csv.columns import Columns, sort_columns
from rightrate.tasks.csv.features import Features, encode
from rightrate.tasks.csv.leaks import suspects
from rightrate.tasks.csv.network import TableNetwork
from rightrate.tasks.csv.reading import Table, read
from rightrate.tasks.csv.splitting import split_at_random, split_by_time
from rightrate.tasks.csv.target import Target, read_target
from rightrate.tasks.csv.words import closest, listed
from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["load_csv"]

_EPOCHS = 15
_FEWEST_STEPS = 1000


def load_csv(path: str | PathLike[str], target: str, *, seed: int = 0) -> Task:
    """Return a task that predicts one column of a CSV file from the others.

    Whatever is inferred or decided is said in `task.info.notes`: classification or regression, the types of
    the columns, what is left out, how the rows are divided, imbalance, suspected leaks. Preprocessing is
    fitted on the training rows. The model is an MLP over standardised numbers, one-hot and embedded
    categories.

    Args:
        path: The file, with a header line. Of more than 200,000 rows a random sample is used.
        target: The column to predict.
        seed: Decides which rows are held out, >= 0.

    Raises:
        TaskError: If there is no such file.
        DataError: If the file, the target or the columns cannot be used.
        ConfigError: If the seed is not an integer >= 0.
    """
    _check.integer("load_csv(seed=...)", seed, low=0)
    path = Path(path)
    table = read(path, seed=seed)
    frame, target_text, notes = _target_column(path, table, target)
    goal = read_target(target, target_text)
    columns = sort_columns(frame)
    if not (columns.numbers.shape[1] + columns.categories.shape[1] + columns.dates.shape[1]):
        received = " ".join(columns.notes) or "no other column"
        raise DataError(describe(f"The columns beside {target!r}", "of some use", received))
    valid, split_note = _split(columns, goal, seed)
    features = encode(columns, ~valid)
    found = (*table.notes, *notes, *goal.notes, split_note, *columns.notes, *features.notes)
    source = f"{path.name}: {table.rows:,} rows x {table.frame.shape[1]:,} columns"
    return _task(path.name, source, features, goal, valid, (*found, *suspects(columns, goal, valid, seed)))


def _target_column(
    path: Path, table: Table, target: str
) -> tuple[pd.DataFrame, "pd.Series[str]", tuple[str, ...]]:
    """Return the other columns and the target of the rows where it is known, and a note on the others."""
    frame = table.frame
    names = [str(name) for name in frame.columns]
    if target not in names:
        close = closest(target, names)
        advice = f"Did you mean {close!r}?" if close else ""
        allowed = f"one of its columns ({listed(names, most=20)})"
        raise DataError(describe(f"The target in {path.name!r}", allowed, target, advice))
    known = frame[target].notna()
    if not known.any():
        received = "no value in any row" if len(frame) else "a header without rows"
        raise DataError(describe(f"The target {target!r}", "known in at least 20 rows", received))
    lost = int((~known).sum())
    notes = (f"{lost:,} rows without a value of the target {target!r} are left out.",) if lost else ()
    frame = frame[known].reset_index(drop=True)
    return frame.drop(columns=target), frame[target], notes


def _split(columns: Columns, goal: Target, seed: int) -> tuple[NDArray[np.bool_], str]:
    """Return which rows are held out, and the sentence that says so."""
    fraction = 0.3 if len(goal.values) < 1000 else 0.2
    why_random = ""
    if columns.dates.shape[1]:
        name = columns.dates.notna().sum().idxmax()
        valid = split_by_time(columns.dates[name], fraction)
        if valid is not None and len(np.unique(goal.values[~valid])) > 1:
            first = columns.dates[name][valid].min()
            return valid, (
                f"Split by time: validation is the {int(valid.sum()):,} rows from {first:%Y-%m-%d %H:%M} on, "
                f"by column {name!r}."
            )
        why_random = f" not by time, because column {name!r} does not divide them usefully,"
    features = pd.concat([columns.numbers, columns.categories, columns.dates], axis=1)
    valid = split_at_random(features, goal.values if goal.classes else None, fraction, seed)
    how = "stratified by class" if goal.classes else "drawn at random"
    repeated = int(features.duplicated().sum())
    together = f" {repeated:,} rows that repeat another are on its side." if repeated else ""
    return valid, f"Validation is {int(valid.sum()):,} rows,{why_random} {how}.{together}"


def _task(
    name: str,
    source: str,
    features: Features,
    goal: Target,
    valid: NDArray[np.bool_],
    notes: tuple[str, ...],
) -> Task:
    """Return the task over finished features."""
    rows = int((~valid).sum())
    batch_size = 32 if rows < 2000 else 64 if rows < 20_000 else 256
    steps = max(_FEWEST_STEPS, math.ceil(_EPOCHS * rows / batch_size))
    outputs = len(goal.classes) or None
    values: NDArray[Any] = goal.values
    if outputs is None:
        mean, spread = float(values[~valid].mean()), float(values[~valid].std())
        values = (values - mean) / spread
        unit = (
            f"The target is standardised with the training rows: mean {mean:.6g}, one unit is {spread:.6g}."
        )
        notes = (*notes, unit)
    x = torch.from_numpy(features.values)
    y = torch.from_numpy(values.astype(np.int64 if outputs else np.float32))
    train_rows, valid_rows = torch.from_numpy(np.flatnonzero(~valid)), torch.from_numpy(np.flatnonzero(valid))
    what = f"tells {outputs} classes apart" if outputs else "predicts a number"
    inputs = f"{features.numbers} inputs and {len(features.levels)} embedded columns"
    return Task(
        model=partial(TableNetwork, features.numbers, features.levels, outputs),
        train=(x[train_rows], y[train_rows]),
        valid=(x[valid_rows], y[valid_rows]),
        loss=cross_entropy if outputs else mse_loss,
        metrics=_metrics(goal),
        training=Training(batch_size=batch_size),
        info=TaskInfo(
            name=name, description=f"MLP over {inputs} that {what}", source=source, steps=steps, notes=notes
        ),
    )


def _metrics(goal: Target) -> Mapping[str, Callable[[Tensor, Tensor], float]]:
    if not goal.classes:
        return {"r2": metrics.r2, "mae": metrics.mae}
    if not goal.imbalanced:
        return {"accuracy": metrics.accuracy}
    extra = {"roc_auc": metrics.roc_auc} if len(goal.classes) == 2 else {}
    return {"accuracy": metrics.accuracy, "balanced_accuracy": metrics.balanced_accuracy, **extra}
