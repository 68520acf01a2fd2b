"""Splits and scales the tables that ship with scikit-learn."""

from typing import Any

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import Tensor

__all__ = ["split"]


def split(
    x: Any, y: Any, *, valid_fraction: float, regression: bool, seed: int
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (features, targets) to train on and to validate on, scaled with the training rows alone.

    Args:
        x: Features, shape (N, columns).
        y: Targets, shape (N,): class numbers, or numbers to be standardised where `regression`.
        valid_fraction: Share of the rows held out, by class where not `regression`.
        regression: Whether targets are numbers.
        seed: Decides which rows are held out.
    """
    train, valid = train_test_split(
        np.arange(len(y)), test_size=valid_fraction, stratify=None if regression else y, random_state=seed
    )
    features = StandardScaler().fit(x[train]).transform(x)
    if regression:
        y = (y - y[train].mean()) / y[train].std()
    inputs = torch.tensor(features, dtype=torch.float32)
    targets = torch.tensor(y, dtype=torch.float32 if regression else torch.int64)
    return (inputs[train], targets[train]), (inputs[valid], targets[valid])
