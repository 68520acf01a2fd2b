"""From whatever was passed as training or validation data to streams of batches."""

from collections.abc import Iterable, Iterator, Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, Subset

from rightrate import _check
from rightrate.errors import ConfigError, DataError, describe
from rightrate.tasks.kinds import ALLOWED, as_arrays, is_map_style, refuse_iterators, sample_count
from rightrate.tasks.loaders import LoaderSource, loader_source, rebuilt
from rightrate.tasks.nest import Batch, as_tensor, batch_size_of, copied, nbytes, to_device
from rightrate.tasks.samplers import plain_batches
from rightrate.tasks.seeds import mix
from rightrate.tasks.sources import ArraySource, BatchSource, IterableSource

__all__ = [
    "Batch",
    "BatchSource",
    "ValidationBatches",
    "batch_size_of",
    "hold_out",
    "to_device",
    "training_source",
    "validation_batches",
]

_KEPT_BYTES = 1 << 28


def training_source(
    data: Any, *, batch_size: int, device: torch.device | str, name: str = "train"
) -> BatchSource:
    """Return the stream of training batches for whatever the caller passed.

    Arrays and map-style datasets are shuffled anew in each epoch and cut into batches of `batch_size`; the
    last incomplete batch of an epoch is left out unless it is the only one. A DataLoader keeps its own batch
    size, sampler, collate function and workers. Other iterables give batches as they come.

    Args:
        data: A DataLoader, a map-style dataset, a tuple or dict of tensors or arrays with the samples along
            axis 0, one such tensor, or an object that can be iterated again and again over batches. A list is
            taken as samples if its items look like single samples, and as batches otherwise.
        batch_size: Samples in a batch, >= 1; not used for DataLoaders and for iterables of batches.
        device: Where batches go.
        name: The argument that messages name.

    Raises:
        DataError: If the data are empty, of unequal lengths, can be read only once, or are something else.

    Example:
        >>> source = training_source((torch.arange(10), torch.arange(10)), batch_size=4, device="cpu")
        >>> source.batches_per_epoch, source.samples
        (2, 10)
    """
    _check.integer("training_source(batch_size=...)", batch_size, low=1)
    where = f"find({name}=...)"
    arrays = as_arrays(data, where)
    if arrays is not None:
        tensors, pack = arrays
        return ArraySource(tensors, pack, batch_size=batch_size, drop_last=True, device=device)
    if isinstance(data, DataLoader):
        return loader_source(data, device=device, name=name)
    if isinstance(data, IterableDataset):
        return loader_source(DataLoader(data, batch_size=batch_size), device=device, name=name)
    if is_map_style(data):
        loader = _loader_of(data, where, batch_size=batch_size, shuffle=True)
        return loader_source(loader, device=device, name=name)
    return _iterable_source(data, where, device)


class ValidationBatches:
    """Validation batches: the same ones in the same order in every pass.

    Those that had to be loaded are kept on the device after the first pass, up to 256 MiB. What is yielded is
    the reader's own: changing it changes nothing here.

    Args:
        source: Its first epoch under seed 0 is the validation data.
        samples: Samples in a pass, or None if that is not known before the first one.
        keep: Keep the batches of the first pass.
    """

    def __init__(self, source: BatchSource, samples: int | None, *, keep: bool = True) -> None:
        self._source = source
        self._keep = keep
        self._kept: list[Batch] | None = None
        self.samples = samples
        self.notes = source.notes

    def __iter__(self) -> Iterator[Batch]:
        if self._kept is None:
            yield from self._first_pass()
        else:
            for batch in self._kept:
                yield copied(batch)

    def _first_pass(self) -> Iterator[Batch]:
        kept: list[Batch] = []
        room, samples, given = (_KEPT_BYTES if self._keep else 0), 0, 0
        for batch in self._source.open(0, 0)[1]:
            given += 1
            samples += batch_size_of(batch) if self.samples is None else 0
            room -= nbytes(batch)
            if room >= 0:
                kept.append(copied(batch))
            yield batch
        if not given:
            advice = "Pass an object whose iter() starts from the beginning each time."
            raise DataError(describe("find(valid=...)", "data with at least one batch", "none", advice))
        self.samples = samples if self.samples is None else self.samples
        self._kept = kept if self._keep and room >= 0 else None


def validation_batches(
    data: Any, *, batch_size: int, device: torch.device | str, largest: int = 1024, name: str = "valid"
) -> ValidationBatches:
    """Return validation data as batches that come in the same order in every pass, none left out.

    Args:
        data: As for `training_source`.
        batch_size: Samples in a batch of a map-style dataset, >= 1.
        device: Where batches go.
        largest: Samples in a batch of data in memory, which are cut into larger pieces (of at most 64 MiB).
            Pass `batch_size` for losses that depend on the size of the batch.
        name: The argument that messages name.

    Raises:
        DataError: As for `training_source`.
    """
    _check.integer("validation_batches(batch_size=...)", batch_size, low=1)
    where = f"find({name}=...)"
    if is_map_style(data):
        data = _loader_of(data, where, batch_size=batch_size, shuffle=False)
    source = training_source(data, batch_size=batch_size, device=device, name=name)
    loader = data if isinstance(data, DataLoader) else None
    if isinstance(source, ArraySource):
        batches = None if loader is None else plain_batches(loader)
        if batches is None or not batches.drop_last:
            source = source.in_order(largest)
            return ValidationBatches(source, source.samples, keep=False)
        return ValidationBatches(source, source.batches_per_epoch * batches.batch_size, keep=False)
    if isinstance(source, LoaderSource) and loader is not None and loader.batch_sampler is not None:
        return ValidationBatches(source, sum(map(len, source.indices(0, 0))))
    return ValidationBatches(source, None)


