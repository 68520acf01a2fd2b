"""Decides whether a target is a class or a number."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rightrate.errors import DataError, describe
from rightrate.tasks.csv.parsing import as_numbers
from rightrate.tasks.csv.words import listed

__all__ = ["Target", "read_target"]

_FEWEST_ROWS = 20
_MOST_WHOLE_CLASSES = 10
_MOST_CLASSES = 1000
_RARE_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is predicted.

    Args:
        values: Class numbers (int64) or numbers (float64), shape (rows,).
        classes: The names of the classes; empty for a regression.
        imbalanced: Whether one class is much rarer than an even share of the rows.
        notes: What was inferred, one sentence each.
    """

    values: NDArray[Any]
    classes: tuple[str, ...] = ()
    imbalanced: bool = False
    notes: tuple[str, ...] = ()


def read_target(name: str, text: "pd.Series[str]") -> Target:
    """Return the target in a column without missing values.

    Text is a class. Numbers are classes if there are two values, or at most ten, all whole.

    Raises:
        DataError: If there are too few rows, one value only, or nearly as many classes as rows.
    """
    where = f"The target {name!r}"
    if len(text) < _FEWEST_ROWS:
        allowed = f"known in at least {_FEWEST_ROWS} rows"
        raise DataError(describe(where, allowed, len(text), "Nothing can be learned and checked on fewer."))
    numbers = as_numbers(text)
    if numbers is None:
        return _classes(name, text.str.strip())
    unusable = ~np.isfinite(numbers)
    if unusable.any():
        example = str(text[unusable].iloc[0])
        advice = f"Mend or empty the {int(unusable.sum()):,} cells that hold something else."
        raise DataError(describe(where, "a finite number in every row, or a class", example, advice))
    values = np.unique(numbers)
    whole = bool((values == np.round(values)).all())
    if len(values) <= 2 or (whole and len(values) <= _MOST_WHOLE_CLASSES):
        # Sorted as numbers: 2 comes before 10.
        names = pd.Series(numbers, index=text.index).map(lambda value: f"{value:g}")
        return _classes(name, names, [f"{value:g}" for value in values])
    note = f"Regression was inferred: {name!r} holds {len(values):,} different numbers."
    return Target(values=numbers, notes=(note,))


def _classes(name: str, text: "pd.Series[str]", order: list[str] | None = None) -> Target:
    """Return a target of classes."""
    where = f"The target {name!r}"
    counts = text.value_counts()
    if len(counts) < 2:
        raise DataError(describe(where, "of at least two different values", str(counts.index[0])))
    if len(counts) > min(_MOST_CLASSES, len(text) / 2):
        allowed = f"a number, or one of at most {int(min(_MOST_CLASSES, len(text) / 2)):,} classes"
        received = f"{len(counts):,} different texts in {len(text):,} rows"
        raise DataError(describe(where, allowed, received, "Is it the right column?"))
    classes = order if order is not None else sorted(counts.index)
    notes = [f"Classification was inferred: {name!r} holds {len(classes)} classes ({listed(classes)})."]
    rarest, commonest = counts.index[-1], counts.index[0]
    imbalanced = bool(counts.iloc[-1] < _RARE_SHARE * 2 / len(classes) * len(text))
    if imbalanced:
        notes.append(
            f"The classes are imbalanced: {commonest!r} in {counts.iloc[0] / len(text):.1%} of the rows, "
            f"{rarest!r} in {counts.iloc[-1] / len(text):.1%}."
        )
    values = pd.Categorical(text, categories=classes).codes.astype(np.int64)
    return Target(values=values, classes=tuple(classes), imbalanced=imbalanced, notes=tuple(notes))
