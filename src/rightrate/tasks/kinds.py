"""What kind of data was passed: arrays, a map-style dataset, or something to iterate."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from rightrate.errors import DataError, describe
from rightrate.tasks.nest import Batch, as_tensor

__all__ = ["ALLOWED", "as_arrays", "is_array", "is_map_style", "refuse_iterators", "sample_count"]

ALLOWED = "a DataLoader, a map-style dataset, a tuple of tensors or arrays, or a re-iterable of batches"

Pack = Callable[[list[torch.Tensor]], Batch]


def as_arrays(data: Any, where: str) -> tuple[list[torch.Tensor], Pack] | None:
    """Return tensors of one length and how a batch is made of them, or None if the data are no arrays."""
    items: list[Any]
    pack: Pack
    if is_array(data):
        items, pack = [data], _single
    elif isinstance(data, Mapping):
        items, pack = list(data.values()), _Named(list(data))
    elif isinstance(data, tuple):
        items, pack = list(data), tuple
    else:
        return None
    if not items:
        raise DataError(describe(where, ALLOWED, data))
    tensors = [as_tensor(item, where) for item in items]
    lengths = [len(tensor) for tensor in tensors]
    if len(set(lengths)) > 1:
        raise DataError(describe(where, "arrays of equal length", f"lengths {lengths}"))
    if lengths[0] == 0:
        raise DataError(describe(where, "data with at least one sample", "none"))
    return tensors, pack


def _single(pieces: list[torch.Tensor]) -> Batch:
    return pieces[0]


class _Named:
    """Packs pieces into a dict."""

    def __init__(self, names: list[Any]) -> None:
        self._names = names

    def __call__(self, pieces: list[torch.Tensor]) -> Batch:
        return dict(zip(self._names, pieces, strict=True))


def is_array(data: Any) -> bool:
    """Return whether the data are one tensor, or convert to one array."""
    if isinstance(data, torch.Tensor):
        return True
    return hasattr(data, "__array__") and not isinstance(data, Dataset | DataLoader)


def is_map_style(data: Any) -> bool:
    """Return whether the data are single samples, to be had by their index."""
    if isinstance(data, list):
        return bool(data) and not _is_batch(data[0])
    if isinstance(data, str | bytes | range | tuple | Mapping | IterableDataset) or is_array(data):
        return False
    return isinstance(data, Dataset) or (hasattr(data, "__getitem__") and hasattr(data, "__len__"))


def _is_batch(item: Any) -> bool:
    """Return whether an item of a list looks like a batch: no single numbers, all of one leading length."""
    values = list(item.values()) if isinstance(item, Mapping) else item
    lengths = [_leading(value) for value in (values if isinstance(values, tuple | list) else [values])]
    return bool(lengths) and None not in lengths and len(set(lengths)) == 1


def _leading(value: Any) -> int | None:
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.shape[0] if value.ndim else None
    return len(value) if isinstance(value, list) else None


def sample_count(data: Any, where: str) -> int:
    """Return the number of samples of a map-style dataset, at least 1, or raise `DataError`."""
    try:
        samples = len(data)
    except (TypeError, NotImplementedError):
        advice = "Give the dataset a __len__, or pass a DataLoader."
        raise DataError(describe(where, "a dataset that knows its length", data, advice)) from None
    if samples == 0:
        raise DataError(describe(where, "data with at least one sample", "none"))
    return samples


def refuse_iterators(data: Any, where: str) -> None:
    """Raise `DataError` if the data can be read only once."""
    if isinstance(data, Iterator):
        advice = "It can be read only once: pass list(...) of it, or an object whose iter() starts anew."
        raise DataError(describe(where, ALLOWED, data, advice))
