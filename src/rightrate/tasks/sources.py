"""Streams of training batches: what a stream is, and the streams over arrays and over plain iterables."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Protocol

import torch

from rightrate.errors import DataError, describe
from rightrate.tasks.nest import Batch, to_device
from rightrate.tasks.randomness import PrivateRandomness, generators_of, iterate
from rightrate.tasks.seeds import mix

__all__ = ["ArraySource", "BatchSource", "IterableSource", "endless"]

_RESIDENT_BYTES = 1 << 30
_LARGE_BATCH_BYTES = 1 << 26
_PART = -1  # in place of an epoch: keeps the draw of a part apart from those of orders


class BatchSource(Protocol):
    """The immutable description of a stream of training batches."""

    @property
    def batches_per_epoch(self) -> int | None:
        """Batches in an epoch; None if that is not known before the first pass."""
        ...

    @property
    def samples(self) -> int | None:
        """Samples in the data, or None if that is not known."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Weaker promises, one sentence each."""
        ...

    def stream(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches without end, from batch `start` on; batch i is a function of (seed, i) alone.

        Streams are independent of each other; closing one ends its worker processes.
        """
        ...

    def open(self, seed: int, epoch: int, skip: int = 0) -> tuple[int, Iterator[Batch]]:
        """Return how many batches were left out (fewer than `skip` in a short epoch), and the others."""
        ...


def endless(
    source: BatchSource, seed: int, start: int, length: int | None, counted: dict[tuple[int, int], int]
) -> Iterator[Batch]:
    """Yield the batches of epoch after epoch, from batch `start` on.

    Args:
        source: What opens an epoch.
        seed: Of the stream.
        start: First batch to yield.
        length: Batches in every epoch, or None if epochs have to be counted.
        counted: (seed, epoch) to batches, for epochs that were read before; added to.
    """
    epoch, skip = divmod(start, length) if length else (0, start)
    while True:
        if skip and skip >= counted.get((seed, epoch), skip + 1):
            skip -= counted[seed, epoch]
            epoch += 1
            continue
        skipped, batches = source.open(seed, epoch, skip)
        given = 0
        with closing(batches):  # type: ignore[type-var]
            for batch in batches:
                given += 1
                yield batch
        if not skipped + given:
            advice = "Pass an object whose iter() starts from the beginning each time."
            raise DataError(describe("Training data", "re-iterable", f"no batch in epoch {epoch}", advice))
        counted[seed, epoch] = skipped + given
        skip -= skipped
        epoch += 1


class ArraySource:
    """Batches cut from arrays in memory; the reference for order is a shuffled DataLoader over them.

    Args:
        tensors: With the samples along axis 0, all of one length.
        pack: Makes a batch of one piece of each tensor.
        batch_size: Samples in a batch; all of them if there are fewer.
        drop_last: Leave out the last, smaller batch of an epoch, unless it is the only one.
        shuffle: Draw a new order for every epoch.
        rows: The rows in use, or None for all.
        device: Where batches are wanted. Up to a gibibyte the data themselves are kept there.
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        tensors: Sequence[torch.Tensor],
        pack: Callable[[list[torch.Tensor]], Batch],
        *,
        batch_size: int,
        drop_last: bool,
        device: torch.device | str,
        shuffle: bool = True,
        rows: torch.Tensor | None = None,
    ) -> None:
        target = torch.device(device)
        resident = sum(tensor.nbytes for tensor in tensors) <= _RESIDENT_BYTES
        self._move_to = None if resident or target.type == "cpu" else target
        home = torch.device("cpu") if self._move_to else target
        self._tensors = [tensor.to(home) for tensor in tensors]
        self._rows = rows
        self._home = home
        self._device = target
        self._pack = pack
        self._shuffle = shuffle
        self._batch_size = batch_size
        self.samples = len(tensors[0]) if rows is None else len(rows)
        full = self.samples // batch_size
        self.batches_per_epoch: int = full if drop_last and full else -(-self.samples // batch_size)

    def stream(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches without end; see `BatchSource`."""
        epoch, skip = divmod(start, self.batches_per_epoch)
        while True:
            yield from self.open(seed, epoch, skip)[1]
            epoch, skip = epoch + 1, 0

    def open(self, seed: int, epoch: int, skip: int = 0) -> tuple[int, Iterator[Batch]]:
        """Return the batches of one epoch; see `BatchSource`."""
        return min(skip, self.batches_per_epoch), self._epoch(seed, epoch, skip)

    def in_order(self, largest: int) -> "ArraySource":
        """Return all samples in order, in batches of at most `largest` samples and about 64 MiB."""
        row_bytes = max(1, sum(tensor.nbytes for tensor in self._tensors) // len(self._tensors[0]))
        return ArraySource(
            self._tensors,
            self._pack,
            batch_size=max(1, min(largest, max(self._batch_size, _LARGE_BATCH_BYTES // row_bytes))),
            drop_last=False,
            shuffle=False,
            rows=self._rows,
            device=self._device,
        )

    def part(self, batches: int, seed: int) -> "ArraySource":
        """Return a random part of the samples, as many as fill so many batches, in the order they have."""
        generator = torch.Generator(device="cpu").manual_seed(mix(seed, _PART))
        chosen = torch.randperm(self.samples, generator=generator, device="cpu")
        chosen = chosen[: batches * self._batch_size].sort().values
        return ArraySource(
            self._tensors,
            self._pack,
            batch_size=self._batch_size,
            drop_last=True,
            shuffle=self._shuffle,
            rows=chosen if self._rows is None else self._rows[chosen],
            device=self._device,
        )

    def _epoch(self, seed: int, epoch: int, skip: int) -> Iterator[Batch]:
        pieces = torch.split(self._order(seed, epoch).to(self._home), self._batch_size)
        for rows in pieces[skip : self.batches_per_epoch]:
            batch = self._pack([tensor.index_select(0, rows) for tensor in self._tensors])
            yield batch if self._move_to is None else to_device(batch, self._move_to)

    def _order(self, seed: int, epoch: int) -> torch.Tensor:
        if self._shuffle:
            generator = torch.Generator(device="cpu").manual_seed(mix(seed, epoch))
            order = torch.randperm(self.samples, generator=generator, device="cpu")
        else:
            order = torch.arange(self.samples, device="cpu")
        return order if self._rows is None else self._rows[order]


class IterableSource:
    """Batches of anything that can be iterated again and again.

    Args:
        make: `make(seed, epoch)` returns the iterable for one epoch.
        owner: The object whose generators are private to a stream, a dataset for instance.
        device: Where batches go.
        length: Batches in every epoch, if that is certain.
        hint: Batches in an epoch, if the data say so.
        draws: Whether iterating may draw random numbers in this process.
        convert: Applied to each batch first.
        notes: Weaker promises.
    """

    samples: int | None = None

    def __init__(
        self,
        make: Callable[[int, int], Iterable[Batch]],
        *,
        owner: object,
        device: torch.device | str,
        length: int | None = None,
        hint: int | None = None,
        draws: bool = True,
        convert: Callable[[Any], Batch] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._make = make
        self._owner = owner
        self._device = device
        self._length = length
        self._draws = draws
        self._convert = convert
        self._counted: dict[tuple[int, int], int] = {}
        self.batches_per_epoch = length or hint
        self.notes = notes

    def stream(self, seed: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches without end; see `BatchSource`."""
        return endless(self, seed, start, self._length, self._counted)

    def open(self, seed: int, epoch: int, skip: int = 0) -> tuple[int, Iterator[Batch]]:
        """Read and discard `skip` batches of an epoch and return the others; see `BatchSource`."""
        own = PrivateRandomness(mix(seed, epoch), generators_of(self._owner))
        with own.inside():
            made = self._make(seed, epoch)
        batches = own.iterate(made) if self._draws else iterate(made)
        skipped = sum(1 for _ in zip(range(skip), batches, strict=False))
        return skipped, self._moved(batches)

    def _moved(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        with closing(batches):  # type: ignore[type-var]
            for batch in batches:
                converted = batch if self._convert is None else self._convert(batch)
                yield to_device(converted, self._device, fresh=True)
