"""The training batches a trial is judged on once more."""

import pytest
import torch
from torch import nn

from rightrate.population import prepare
from rightrate.search.seen import seen_batches
from rightrate.tasks.task import Task, Training


def source(batch_size: int, samples: int = 4000):
    inputs = torch.arange(samples, dtype=torch.float32)[:, None]
    task = Task(
        model=lambda: nn.Linear(1, 1),
        train=(inputs, inputs),
        valid=(inputs[:8], inputs[:8]),
        loss=nn.functional.mse_loss,
        training=Training(batch_size=batch_size),
    )
    return prepare(task, "sgd").train


@pytest.mark.parametrize(
    ("batch_size", "batches", "samples"), [(4, 50, 200), (64, 100, 1024), (2000, 3, 2000)]
)
def test_they_are_the_first_of_the_trial(batch_size: int, batches: int, samples: int) -> None:
    found = seen_batches(source(batch_size), 3, batches)
    assert sum(len(batch[0]) for batch in found) == samples
    stream = source(batch_size).stream(3)
    expected = torch.cat([next(stream)[0] for _ in range(-(-samples // batch_size))])
    assert torch.equal(torch.cat([batch[0] for batch in found]), expected)


def test_small_batches_are_put_together_and_others_are_not() -> None:
    assert len(seen_batches(source(4), 0, 50)) == 1
    assert len(seen_batches(source(64), 0, 100)) == 4
    assert len(seen_batches(source(512), 0, 100)) == 2


def test_batches_of_other_shapes_stay_apart() -> None:
    texts = [(torch.zeros(2, length), torch.zeros(2)) for length in (3, 3, 5)]

    class Source:
        def stream(self, seed: int, start: int = 0):
            yield from texts

    found = seen_batches(Source(), 0, 3)  # type: ignore[arg-type]
    assert [tuple(batch[0].shape) for batch in found] == [(4, 3), (2, 5)]


def test_what_is_no_tensor_stays_as_it_is() -> None:
    class Source:
        def stream(self, seed: int, start: int = 0):
            yield {"x": torch.zeros(2, 1), "name": ["a", "b"]}
            yield {"x": torch.zeros(2, 1), "name": ["c", "d"]}

    assert len(seen_batches(Source(), 0, 2)) == 2  # type: ignore[arg-type]