def hold_out(train: Any, *, fraction: float = 0.2, seed: int = 0) -> tuple[Any, Any]:
    """Split training data into training and validation data, at random.

    Args:
        train: Arrays, a map-style dataset, or a DataLoader over one with an ordinary sequential or random
            sampler; the two new loaders keep its other settings.
        fraction: Share of the samples for validation, in (0, 1).
        seed: Of the random choice.

    Returns:
        Training and validation data, each of the kind that came in; arrays come back as tensors.

    Raises:
        DataError: If the data cannot be split: fewer than two samples, iterables, or samplers of one's own.
    """
    if not 0 < fraction < 1:
        raise ConfigError(describe("hold_out(fraction=...)", "a number in (0, 1)", fraction))
    where = "find(train=...)"
    arrays = as_arrays(train, where)
    if arrays is not None:
        tensors, pack = arrays
        kept, held = _split(len(tensors[0]), fraction, seed, where)
        return pack([tensor[kept] for tensor in tensors]), pack([tensor[held] for tensor in tensors])
    if isinstance(train, DataLoader):
        return _split_loader(train, fraction, seed, where)
    if is_map_style(train):
        kept, held = _split(sample_count(train, where), fraction, seed, where)
        return Subset(train, kept.tolist()), Subset(train, held.tolist())
    refuse_iterators(train, where)
    advice = "Pass valid=... as well."
    raise DataError(describe(where, "arrays, a map-style dataset or a DataLoader over one", train, advice))


def _split_loader(loader: "DataLoader[Any]", fraction: float, seed: int, where: str) -> tuple[Any, Any]:
    batches = None if isinstance(loader.dataset, IterableDataset) else plain_batches(loader)
    if batches is None:
        allowed = "a DataLoader over a map-style dataset with an ordinary sequential or random sampler"
        advice = "A sampler of one's own cannot be split: pass valid=... as well."
        raise DataError(describe(where, allowed, loader.sampler, advice))
    kept, held = _split(sample_count(loader.dataset, where), fraction, seed, where)
    train = rebuilt(
        loader,
        Subset(loader.dataset, kept.tolist()),
        batch_size=batches.batch_size,
        shuffle=isinstance(batches.sampler, RandomSampler),
        drop_last=batches.drop_last and len(kept) >= batches.batch_size,
    )
    return train, rebuilt(loader, Subset(loader.dataset, held.tolist()), batch_size=batches.batch_size)


def _split(samples: int, fraction: float, seed: int, where: str) -> tuple[torch.Tensor, torch.Tensor]:
    if samples < 2:
        advice = "There must be something to train on and something to validate on."
        raise DataError(describe(where, "at least 2 samples when valid=None", samples, advice))
    generator = torch.Generator(device="cpu").manual_seed(mix(seed, 0))
    order = torch.randperm(samples, generator=generator, device="cpu")
    held = min(samples - 1, max(1, round(samples * fraction)))
    return order[held:].sort().values, order[:held].sort().values


def _loader_of(data: Any, where: str, *, batch_size: int, shuffle: bool) -> "DataLoader[Any]":
    samples = sample_count(data, where)
    return DataLoader(
        data, batch_size=batch_size, shuffle=shuffle, drop_last=shuffle and samples >= batch_size
    )


def _iterable_source(data: Any, where: str, device: torch.device | str) -> BatchSource:
    refuse_iterators(data, where)
    if isinstance(data, str | bytes | range) or not isinstance(data, Iterable):
        raise DataError(describe(where, ALLOWED, data))
    is_list = isinstance(data, list)
    size: int | None = len(data) if isinstance(data, Sized) else None
    if size == 0:
        raise DataError(describe(where, "data with at least one batch", "none"))
    bare = is_list and all(isinstance(item, torch.Tensor | np.ndarray) for item in data)
    if bare and len({(item.ndim, item.dtype) for item in data}) > 1:
        advice = "Write a tuple, (inputs, targets): a list is taken as a list of batches."
        raise DataError(describe(where, ALLOWED, f"a list of {size} arrays that differ", advice))
    return IterableSource(
        lambda seed, epoch: data,
        owner=data,
        device=device,
        length=size if is_list else None,
        hint=size,
        draws=not is_list,
        convert=_tensors_for_arrays,
        notes=() if is_list else ("Resuming reads and discards batches of the iterable.",),
    )


def _tensors_for_arrays(batch: Any) -> Batch:
    if isinstance(batch, np.ndarray) and batch.dtype.kind in "biuf" and batch.ndim:
        return as_tensor(batch, "A batch")
    if type(batch) is dict:
        return {key: _tensors_for_arrays(value) for key, value in batch.items()}
    if type(batch) in (tuple, list):
        return type(batch)(_tensors_for_arrays(item) for item in batch)
    return batch
