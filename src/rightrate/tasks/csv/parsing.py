"""Turns a column of text into numbers or dates where it holds them."""

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["as_dates", "as_numbers", "as_times_of_day", "as_timestamps"]

_MOSTLY = 0.95
"""A column is of a type if this share of its values is; the others count as missing."""

_TRIED = 1000
_DATE = re.compile(
    r"^\s*(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[- ][A-Za-z]{3,9}[- ,]|[A-Za-z]{3,9} \d{1,2},)"
)
_NAMED_DATE = re.compile(r"(?i)date|time|day\b|stamp|epoch|moment|_at\b")
_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y")
_DAYS_WITH_NAMES = ("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_FORMATS = (
    "ISO8601",
    *(day + time for day in (*_DAYS, *_DAYS_WITH_NAMES) for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p")),
)


def as_numbers(text: "pd.Series[str]") -> NDArray[np.float64] | None:
    """Return the numbers in a column, NaN where there is none, or None if it does not hold numbers.

    `$1,234.50`, `12 %` and, where nothing else fits, `3,14` are numbers too; infinities count as missing.

    Example:
        >>> as_numbers(pd.Series(["$1,000", None, "12%"]))
        array([1000.,   nan,   12.])
    """
    present = text.notna()
    plain = text[present].str.strip()
    bare = plain.str.replace(r"[$€£%\s]|USD|EUR", "", regex=True)
    grouped = bare.where(~bare.str.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?"), bare.str.replace(",", ""))
    decimal = bare.where(~bare.str.fullmatch(r"[-+]?\d+,\d+"), bare.str.replace(",", "."))
    for candidate in (plain, grouped, decimal):
        values = pd.to_numeric(candidate, errors="coerce").to_numpy(dtype=np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
        if len(values) and np.isfinite(values).mean() >= _MOSTLY:
            numbers = np.full(len(text), np.nan)
            # Squares of what is beyond overflow; nothing real is.
            numbers[present.to_numpy()] = np.clip(values, -1e100, 1e100)
            return numbers
    return None


def as_dates(text: "pd.Series[str]") -> "tuple[pd.Series[pd.Timestamp], str] | None":
    """Return the dates in a column (UTC, missing where there is none) and their format, or None.

    Example:
        >>> as_dates(pd.Series(["2024-01-31", "2024-02-01"]))[1]
        'ISO8601'
    """
    tried = text.dropna().iloc[:_TRIED]
    if not len(tried) or tried.str.match(_DATE).mean() < _MOSTLY:
        return None
    shares = [_parsed(tried, layout).notna().mean() for layout in _FORMATS]
    best = int(np.argmax(shares))
    if shares[best] < _MOSTLY:
        return None
    # A day above 12 may come late: the whole column decides between formats that fit its beginning.
    fitting = [layout for layout, share in zip(_FORMATS, shares, strict=True) if share == shares[best]]
    whole = [_parsed(text, layout) for layout in fitting]
    chosen = int(np.argmax([dates.notna().sum() for dates in whole]))
    return whole[chosen], fitting[chosen]


def _parsed(text: "pd.Series[str]", layout: str) -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(text, format=layout, errors="coerce", utc=True)


def as_times_of_day(text: "pd.Series[str]") -> NDArray[np.float64] | None:
    """Return the hours since midnight of a column such as `13:45`, NaN where missing, or None.

    Example:
        >>> as_times_of_day(pd.Series(["13:45", "00:30:00"]))
        array([13.75,  0.5 ])
    """
    parts = text.str.extract(r"^\s*(\d{1,2}):(\d{2})(?::(\d{2}))?\s*$")
    if text.notna().sum() == 0 or parts[0].notna().sum() < _MOSTLY * text.notna().sum():
        return None
    hour, minute, second = (pd.to_numeric(parts[place]) for place in range(3))
    return np.asarray(hour + minute / 60 + second.fillna(0).where(hour.notna()) / 3600, dtype=np.float64)


def as_timestamps(name: str, numbers: NDArray[np.float64]) -> "pd.Series[pd.Timestamp] | None":
    """Return the dates in whole numbers: 20240131, or seconds or milliseconds since 1970; None otherwise.

    Only columns whose name speaks of a time are taken for one.

    Example:
        >>> str(as_timestamps("order_date", np.array([20240131.0]))[0])
        '2024-01-31 00:00:00+00:00'
    """
    present = numbers[np.isfinite(numbers)]
    if not _NAMED_DATE.search(name) or not len(present):
        return None
    low, high = present.min(), present.max()
    if low >= 19000101 and high <= 21001231:
        digits = pd.Series(numbers).astype("Int64").astype("string")
        dates = pd.to_datetime(digits, format="%Y%m%d", errors="coerce", utc=True)
        return dates if dates.notna().sum() >= _MOSTLY * len(present) else None
    for factor in (1.0, 1e3):
        if low >= 3e8 * factor and high <= 5e9 * factor:
            seconds = np.where(np.isfinite(numbers), numbers / factor, np.nan)
            return pd.to_datetime(pd.Series(seconds), unit="s", utc=True)
    return None
