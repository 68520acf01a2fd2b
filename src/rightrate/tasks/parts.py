"""A part of the training data, seen again and again as a longer run sees all of it."""

from rightrate.tasks.loaders import LoaderSource
from rightrate.tasks.sources import ArraySource, BatchSource

__all__ = ["divisible", "part_of"]


def divisible(source: BatchSource) -> bool:
    """Say whether a stream can be limited to a part of its data: arrays, and datasets read by index."""
    return isinstance(source, (ArraySource, LoaderSource)) and source.batches_per_epoch is not None


def part_of(source: BatchSource, batches: int, seed: int) -> BatchSource:
    """Return a stream over a part of the data that is as large as so many batches, drawn by `seed`.

    Args:
        source: All training data; `divisible`.
        batches: Batches in one pass over the part, >= 1, fewer than in one over all data.
        seed: Of the choice.

    Raises:
        TypeError: If the source is not divisible.
    """
    if not isinstance(source, (ArraySource, LoaderSource)):
        raise TypeError(f"{type(source).__name__} cannot be limited to a part of its data.")
    return source.part(batches, seed)
