"""Training batches that a trial has seen, to be judged like validation data.

How much lower the loss is on them says how much of what is learned is the training data's own: the sooner
that shows, the further the best rate falls as runs get longer.
"""

from contextlib import closing
from itertools import islice
from typing import Any

from rightrate.tasks.batches import batch_size_of
from rightrate.tasks.sources import BatchSource

__all__ = ["seen_batches"]

_SHARE = 4  # at most a quarter of the batches, so that judging them costs a twelfth of the training
_SAMPLES = 2048


def seen_batches(source: BatchSource, seed: int, batches: int) -> list[Any]:
    """Return the first batches of a trial's training, at least one, about 2,048 samples at most.

    Args:
        source: The training data.
        seed: The trial's.
        batches: How many batches it is trained on.
    """
    found: list[Any] = []
    samples = 0
    with closing(source.stream(seed)) as stream:  # type: ignore[type-var]
        for batch in islice(stream, max(1, batches // _SHARE)):
            found.append(batch)
            samples += batch_size_of(batch)
            if samples >= _SAMPLES:
                break
    return found
