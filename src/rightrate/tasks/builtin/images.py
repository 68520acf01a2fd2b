"""The digits as tensors, shared by the two tasks that read them."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

__all__ = ["digits"]


def digits(seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (images, labels) to train on and to validate on; images (N, 1, 8, 8) standardised as a whole."""
    data = load_digits()
    train, valid = train_test_split(
        range(len(data.target)), test_size=0.3, stratify=data.target, random_state=seed
    )
    images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(data.target, dtype=torch.int64)
    # One mean and one spread for all pixels: many border pixels never change, so they cannot be scaled alone.
    images = (images - images[train].mean()) / images[train].std()
    return (images[train], labels[train]), (images[valid], labels[valid])
