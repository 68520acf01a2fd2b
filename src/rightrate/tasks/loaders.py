"""Batches from DataLoaders and map-style datasets; the caller's loader itself is never iterated."""

import copy
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import torch
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    default_collate,
    get_worker_info,
)
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from rightrate.errors import DataError, describe
from rightrate.tasks.nest import Batch, to_device
from rightrate.tasks.randomness import PrivateRandomness, generators_of, iterate, seed_all, seeded
from rightrate.tasks.samplers import has_fixed_length, plain_batches, reseeded
from rightrate.tasks.seeds import mix
from rightrate.tasks.sources import ArraySource, BatchSource, IterableSource, endless

__all__ = ["LoaderSource", "loader_source", "rebuilt", "shut_down_workers"]

_RUNNING: "weakref.WeakSet[_MultiProcessingDataLoaderIter]" = weakref.WeakSet()

_DISCARDS = "Resuming reads and discards batches, because the data have no batch sampler."


def loader_source(loader: "DataLoader[Any]", *, device: torch.device | str, name: str) -> BatchSource:
    """Return the stream of a DataLoader's batches, with its sampler, collate function and workers.

    Args:
        loader: Left untouched: its settings are read and a loader of our own does the work.
        device: Where batches go.
        name: "train" or "valid", for messages.

    Raises:
        DataError: If the loader gives no batch or its sampler can be iterated only once.
    """
    hint = _length(loader)
    if hint == 0:
        advice = "Is the dataset empty, or smaller than batch_size with drop_last=True?"
        raise DataError(describe(f"find({name}=...)", "a DataLoader with batches", "one of length 0", advice))
    if type(loader).__iter__ is not DataLoader.__iter__:
        note = f"{type(loader).__name__} iterates in its own way, so a copy of it is iterated in each epoch."
        make = _copies(loader)
        return IterableSource(make, owner=loader.dataset, device=device, hint=hint, notes=(note, _DISCARDS))
    if isinstance(loader.dataset, IterableDataset):
        return IterableSource(
            _iterables(loader, torch.device(device)),
            owner=loader.dataset,
            device=device,
            hint=hint,
            draws=loader.num_workers == 0,
            notes=(_DISCARDS,),
        )
    indices = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
    for sampler in (indices, loader.sampler):
        if isinstance(sampler, Iterator):
            allowed = "a DataLoader whose sampler can be iterated again and again"
            raise DataError(describe(f"find({name}=...)", allowed, sampler, "Pass a list of the indices."))
    return _in_memory(loader, device) or LoaderSource(loader, device=device)


class LoaderSource:
    """Batches of a map-style dataset, their indices drawn by (a copy of) the loader's samplers.

    Each batch is loaded with the global random states, and the generators that the dataset owns, set from
    (seed, epoch, batch), in this process or in a worker: so a batch does not depend on the batches loaded
    before it nor on the number of workers, and resuming replays indices without loading data.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, loader: "DataLoader[Any]", *, device: torch.device | str) -> None:
        self._loader = loader
        self._device = torch.device(device)
        self._counted: dict[tuple[int, int], int] = {}
        self.batches_per_epoch = _length(loader)
        self.samples = _size(loader.dataset)
        self._length = self.batches_per_epoch if has_fixed_length(loader) else None

    def stream(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches without end; see `BatchSource`."""
        return endless(self, seed, start, self._length, self._counted)

    def open(self, seed: int, epoch: int, skip: int = 0) -> tuple[int, Iterator[Batch]]:
        """Return the batches of one epoch after the first `skip`, which are not loaded."""
        tickets = self._tickets(seed, epoch)
        skipped = sum(1 for _ in zip(range(skip), tickets, strict=False))
        return skipped, self._load(tickets, seed, epoch)

    def indices(self, seed: int, epoch: int) -> Iterator[Any]:
        """Yield the indices of each batch of an epoch."""
        return (index for _, index in self._tickets(seed, epoch))

    def part(self, batches: int, seed: int) -> "LoaderPart":
        """Return the samples of the first batches of one seed; each is loaded anew in each pass."""
        return LoaderPart(
            self._loader, device=self._device, chosen=list(islice(self.indices(seed, 0), batches))
        )

    def _tickets(self, seed: int, epoch: int) -> Iterator[tuple[int, Any]]:
        loader = self._loader
        sampler: Any = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
        own = reseeded(sampler, mix(seed, epoch), epoch, loader.dataset)
        drawn = iterate(own) if self._length else PrivateRandomness(mix(seed, epoch)).iterate(own)
        for position, index in enumerate(drawn):
            yield mix(seed, epoch, position), index

    def _load(self, tickets: Iterator[tuple[int, Any]], seed: int, epoch: int) -> Iterator[Batch]:
        loader = self._loader
        dataset = _at_epoch(loader.dataset, epoch)
        fetch = _Fetch(dataset, loader.collate_fn, loader.batch_sampler is not None)
        with closing(tickets):  # type: ignore[type-var]
            if loader.num_workers == 0:
                for ticket in tickets:
                    yield to_device(fetch[ticket], self._device, fresh=loader.batch_sampler is None)
                return
            worked = _worked(loader, fetch, tickets, mix(seed, epoch), self._device)
            with closing(worked):  # type: ignore[type-var]
                for batch in worked:
                    yield to_device(batch, self._device)


