"""Judging members on validation data and on training batches they have seen, while they are trained."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from rightrate.population.factory import Populations
from rightrate.population.prepare import Prepared
from rightrate.schedules import FloatArray
from rightrate.search.seen import seen_batches
from rightrate.tasks.batches import ValidationBatches, batch_size_of
from rightrate.tasks.nest import copied

__all__ = ["Judge", "stops"]

_MOST, _FEWEST = 24, 4
_SHARE = 0.25  # of the training: what judging on the way may take
_BACKWARD = 3  # a training step is taken to cost as much as three forward passes
_SEEN = 1024  # samples that `seen_batches` returns, about


def stops(prepared: Prepared, steps: int) -> tuple[int, ...]:
    """Return the steps after which members are judged: 4 to 24 times, evenly, the last time at the end.

    Args:
        prepared: The task.
        steps: Length of the run in optimizer steps.
    """
    train, training = prepared.train, prepared.task.training
    batch: float = training.batch_size
    if train.samples and train.batches_per_epoch:
        batch = train.samples / train.batches_per_epoch
    trained = _BACKWARD * steps * training.accumulate * batch
    judged = (prepared.valid.samples or _SEEN) + _SEEN
    count = int(np.clip(_SHARE * trained / judged, _FEWEST, _MOST))
    return tuple(sorted({max(1, round(steps * (place + 1) / count)) for place in range(count)}))


class Judge:
    """Measures every metric of a population, on validation data and on batches it was trained on.

    Args:
        populations: Makes the populations that are judged.
        size: Members.
        seed: Of their training.
        steps: How many of its batches count as seen: the first ones, about 1,024 samples.
    """

    def __init__(self, populations: Populations, size: int, seed: int, steps: int) -> None:
        prepared = populations.prepared
        self._batches = seen_batches(prepared.train, seed, steps * prepared.task.training.accumulate)
        self._other: Any = None
        if prepared.task.metrics:
            seen = cast("ValidationBatches", SeenBatches(self._batches))
            self._other = Populations(replace(prepared, valid=seen), populations.verdict).make(size, seed)

    def valid(self, population: Any) -> dict[str, FloatArray]:
        """Return metric name -> (K,) on the validation data."""
        return dict(population.evaluate())

    def seen(self, population: Any) -> dict[str, FloatArray]:
        """Return metric name -> (K,) on the seen batches."""
        if self._other is None:
            return dict(population.evaluate(self._batches))
        self._other.load_state_dict(population.state_dict())
        return dict(self._other.evaluate())

    @property
    def seen_count(self) -> int:
        """How many batches are judged beside the validation data."""
        return len(self._batches)


class SeenBatches:
    """Batches that stand in the place of validation data.

    Args:
        batches: What is yielded, as copies, in every pass.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, batches: Sequence[Any]) -> None:
        self._batches = batches
        self.samples = sum(batch_size_of(batch) for batch in batches)

    def __iter__(self) -> Iterator[Any]:
        for batch in self._batches:
            yield copied(batch)
