"""What is read off of gradients and updates, and when."""

import pytest
import torch
from torch.optim import SGD

from rightrate.watch.measure import Reading
from rightrate.watch.sampler import Sampler
from tests.watch.loops import quiet


def test_two_steps_in_a_row_are_read_and_after_sixteen_pairs_half_as_many() -> None:
    read = [step for step in range(96) if Sampler(4).wants(step)]
    assert read == [4 * i + j for i in range(16) for j in (0, 1)] + [64, 65, 72, 73, 80, 81, 88, 89]
    assert not any(Sampler(0).wants(step) for step in range(96))


def test_what_gradients_and_updates_measure_by_hand() -> None:
    moving, still = torch.nn.Parameter(torch.tensor([3.0, 4.0])), torch.nn.Parameter(torch.zeros(1))
    optimizer = SGD([moving, still], lr=0.5)
    seen = []
    with quiet(optimizer) as w:
        take = w._feed.take
        w._feed.take = lambda taken: (seen.extend(row.measured for row, _ in taken), take(taken))  # type: ignore
        for gradient in ([1.0, 0.0], [1.0, 1.0]):
            moving.grad, still.grad = torch.tensor(gradient), torch.zeros(1)
            optimizer.step()
            w.observe(1.0)
    first, second = (Reading.of(numbers).measured for numbers in seen)
    assert (first.gradient_norm, first.update_norm, first.weight_norm) == (1.0, 0.5, 5.0)
    assert (first.still_fraction, first.flat_fraction) == (0.5, 0.5)
    assert str(first.gradient_cosine) == "nan"
    assert second.gradient_cosine == pytest.approx(0.5**0.5)
    assert second.update_cosine == pytest.approx(0.5**0.5)


def test_the_norm_of_a_large_tensor_is_estimated() -> None:
    weight = torch.nn.Parameter(torch.zeros(1 << 18))
    optimizer = SGD([weight], lr=1.0)
    with quiet(optimizer) as w:
        weight.grad = torch.randn(1 << 18, generator=torch.Generator().manual_seed(0))
        optimizer.step()
        w.observe(1.0)
    # the mean of 52,429 squares of a normal has a standard error of 0.6 %, its root half; five of them
    assert w._feed.log.curves["gradient_norm"].points()[0].mean == pytest.approx(512.0, rel=0.016)
