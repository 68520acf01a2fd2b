"""Batches as nests: tensors in tuples, lists and dicts, in any mixture."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from rightrate.errors import DataError, describe

__all__ = ["Batch", "as_tensor", "batch_size_of", "copied", "nbytes", "to_device"]

Batch = Any
"""A tensor, or tensors and other values in tuples, lists, dicts or objects with a `to(device)` method."""


def batch_size_of(batch: Batch) -> int:
    """Return the number of samples in a batch: the leading dimension of the first tensor in it.

    Raises:
        DataError: If the batch holds no tensor with at least one dimension.

    Example:
        >>> batch_size_of({"text": ["a", "b"], "label": torch.zeros(2)})
        2
    """
    for tensor in _tensors(batch):
        if tensor.ndim:
            return int(tensor.shape[0])
    advice = "Let the collate function return tensors with the samples along axis 0."
    raise DataError(describe("A batch", "tensors in a tuple, list or dict", batch, advice))


def to_device(batch: Batch, device: torch.device | str, *, fresh: bool = False) -> Batch:
    """Return the batch with every tensor on a device; whatever is no tensor is kept.

    Args:
        batch: Tensors in any nest of tuples, named tuples, lists and dicts.
        device: Where the tensors go.
        fresh: Copy tensors that are there already, so that nobody can change the caller's.
    """
    target = torch.device(device)

    def move(tensor: torch.Tensor) -> torch.Tensor:
        moved = tensor.to(target, non_blocking=target.type == "cuda")
        return moved.clone() if fresh and moved is tensor else moved

    return _map(batch, move, lambda thing: copy.copy(thing).to(target))


def copied(batch: Batch) -> Batch:
    """Return the batch with a copy of every tensor."""
    return _map(batch, torch.Tensor.clone, copy.copy)


def as_tensor(values: Any, where: str) -> torch.Tensor:
    """Return a tensor for an array: float64 arrays in torch's default dtype, integer arrays as int64.

    Tensors keep their dtype and memory; they are only detached.

    Raises:
        DataError: If the values are no array of numbers with at least one dimension.
    """
    if isinstance(values, torch.Tensor):
        tensor = values.detach()
    else:
        try:
            array = np.asarray(values)
        except ValueError:
            array = np.asarray(None)
        if array.dtype.kind not in "biuf":
            advice = "Encode text and categories as numbers first, or pass a map-style dataset."
            raise DataError(describe(where, "tensors or arrays of numbers", values, advice))
        if array.dtype == np.float64:
            array = array.astype(torch.empty(0, device="cpu").numpy().dtype)
        elif array.dtype.kind in "iu":
            array = array.astype(np.int64)
        # A copy where NumPy forbids writing or strides backwards: torch can share neither.
        writable = array.flags.writeable and all(stride >= 0 for stride in array.strides)
        tensor = torch.from_numpy(np.ascontiguousarray(array) if writable else array.copy())
    if tensor.ndim == 0:
        raise DataError(describe(where, "arrays with the samples along axis 0", values))
    return tensor


def nbytes(batch: Batch) -> int:
    """Return the bytes of all tensors in a batch."""
    return sum(tensor.nbytes for tensor in _tensors(batch))


def _tensors(batch: Batch) -> list[torch.Tensor]:
    if isinstance(batch, torch.Tensor):
        return [batch]
    if isinstance(batch, Mapping):
        batch = list(batch.values())
    if isinstance(batch, tuple | list):
        return [tensor for item in batch for tensor in _tensors(item)]
    return []


def _map(
    batch: Batch, move: Callable[[torch.Tensor], torch.Tensor], move_object: Callable[[Any], Any]
) -> Batch:
    if isinstance(batch, torch.Tensor):
        return move(batch)
    if type(batch) is dict:
        return {key: _map(value, move, move_object) for key, value in batch.items()}
    if type(batch) in (tuple, list):
        return type(batch)([_map(item, move, move_object) for item in batch])
    if callable(getattr(batch, "to", None)):
        return move_object(batch)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_map(item, move, move_object) for item in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(_map(item, move, move_object) for item in batch)
    if isinstance(batch, Mapping):
        other: Any = copy.copy(batch)
        for key in batch:
            other[key] = _map(batch[key], move, move_object)
        return other
    return batch
