"""Turns columns into one array of numbers, fitted on the training rows alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from rightrate.tasks.csv.columns import Columns
from rightrate.tasks.csv.words import listed

__all__ = ["Features", "encode"]

_MOST_ONE_HOT = 12
_MOST_LEVELS = 2000
_FEWEST_OF_A_LEVEL = 3
_FARTHEST = 10.0
_MISSING = "(missing)"


@dataclass(frozen=True, kw_only=True)
class Features:
    """What the model sees.

    Args:
        values: float32, shape (rows, numbers + embedded columns): numbers, then level numbers.
        numbers: How many of the columns are numbers.
        levels: For each embedded column the size of its table; level 0 is what training never saw.
        notes: What was done, one sentence each.
    """

    values: NDArray[np.float32]
    numbers: int
    levels: tuple[int, ...]
    notes: tuple[str, ...]


def encode(columns: Columns, train: NDArray[np.bool_]) -> Features:
    """Return the features of all rows; whatever is estimated is estimated on the rows of `train`.

    Numbers: missing ones become the median and are marked in a column of their own, then all are standardised
    and cut off at ten standard deviations. Categories: missing is a level; up to 12 levels are one-hot, more
    are numbered for an embedding, where levels of fewer than three rows, and all beyond 2,000, share one. A
    column whose levels all are that rare is left out.
    """
    levels = {str(name): columns.categories[name][train].nunique() for name in columns.categories}
    small = [name for name, count in levels.items() if count <= _MOST_ONE_HOT]
    large = [name for name in levels if name not in small]
    numbers = pd.concat([columns.numbers, _seasons(columns.dates)], axis=1)
    blocks = [_numbers(numbers, train), _one_hot(columns.categories[small], train)]
    coded = {name: _codes(columns.categories[[name]], train) for name in large}
    codes = [code for code in coded.values() if code[1] > 2]
    known = np.concatenate([np.empty((len(train), 0)), *blocks], axis=1)
    embedded = np.column_stack([known, *(code for code, _ in codes)]) if codes else known
    return Features(
        values=embedded.astype(np.float32),
        numbers=known.shape[1],
        levels=tuple(size for _, size in codes),
        notes=_notes(columns, levels, {name: size for name, (_, size) in coded.items()}),
    )


def _numbers(numbers: pd.DataFrame, train: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not numbers.shape[1]:
        return np.empty((len(numbers), 0))
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    values = numbers.to_numpy(dtype=np.float64)
    scaled = make_pipeline(imputer, StandardScaler()).fit(values[train]).transform(values)
    return np.clip(np.asarray(scaled, dtype=np.float64), -_FARTHEST, _FARTHEST)


def _one_hot(categories: pd.DataFrame, train: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not categories.shape[1]:
        return np.empty((len(categories), 0))
    filled = categories.fillna(_MISSING).to_numpy(dtype=object)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, drop=None)
    return np.asarray(encoder.fit(filled[train]).transform(filled), dtype=np.float64)


def _codes(category: pd.DataFrame, train: NDArray[np.bool_]) -> tuple[NDArray[np.float64], int]:
    """Return the level of each row, 0 where training never saw it, and the number of levels with that one."""
    filled = category.fillna(_MISSING).to_numpy(dtype=object)
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=-1,
        min_frequency=_FEWEST_OF_A_LEVEL,
        max_categories=_MOST_LEVELS,
    )
    codes = np.asarray(encoder.fit(filled[train]).transform(filled), dtype=np.float64)[:, 0] + 1
    return codes, int(codes.max()) + 1


def _seasons(dates: pd.DataFrame) -> pd.DataFrame:
    """Return season, day of the week and hour of each date as points on circles, where they vary.

    The date itself is not used: all of validation would lie beyond anything training saw.
    """
    circles: dict[str, NDArray[np.float64]] = {}
    for name in dates:
        moment = dates[name].dt
        hour = moment.hour + moment.minute / 60
        for unit, phase in (
            ("year", moment.day_of_year / 365.25),
            ("week", moment.day_of_week / 7),
            ("day", hour / 24),
        ):
            if phase.nunique() > 1:
                circles[f"{name} {unit} sine"] = np.sin(2 * np.pi * phase).to_numpy()
                circles[f"{name} {unit} cosine"] = np.cos(2 * np.pi * phase).to_numpy()
    return pd.DataFrame(circles, index=dates.index)


def _notes(columns: Columns, levels: dict[str, int], sizes: dict[str, int]) -> tuple[str, ...]:
    """Return what was done; `levels` counts those in the training rows, `sizes` those in the embeddings."""
    notes = []
    holes = [name for name in columns.numbers if columns.numbers[name].isna().any()]
    if holes:
        notes.append(f"Missing numbers become the median and are marked as missing: {listed(holes)}.")
    holes = [name for name in columns.categories if columns.categories[name].isna().any()]
    if holes:
        notes.append(f"Missing is a category of its own in {listed(holes)}.")
    for name, size in sizes.items():
        if size <= 2:
            notes.append(
                f"Column {name!r} has {levels[name]:,} categories, all of them rare, and is left out."
            )
            continue
        merged = levels[name] - size + 2
        rare = f"; {merged:,} rare ones share one level" if merged > 1 else ""
        notes.append(f"Column {name!r} has {levels[name]:,} categories and gets an embedding{rare}.")
    return tuple(notes)