class LoaderPart(LoaderSource):
    """A part of what a loader reads: the batches of some indices, in a new order where the loader draws one.

    Samples of a plain loader in random order are dealt out anew in each pass. Batches that another sampler
    put together stay together.

    Args:
        loader: Read as by `LoaderSource`.
        device: Where batches go.
        chosen: The indices of each batch.
    """

    def __init__(
        self, loader: "DataLoader[Any]", *, device: torch.device | str, chosen: Sequence[Any]
    ) -> None:
        super().__init__(loader, device=device)
        plain = plain_batches(loader)
        self._dealt = plain is not None and type(plain.sampler) is RandomSampler
        self._chosen = chosen
        self._length = self.batches_per_epoch = len(chosen)
        self.samples = None

    def _tickets(self, seed: int, epoch: int) -> Iterator[tuple[int, Any]]:
        batches: Iterable[Any] = self._chosen
        if self._dealt:
            samples = [index for batch in self._chosen for index in batch]
            generator = torch.Generator(device="cpu").manual_seed(mix(seed, epoch))
            order = iter(torch.randperm(len(samples), generator=generator, device="cpu").tolist())
            batches = [[samples[place] for place in islice(order, len(batch))] for batch in self._chosen]
        for position, index in enumerate(batches):
            yield mix(seed, epoch, position), index


def rebuilt(loader: "DataLoader[Any]", dataset: Any, **settings: Any) -> "DataLoader[Any]":
    """Return a new DataLoader with the settings of another that do not concern the order of samples.

    Workers are not kept from epoch to epoch.
    """
    settings = {
        "collate_fn": loader.collate_fn,
        "num_workers": loader.num_workers,
        "timeout": loader.timeout,
        "worker_init_fn": loader.worker_init_fn,
        "multiprocessing_context": loader.multiprocessing_context,
        "prefetch_factor": loader.prefetch_factor if loader.num_workers else None,
        **settings,
    }
    with warnings.catch_warnings():
        # The advice on the number of workers was given when the caller built the loader.
        warnings.simplefilter("ignore")
        return DataLoader(dataset, **settings)


class _Fetch:
    """Loads one batch for a ticket (seed, indices); stands in for the dataset in worker processes."""

    def __init__(self, dataset: Any, collate: Callable[[Any], Batch], together: bool) -> None:
        self.dataset = dataset
        self._collate = collate
        self._together = together

    def __getitem__(self, ticket: tuple[int, Any]) -> Batch:
        seed, index = ticket
        generators = generators_of(self.dataset)
        if get_worker_info() is not None:  # a process of ours: nothing to put back
            seed_all(seed, generators)
            return self._collate(self._samples(index))
        with seeded(seed, generators):
            return self._collate(self._samples(index))

    def _samples(self, index: Any) -> Any:
        if not self._together:
            return self.dataset[index]
        many = getattr(self.dataset, "__getitems__", None)
        return many(index) if many else [self.dataset[one] for one in index]


class _WorkerStart:
    """Starts a worker: shows the caller's dataset in `get_worker_info()` and calls the caller's function."""

    def __init__(self, function: Callable[[int], None] | None) -> None:
        self._function = function

    def __call__(self, worker: int) -> None:
        info = get_worker_info()
        if info is not None and isinstance(info.dataset, _Fetch):
            object.__setattr__(info, "dataset", info.dataset.dataset)
        if self._function is not None:
            self._function(worker)


