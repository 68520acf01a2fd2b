"""Training batches that a trial has seen, to be judged like validation data.

How much better a trial does on them says how much of what it learned is the training data's own: the sooner
that shows, the further the best rate falls as runs get longer.
"""

from contextlib import closing
from itertools import islice
from typing import Any

from torch import Tensor

from rightrate.population.evaluate import gathered
from rightrate.tasks.batches import batch_size_of
from rightrate.tasks.sources import BatchSource

__all__ = ["seen_batches"]

_SAMPLES = 1024
_LARGE = 256


def seen_batches(source: BatchSource, seed: int, batches: int) -> list[Any]:
    """Return the first batches of a trial's training, about 1,024 samples; small ones are put together.

    Args:
        source: The training data.
        seed: The trial's.
        batches: How many batches it is trained on, >= 1.
    """
    found: list[Any] = []
    samples = 0
    with closing(source.stream(seed)) as stream:  # type: ignore[type-var]
        for batch in islice(stream, batches):
            shapes = _shapes(batch)
            small = bool(found) and batch_size_of(found[-1]) < _LARGE
            if small and shapes is not None and shapes == _shapes(found[-1]):
                found[-1] = gathered([found[-1], batch])
            else:
                found.append(batch)
            samples += batch_size_of(batch)
            if samples >= _SAMPLES:
                break
    return found


def _shapes(batch: Any) -> Any:
    """Return the shapes of a batch's samples; None where it holds anything but tensors."""
    if isinstance(batch, Tensor):
        return tuple(batch.shape[1:]) if batch.ndim else None
    parts = list(batch.values()) if isinstance(batch, dict) else batch
    if type(parts) not in (tuple, list):
        return None
    shapes = [_shapes(part) for part in parts]
    keys = tuple(batch) if isinstance(batch, dict) else ()
    return None if None in shapes else (keys, *shapes)
