"""A task of your own: `rightrate find examples/train.py:task`.

A small network tells malignant from benign tumours. Replace model, data and loss by yours; `task` may also be
a function without arguments that returns the Task.
"""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import rightrate as rr

inputs, targets = load_breast_cancer(return_X_y=True)
train_x, valid_x, train_y, valid_y = train_test_split(
    inputs, targets, test_size=0.3, stratify=targets, random_state=0
)
scaler = StandardScaler().fit(train_x)


def dataset(x: np.ndarray, y: np.ndarray) -> TensorDataset:
    """Return samples as tensors, standardised with the training rows."""
    return TensorDataset(torch.tensor(scaler.transform(x), dtype=torch.float32), torch.tensor(y))


def build() -> nn.Module:
    """Return a new model; the search calls it under its own seed."""
    return nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Return the fraction of samples told right."""
    return float((outputs.argmax(1) == targets).float().mean())


task = rr.Task(
    model=build,
    train=DataLoader(dataset(train_x, train_y), batch_size=32, shuffle=True),
    valid=DataLoader(dataset(valid_x, valid_y), batch_size=256),
    loss=nn.functional.cross_entropy,
    metrics={"accuracy": accuracy},
    info=rr.TaskInfo(name="tumours", description="MLP 30-32-2", steps=1200),
)
