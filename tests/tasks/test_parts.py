"""A part of the training data, seen again and again."""

from itertools import islice

import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    TensorDataset,
)

from rightrate.tasks.batches import training_source
from rightrate.tasks.loaders import LoaderPart
from rightrate.tasks.parts import divisible, part_of

SAMPLES, SIZE = 60, 4


class Jittered(Dataset):
    """Samples that are augmented anew each time they are loaded."""

    def __len__(self):
        return SAMPLES

    def __getitem__(self, index):
        return torch.tensor(float(index)), torch.rand(())


class Rows(IterableDataset):
    def __iter__(self):
        return iter(torch.arange(8.0).split(2))

    def __len__(self):
        return 4


def arrays():
    return torch.arange(float(SAMPLES))[:, None], torch.arange(SAMPLES)


def source(data):
    return training_source(data, batch_size=SIZE, device="cpu")


def numbers(batches):
    return [int(value) for batch in batches for value in batch[0].flatten()]


def passes(part, count, seed=5):
    """Return the samples of each pass, in the order in which they come."""
    stream = part.stream(seed)
    return [numbers(islice(stream, part.batches_per_epoch)) for _ in range(count)]


@pytest.mark.parametrize(
    "data",
    [
        arrays(),
        DataLoader(TensorDataset(*arrays()), batch_size=SIZE, shuffle=True),
        DataLoader(Jittered(), batch_size=SIZE, shuffle=True),
    ],
    ids=["arrays", "tensors in a loader", "a dataset"],
)
def test_the_same_few_samples_come_in_each_pass_in_a_new_order(data):
    whole = source(data)
    assert divisible(whole)
    part = part_of(whole, 3, seed=1)
    assert part.batches_per_epoch == 3
    first, second = passes(part, 2)
    assert len(set(first)) == 3 * SIZE
    assert set(first) == set(second)
    assert first != second
    assert passes(part_of(whole, 3, seed=1), 2) == [first, second]
    assert set(passes(part_of(whole, 3, seed=2), 1)[0]) != set(first)
    assert len(passes(whole, 1)[0]) == SAMPLES


@pytest.mark.parametrize("data", [arrays(), DataLoader(Jittered(), batch_size=SIZE, shuffle=True)])
@pytest.mark.parametrize("start", [1, 3, 7])
def test_a_part_resumes_anywhere(data, start):
    part = part_of(source(data), 3, seed=1)
    whole = list(islice(part.stream(5), 10))
    for resumed, batch in zip(part.stream(5, start), whole[start:], strict=False):
        assert all(torch.equal(a, b) for a, b in zip(resumed, batch, strict=True))


def test_samples_are_augmented_anew_in_each_pass():
    part = part_of(source(DataLoader(Jittered(), batch_size=SIZE, shuffle=True)), 2, seed=1)
    draws = [set(batch[1].tolist()) for batch in islice(part.stream(5), 4)]
    assert not (draws[0] | draws[1]) & (draws[2] | draws[3])


def test_batches_of_a_sampler_of_ones_own_stay_together():
    class Pairs(BatchSampler):
        def __iter__(self):
            return iter([[0, 1], [10, 11], [20, 21], [30, 31]])

        def __len__(self):
            return 4

    loader = DataLoader(Jittered(), batch_sampler=Pairs(SequentialSampler(Jittered()), 2, drop_last=False))
    part = part_of(source(loader), 2, seed=1)
    assert passes(part, 2) == [[0, 1, 10, 11], [0, 1, 10, 11]]


def test_the_rows_of_a_part_are_rows_of_the_data_in_use():
    rows = torch.tensor([3, 5, 7, 9, 11, 13, 15, 17])
    loader = DataLoader(
        torch.utils.data.Subset(TensorDataset(*arrays()), rows.tolist()), batch_size=2, shuffle=True
    )
    assert set(passes(part_of(source(loader), 2, seed=0), 1)[0]) < set(rows.tolist())


def test_a_stream_without_an_index_has_no_parts():
    stream = source(DataLoader(Rows(), batch_size=None))
    assert not divisible(stream)
    with pytest.raises(TypeError, match="IterableSource cannot be limited"):
        part_of(stream, 2, seed=0)


def test_the_callers_loader_is_left_as_it_was():
    loader = DataLoader(Jittered(), batch_size=SIZE, shuffle=True)
    part = part_of(source(loader), 2, seed=0)
    assert isinstance(part, LoaderPart)
    assert len(loader) == SAMPLES // SIZE
    assert source(loader).batches_per_epoch == SAMPLES // SIZE
