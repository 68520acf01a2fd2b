"""Decides what each column of a table is: numbers, categories, dates, or nothing to learn from."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from rightrate.tasks.csv.parsing import as_dates, as_numbers, as_times_of_day, as_timestamps
from rightrate.tasks.csv.words import listed

__all__ = ["Columns", "sort_columns"]

_NAMED_ID = re.compile(r"(?i:(.*[_\s.-])?(id|uuid|guid|key)|row\s?names?|index|unnamed: \d+)|.*[a-z](Id|ID)")
_ID_DISTINCT = 0.9


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns that are used, by kind, and what was decided.

    Args:
        numbers: float64 columns, NaN where missing.
        categories: Text columns, missing where missing.
        dates: UTC timestamps, missing where missing.
        notes: One sentence for each decision.
    """

    numbers: pd.DataFrame
    categories: pd.DataFrame
    dates: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass
class _Sorting:
    """Columns and decisions as they are collected."""

    kinds: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    remarks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def sort_columns(frame: pd.DataFrame) -> Columns:
    """Return the columns of a table of text (without the target) by kind.

    Columns that are empty, hold one value, or only tell the rows apart are left out.
    """
    sorting = _Sorting()
    for name in frame.columns:
        kind, values, remark = _kind(str(name), frame[name])
        if kind is not None:
            sorting.kinds[kind][name] = values
        if remark:
            sorting.remarks[remark].append(str(name))
    notes = [f"{remark}: {listed(names)}." for remark, names in sorting.remarks.items()]
    return Columns(
        numbers=pd.DataFrame(sorting.kinds["number"], index=frame.index),
        categories=pd.DataFrame(sorting.kinds["category"], index=frame.index),
        dates=pd.DataFrame(sorting.kinds["date"], index=frame.index),
        notes=tuple(notes),
    )


def _kind(name: str, text: "pd.Series[str]") -> tuple[str | None, Any, str]:
    """Return the kind of a column ("number", "category", "date" or None), its values and a remark or ""."""
    distinct = text.nunique()
    if distinct == 0:
        return None, None, "Columns without any value are left out"
    if distinct == 1 and not text.isna().any():
        return None, None, "Columns with one value in all rows are left out"
    numbers = as_numbers(text)
    if numbers is not None:
        return _kind_of_numbers(name, text, numbers)
    dated = as_dates(text)
    if dated is not None:
        layout = "" if dated[1] == "ISO8601" else f" in the format {dated[1]}"
        return "date", dated[0], f"Dates{layout} (used as season, day of the week and hour)"
    hours = as_times_of_day(text)
    if hours is not None:
        return "number", hours, "Times of day are used as hours since midnight"
    if distinct > max(20, _ID_DISTINCT * text.notna().sum()):
        remark = "Text columns that differ in nearly every row (identifiers, names, free text) are left out"
        return None, None, remark
    return "category", text.str.strip(), ""


def _kind_of_numbers(name: str, text: "pd.Series[str]", numbers: Any) -> tuple[str | None, Any, str]:
    """Return the same for a column of numbers, which may be an identifier or the code of a category."""
    present = numbers[np.isfinite(numbers)]
    whole = bool((present == np.round(present)).all())
    moment = as_timestamps(name, numbers) if whole else None
    if moment is not None:
        return "date", moment, "Dates written as numbers (used as season, day of the week and hour)"
    steps = np.diff(present)
    if whole and len(steps) > 1 and ((steps > 0).all() or (steps < 0).all()):
        return None, None, "Columns that only number the rows are left out"
    if whole and _NAMED_ID.fullmatch(name.strip()):
        if len(np.unique(present)) > max(2, _ID_DISTINCT * len(present)):
            return None, None, "Columns that look like identifiers are left out"
        return "category", text.str.strip(), "Numbers named like identifiers are used as categories"
    lost = int(text.notna().sum()) - len(present)
    return "number", numbers, "In columns of numbers, what is not a number counts as missing" if lost else ""
