"""Looks for single columns that give the target away."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from rightrate.tasks.csv.columns import Columns
from rightrate.tasks.csv.target import Target
from rightrate.tasks.csv.words import listed

__all__ = ["suspects"]

_NEARLY_PERFECT = 0.98
_MOST_ROWS = 2000


def suspects(columns: Columns, target: Target, valid: NDArray[np.bool_], seed: int) -> tuple[str, ...]:
    """Return a sentence that names the columns that alone predict the target nearly perfectly, if any.

    A tree over one column is grown on training rows and judged on rows held out: by balanced accuracy, or by
    the share of variance explained; 0.98 of either is nearly perfect.
    """
    generator = np.random.default_rng(seed)
    train_rows = generator.permutation(np.flatnonzero(~valid))[:_MOST_ROWS]
    valid_rows = generator.permutation(np.flatnonzero(valid))[:_MOST_ROWS]
    if len(np.unique(target.values[valid_rows])) < 2:
        return ()
    found = []
    for name, values in _candidates(columns):
        tree = (DecisionTreeClassifier if target.classes else DecisionTreeRegressor)(
            min_samples_leaf=2, random_state=0
        )
        tree.fit(values[train_rows, None], target.values[train_rows])
        predicted = tree.predict(values[valid_rows, None])
        judge = balanced_accuracy_score if target.classes else r2_score
        if judge(target.values[valid_rows], predicted) >= _NEARLY_PERFECT:
            found.append(name)
    if not found:
        return ()
    text = "Suspected leak: one column alone predicts the target nearly perfectly. Would it be known in time?"
    return (f"{text} {listed(found)}.",)


def _candidates(columns: Columns) -> list[tuple[str, NDArray[np.float64]]]:
    """Return every used column as numbers, missing as NaN."""
    numbers = [(str(name), columns.numbers[name].to_numpy(dtype=np.float64)) for name in columns.numbers]
    for name in columns.categories:
        codes = pd.factorize(columns.categories[name])[0].astype(np.float64)
        numbers.append((str(name), np.where(codes < 0, np.nan, codes)))
    return numbers