class _Once:
    """Makes an iterator pass for a sampler that is read once."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator

    def __iter__(self) -> Iterator[Any]:
        return self._iterator


def _as_is(batch: Batch) -> Batch:
    return batch


def _worked(
    loader: "DataLoader[Any]", fetch: _Fetch, tickets: Iterator[Any], seed: int, device: torch.device
) -> Iterator[Batch]:
    made = rebuilt(
        loader,
        fetch,
        batch_size=None,
        sampler=_Once(tickets),
        collate_fn=_as_is,
        worker_init_fn=_WorkerStart(loader.worker_init_fn),
        pin_memory=device.type == "cuda",
        generator=torch.Generator(device="cpu").manual_seed(seed),
    )
    return iterate(_Quietly(made))


class _Quietly:
    """Iterates a loader of ours without repeating the advice on worker processes."""

    def __init__(self, loader: "DataLoader[Any]") -> None:
        self._loader = loader

    def __iter__(self) -> Iterator[Batch]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            iterator = iter(self._loader)
        if isinstance(iterator, _MultiProcessingDataLoaderIter):
            _RUNNING.add(iterator)
        return iterator


def shut_down_workers() -> None:
    """End the worker processes of all loaders of ours, also of those that a traceback keeps alive.

    Workers that are killed instead would leave temporary files behind.
    """
    for iterator in list(_RUNNING):
        iterator._shutdown_workers()


def _iterables(loader: "DataLoader[Any]", device: torch.device) -> Callable[[int, int], Iterable[Batch]]:
    def make(seed: int, epoch: int) -> Iterable[Batch]:
        made = rebuilt(
            loader,
            _at_epoch(loader.dataset, epoch),
            batch_size=loader.batch_size,
            drop_last=loader.drop_last,
            pin_memory=device.type == "cuda" and loader.num_workers > 0,
            generator=torch.Generator(device="cpu").manual_seed(mix(seed, epoch)),
        )
        # Started here, so that workers inherit the generators of the dataset as they are now.
        return iter(_Quietly(made))

    return make


def _copies(loader: "DataLoader[Any]") -> Callable[[int, int], Iterable[Batch]]:
    def make(seed: int, epoch: int) -> Iterable[Batch]:
        copied = copy.copy(loader)
        dataset = loader.dataset
        own = mix(seed, epoch)
        # DataLoader refuses to have its samplers assigned; this is a copy, so its dict may be written.
        vars(copied).update(
            _iterator=None,
            persistent_workers=False,
            generator=torch.Generator(device="cpu").manual_seed(own),
            sampler=reseeded(loader.sampler, own, epoch, dataset),
            batch_sampler=reseeded(loader.batch_sampler, own, epoch, dataset),
        )
        return _Quietly(copied)

    return make


def _in_memory(loader: "DataLoader[Any]", device: torch.device | str) -> ArraySource | None:
    """Return the fast equivalent of a plain loader over tensors, or None if the loader is anything else."""
    dataset, rows = loader.dataset, None
    while type(dataset) is Subset:
        taken = torch.as_tensor(list(dataset.indices), dtype=torch.int64, device="cpu")
        rows = taken if rows is None else taken[rows]
        dataset = dataset.dataset
    batches = plain_batches(loader) if type(dataset) is TensorDataset else None
    if batches is None or loader.collate_fn is not default_collate or loader.worker_init_fn is not None:
        return None
    return ArraySource(
        [tensor.detach() for tensor in dataset.tensors],  # type: ignore[attr-defined]
        list,
        batch_size=batches.batch_size,
        drop_last=batches.drop_last,
        shuffle=type(batches.sampler) is RandomSampler,
        rows=rows,
        device=device,
    )


def _at_epoch(dataset: Any, epoch: int) -> Any:
    """Return the dataset, or a copy of it that was told the epoch if it wants to know."""
    if not callable(getattr(dataset, "set_epoch", None)):
        return dataset
    copied = copy.copy(dataset)
    for name, value in getattr(copied, "__dict__", {}).items():
        if isinstance(value, torch.Tensor) and value.ndim == 0:
            vars(copied)[name] = value.clone()  # an epoch kept in shared memory
    copied.set_epoch(epoch)
    return copied


def _length(loader: "DataLoader[Any]") -> int | None:
    try:
        # On a copy: asking an IterableDataset's loader for its length makes it warn later on.
        return len(copy.copy(loader))
    except (TypeError, NotImplementedError):
        return None


def _size(dataset: Any) -> int | None:
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None
