"""Divides rows into those to train on and those to validate on."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rightrate.errors import DataError, describe

__all__ = ["split_at_random", "split_by_time"]

Mask = NDArray[np.bool_]


def split_at_random(features: pd.DataFrame, strata: NDArray[Any] | None, fraction: float, seed: int) -> Mask:
    """Return which rows are held out, so that rows with the same features are on the same side.

    Args:
        features: The features of all rows; what is equal in all of them counts as the same row.
        strata: The class of each row, each divided alike, or None. Same rows count to the class of the first.
        fraction: Share of the rows to hold out, in (0, 1); of a class with one row none is.
        seed: Decides which.

    Raises:
        DataError: If all rows have the same features.
    """
    same = features.groupby(list(features.columns), dropna=False, sort=False).ngroup().to_numpy()
    _, first, group, sizes = np.unique(same, return_index=True, return_inverse=True, return_counts=True)
    if len(first) < 2:
        raise DataError(
            describe("The rows of the file", "different from each other", "the same in every row")
        )
    held_out = np.zeros(len(first), dtype=bool)
    generator = np.random.default_rng(seed)
    classes = np.zeros(len(first), dtype=np.int64) if strata is None else strata[first]
    for label in np.unique(classes):
        order = generator.permutation(np.flatnonzero(classes == label))
        before = np.cumsum(sizes[order]) - sizes[order] / 2
        chosen = order[before <= fraction * sizes[order].sum()]
        held_out[chosen[: len(order) - 1]] = True
    if not held_out.any():
        held_out[generator.integers(len(first))] = True
    return np.asarray(held_out[group], dtype=bool)


def split_by_time(moments: "pd.Series[pd.Timestamp]", fraction: float) -> Mask | None:
    """Return which rows are held out: the last ones; rows of one moment stay together, unknown ones train.

    None if there are not two different moments.
    """
    known = moments.dropna().sort_values()
    if not len(known):
        return None
    cut = known.iloc[int(len(known) * (1 - fraction))]
    if cut == known.iloc[0]:
        later = known[known > cut]
        if not len(later):
            return None
        cut = later.iloc[0]
    return np.asarray((moments >= cut).fillna(False), dtype=bool)
