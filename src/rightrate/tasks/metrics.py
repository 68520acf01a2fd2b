"""Metrics of the built-in and CSV tasks: `f(outputs, targets) -> float` over a whole validation set."""

import torch
from torch import Tensor

__all__ = ["accuracy", "balanced_accuracy", "mae", "r2", "roc_auc"]


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Return the share of targets whose class has the largest output; classes along the last axis.

    Example:
        >>> accuracy(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([0, 0]))
        0.5
    """
    return float((outputs.argmax(dim=-1) == targets).double().mean())


def balanced_accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Return the mean over the classes that occur of the share of each that is recognised.

    It is 1 / classes for a model that always names the same class, however rare the others are.

    Example:
        >>> balanced_accuracy(torch.tensor([[2.0, 1.0]] * 4), torch.tensor([0, 0, 0, 1]))
        0.5
    """
    hit = outputs.argmax(dim=-1) == targets
    shares = [hit[targets == label].double().mean() for label in torch.unique(targets)]
    return float(torch.stack(shares).mean())


def roc_auc(outputs: Tensor, targets: Tensor) -> float:
    """Return the area under the receiver operating characteristic of class 1 against class 0.

    It is the share of pairs of one row of each class that the outputs put in the right order, ties counted
    half; 0.5 where only one class occurs, because nothing can be ordered then.

    Example:
        >>> roc_auc(torch.tensor([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]]), torch.tensor([0, 1, 1]))
        1.0
    """
    scores = (outputs[:, 1] - outputs[:, 0]).double()
    positive = targets == 1
    pairs = int(positive.sum()) * int((~positive).sum())
    if not pairs:
        return 0.5
    _, place, counts = torch.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0) - (counts - 1).double() / 2)[place]
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / pairs)


def r2(outputs: Tensor, targets: Tensor) -> float:
    """Return the coefficient of determination: 1 is perfect, 0 is as good as the mean of the targets.

    Example:
        >>> r2(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0]))
        1.0
    """
    outputs, targets = outputs.double(), targets.double()
    spread = ((targets - targets.mean()) ** 2).sum()
    return float((1 - ((outputs - targets) ** 2).sum() / spread).item())


def mae(outputs: Tensor, targets: Tensor) -> float:
    """Return the mean absolute error, in the unit of the targets.

    Example:
        >>> mae(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]))
        1.5
    """
    return float((outputs.double() - targets.double()).abs().mean().item())
