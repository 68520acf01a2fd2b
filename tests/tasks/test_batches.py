import gc
import multiprocessing
import random
from collections import namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
)

from rightrate.errors import ConfigError, DataError
from rightrate.tasks.batches import (
    batch_size_of,
    hold_out,
    to_device,
    training_source,
    validation_batches,
)
from rightrate.tasks.loaders import LoaderSource
from rightrate.tasks.sources import ArraySource

N = 23
X = torch.arange(N * 2, dtype=torch.float32).reshape(N, 2)
Y = torch.arange(N)
PLAIN = TensorDataset(X, Y)


class Noisy(Dataset):
    """Draws from every global generator and from generators of its own."""

    def __init__(self):
        self.torch_generator = torch.Generator().manual_seed(1)
        self.numpy_generator = np.random.default_rng(2)
        self.legacy_generator = np.random.RandomState(3)
        self.python_generator = random.Random(4)

    def __len__(self):
        return N

    def __getitem__(self, index):
        draws = [
            random.random(),
            np.random.randn(),
            torch.rand(()).item(),
            torch.rand((), generator=self.torch_generator).item(),
            self.numpy_generator.random(),
            self.legacy_generator.rand(),
            self.python_generator.random(),
        ]
        return X[index] + torch.tensor(draws).sum(), index


class Stream(IterableDataset):
    def __init__(self):
        self.generator = np.random.default_rng(0)

    def __iter__(self):
        info = get_worker_info()
        start, step = (info.id, info.num_workers) if info else (0, 1)
        for index in range(start, N, step):
            yield X[index] + torch.rand(()) + self.generator.random(), index


class Sized(Stream):
    def __len__(self):
        return N


class Shuffling(Sampler):
    """Shuffles a list of its own in place with the global generators."""

    def __init__(self):
        self.order = list(range(N))
        self.epochs = 0

    def __iter__(self):
        self.epochs += 1
        random.shuffle(self.order)
        np.random.shuffle(self.order)
        return iter(self.order)

    def __len__(self):
        return N


class Varying(Sampler):
    """Batches of random size, so that epochs differ in length."""

    def __init__(self):
        self.generator = random.Random(7)
        self.epoch = -1

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        first = self.epoch
        while first < N:
            size = self.generator.randint(1, 6)
            yield list(range(first, min(N, first + size)))
            first += size


class Again:
    """Re-iterable, draws while it is iterated, and does not know its length."""

    def __iter__(self):
        for _ in range(4):
            yield {"x": torch.randn(3, 2), "y": np.random.randint(0, 5, size=3), "name": ["a", "b", "c"]}


class Twice(DataLoader):
    def __iter__(self):
        for batch in super().__iter__():
            yield batch
            yield batch

    def __len__(self):
        return 2 * super().__len__()


def collate(samples):
    batch = default_collate(samples)
    return {"x": batch[0] + random.random(), "meta": (batch[1], [str(i) for i in batch[1]])}


def weighted():
    sampler = WeightedRandomSampler(torch.arange(1.0, N + 1), 30)
    return DataLoader(PLAIN, batch_size=4, sampler=sampler)


KINDS = {
    "tensors": lambda: (X, Y),
    "arrays": lambda: (X.double().numpy(), Y.int().numpy()),
    "dict": lambda: {"x": X, "y": Y},
    "one tensor": lambda: X,
    "map-style": Noisy,
    "list of samples": lambda: [(X[i], i) for i in range(N)],
    "in-memory loader": lambda: DataLoader(PLAIN, batch_size=5, shuffle=True),
    "subset loader": lambda: DataLoader(
        Subset(PLAIN, range(3, 20)), batch_size=5, shuffle=True, drop_last=True
    ),
    "noisy loader": lambda: DataLoader(Noisy(), batch_size=5, shuffle=True),
    "sequential loader": lambda: DataLoader(Noisy(), batch_size=5),
    "custom collate": lambda: DataLoader(PLAIN, batch_size=5, shuffle=True, collate_fn=collate),
    "weighted": weighted,
    "subset sampler": lambda: DataLoader(PLAIN, batch_size=4, sampler=SubsetRandomSampler(range(9))),
    "replacement": lambda: DataLoader(
        PLAIN, batch_size=4, sampler=RandomSampler(PLAIN, replacement=True, num_samples=9)
    ),
    "list as sampler": lambda: DataLoader(PLAIN, batch_size=2, sampler=[3, 1, 4, 1, 5]),
    "custom sampler": lambda: DataLoader(PLAIN, batch_size=5, sampler=Shuffling()),
    "custom batch sampler": lambda: DataLoader(Noisy(), batch_sampler=Varying()),
    "shuffling batch sampler": lambda: DataLoader(
        PLAIN, batch_sampler=BatchSampler(RandomSampler(PLAIN), 4, True)
    ),
    "nested batch sampler": lambda: DataLoader(PLAIN, batch_sampler=BatchSampler(Shuffling(), 4, True)),
    "no automatic batching": lambda: DataLoader(PLAIN, batch_size=None, shuffle=True),
    "iterable dataset": Stream,
    "iterable loader": lambda: DataLoader(Stream(), batch_size=4),
    "sized iterable loader": lambda: DataLoader(Sized(), batch_size=4, drop_last=True),
    "list of batches": lambda: [(X[i : i + 3], Y[i : i + 3]) for i in range(0, N, 3)],
    "re-iterable": Again,
    "own loader class": lambda: Twice(Noisy(), batch_size=6, shuffle=True),
}


def source_of(kind):
    return training_source(KINDS[kind](), batch_size=6, device="cpu")


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def first(source, count, seed=0, start=0):
    stream = source.stream(seed, start)
    taken = [next(stream) for _ in range(count)]
    stream.close()
    return taken


def global_states():
    numpy = np.random.get_state()
    return random.getstate(), numpy[1].tobytes(), numpy[2:], torch.get_rng_state().numpy().tobytes()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 5), start=st.integers(0, 40))
def test_resuming_anywhere_goes_on_as_the_uninterrupted_stream(kind, seed, start):
    whole = first(source_of(kind), start + 3, seed)
    assert same(first(source_of(kind), 3, seed, start), whole[start:])


@pytest.mark.parametrize("kind", KINDS)
def test_resuming_in_a_source_that_has_counted_its_epochs(kind):
    source = source_of(kind)
    whole = first(source, 40)
    assert same(first(source, 5, start=33), whole[33:38])


@pytest.mark.parametrize("kind", KINDS)
def test_interleaved_streams_do_not_disturb_each_other(kind):
    source = source_of(kind)
    alone = {seed: first(source_of(kind), 15, seed) for seed in (1, 2)}
    streams = {seed: source.stream(seed) for seed in (1, 2)}
    taken = {1: [], 2: []}
    for position in range(30):
        random.random(), np.random.rand(), torch.rand(1)
        seed = 1 + (position % 2)
        taken[seed].append(next(streams[seed]))
    assert same(taken, alone)


@pytest.mark.parametrize("kind", KINDS)
def test_the_callers_random_states_stay_as_they_were(kind):
    random.gauss(0, 1), np.random.randn(), torch.randn(1)
    before = global_states()
    source = source_of(kind)
    for _ in zip(range(20), source.stream(3, 2), strict=False):
        assert global_states() == before
    list(validation_batches(KINDS[kind](), batch_size=6, device="cpu"))
    assert global_states() == before


DRAWN = [
    kind
    for kind in KINDS
    if kind not in {"sequential loader", "list as sampler", "list of batches", "sized iterable loader"}
]


@pytest.mark.parametrize("kind", DRAWN)
def test_epochs_and_seeds_differ(kind):
    source = source_of(kind)
    assert not same(first(source, 4, 0), first(source, 4, 1))
    if source.batches_per_epoch:
        assert not same(first(source, 4), first(source, 4, start=source.batches_per_epoch))


@pytest.mark.parametrize("kind", KINDS)
def test_an_epoch_has_the_stated_number_of_batches(kind):
    source = source_of(kind)
    stated = source.batches_per_epoch
    assert stated is None or len(list(source.open(0, 0)[1])) == stated


@pytest.mark.parametrize("kind", KINDS)
def test_validation_is_the_same_in_every_pass(kind):
    valid = validation_batches(KINDS[kind](), batch_size=6, device="cpu")
    passes = [list(valid) for _ in range(3)]
    assert passes[0]
    assert same(passes[0], passes[1])
    assert same(passes[0], passes[2])
    if kind != "no automatic batching":
        assert valid.samples == sum(batch_size_of(batch) for batch in passes[0])


@pytest.mark.parametrize("kind", KINDS)
def test_changing_a_batch_in_place_changes_nothing_else(kind):
    data = KINDS[kind]()

    def spoil(batch):
        if isinstance(batch, torch.Tensor):
            batch.fill_(-7)
        elif isinstance(batch, dict):
            spoil(list(batch.values()))
        elif isinstance(batch, tuple | list):
            for item in batch:
                spoil(item)

    valid = validation_batches(data, batch_size=6, device="cpu")
    clean = [to_device(batch, "cpu", fresh=True) for batch in valid]
    for _ in range(2):
        for batch in valid:
            spoil(batch)
    for batch in first(training_source(data, batch_size=6, device="cpu"), 12):
        spoil(batch)
    assert same(list(validation_batches(data, batch_size=6, device="cpu")), clean)
    assert same(list(valid), clean)


def test_every_sample_comes_once_in_an_epoch_but_the_last_incomplete_batch():
    source = source_of("tensors")
    seen = torch.cat([y for _, y in source.open(0, 0)[1]])
    assert source.batches_per_epoch == 3
    assert source.samples == N
    assert len(seen) == 18
    assert len(set(seen.tolist())) == 18


def test_fewer_samples_than_a_batch_are_one_batch():
    for data in ((X, Y), Noisy()):
        source = training_source(data, batch_size=100, device="cpu")
        assert source.batches_per_epoch == 1
        assert batch_size_of(next(source.stream(0))) == N


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("dataset", [PLAIN, Subset(Subset(PLAIN, range(2, 20)), [5, 3, 1, 0, 9, 11, 2])])
def test_the_fast_path_equals_the_loader_it_stands_for(shuffle, drop_last, dataset):
    loader = DataLoader(dataset, batch_size=5, shuffle=shuffle, drop_last=drop_last)
    fast = training_source(loader, batch_size=1, device="cpu")
    plain = LoaderSource(loader, device="cpu")
    assert isinstance(fast, ArraySource)
    assert fast.batches_per_epoch == plain.batches_per_epoch
    assert same(first(fast, 15, 4), first(plain, 15, 4))


def test_dtypes_of_arrays():
    source = training_source(
        (np.zeros((4, 2)), np.zeros(4, np.float32), np.zeros(4, np.uint8), np.zeros(4, bool)),
        batch_size=2,
        device="cpu",
    )
    dtypes = [tensor.dtype for tensor in next(source.stream(0))]
    assert dtypes == [torch.float32, torch.float32, torch.int64, torch.bool]
    kept = training_source((torch.zeros(4, dtype=torch.float64),), batch_size=2, device="cpu")
    assert next(kept.stream(0))[0].dtype == torch.float64


def test_arrays_that_torch_cannot_share_are_copied():
    frozen = np.arange(6.0)
    frozen.flags.writeable = False
    source = training_source((frozen, np.arange(6)[::-1]), batch_size=6, device="cpu")
    a, b = next(source.stream(0))
    assert (a + b == 5).all()


class Marked(Dataset):
    mark = 0

    def __len__(self):
        return N

    def __getitem__(self, index):
        return torch.tensor([index, self.mark, np.random.randint(1 << 30)])


def mark_dataset(worker):
    get_worker_info().dataset.mark = 17


def children():
    gc.collect()
    return multiprocessing.active_children()


def test_workers_give_the_batches_of_one_process_and_are_shut_down():
    few = training_source(DataLoader(Noisy(), batch_size=5, shuffle=True), batch_size=1, device="cpu")
    loader = DataLoader(Noisy(), batch_size=5, shuffle=True, num_workers=2, persistent_workers=True)
    source = training_source(loader, batch_size=1, device="cpu")
    before = global_states()
    stream = source.stream(0, 3)
    taken = [next(stream) for _ in range(4)]
    assert global_states() == before
    assert same(taken, first(few, 4, start=3))
    assert children()
    stream.close()
    assert not children()
    assert loader._iterator is None


def test_workers_of_a_dropped_stream_are_shut_down():
    loader = DataLoader(Stream(), batch_size=5, num_workers=2)
    stream = training_source(loader, batch_size=1, device="cpu").stream(0)
    next(stream)
    assert children()
    del stream
    assert not children()


def test_iterable_dataset_with_workers_resumes():
    source = training_source(DataLoader(Stream(), batch_size=3, num_workers=2), batch_size=1, device="cpu")
    whole = first(source, 10)
    again = training_source(DataLoader(Stream(), batch_size=3, num_workers=2), batch_size=1, device="cpu")
    assert same(first(again, 2, start=8), whole[8:])
    assert not children()


def test_the_worker_start_function_sees_the_callers_dataset():
    loader = DataLoader(Marked(), batch_size=5, num_workers=1, worker_init_fn=mark_dataset)
    batch = first(training_source(loader, batch_size=1, device="cpu"), 1)[0]
    assert (batch[:, 1] == 17).all()


def test_samplers_datasets_and_generators_are_left_as_they_were():
    sampler, dataset, batches = Shuffling(), Noisy(), Varying()
    generator = torch.Generator().manual_seed(5)
    loaders = [
        DataLoader(dataset, batch_size=5, sampler=sampler),
        DataLoader(dataset, batch_size=5, shuffle=True, generator=generator),
        DataLoader(dataset, batch_sampler=batches),
        Twice(dataset, batch_size=5, sampler=sampler),
    ]
    before = (
        generator.get_state(),
        dataset.torch_generator.get_state(),
        dataset.numpy_generator.bit_generator.state,
        dataset.legacy_generator.get_state()[2],
        dataset.python_generator.getstate(),
        batches.generator.getstate(),
    )
    for loader in loaders:
        first(training_source(loader, batch_size=1, device="cpu"), 12)
        assert loader._iterator is None
    after = (
        generator.get_state(),
        dataset.torch_generator.get_state(),
        dataset.numpy_generator.bit_generator.state,
        dataset.legacy_generator.get_state()[2],
        dataset.python_generator.getstate(),
        batches.generator.getstate(),
    )
    assert same(before, after)
    assert sampler.order == list(range(N))
    assert sampler.epochs == 0
    assert batches.epoch == -1


class Epochal(Dataset):
    def __init__(self):
        self.epoch = torch.tensor(-1)

    def set_epoch(self, epoch):
        self.epoch.fill_(epoch)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.epoch.clone()


def test_a_copy_of_the_dataset_is_told_the_epoch():
    dataset = Epochal()
    batches = first(training_source(dataset, batch_size=4, device="cpu"), 3)
    assert [batch[0].item() for batch in batches] == [0, 1, 2]
    assert dataset.epoch == -1


def test_asking_for_the_length_leaves_no_mark_on_the_loader():
    loader = DataLoader(Sized(), batch_size=4)
    training_source(loader, batch_size=1, device="cpu")
    assert loader._IterableDataset_len_called is None


def test_notes_name_the_weaker_promises():
    assert source_of("noisy loader").notes == ()
    assert "reads and discards" in source_of("iterable loader").notes[0]
    assert "Twice iterates in its own way" in source_of("own loader class").notes[0]
    assert "reads and discards" in source_of("re-iterable").notes[0]


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.rand(2)


def test_endless_data():
    source = training_source(DataLoader(Endless(), batch_size=4), batch_size=1, device="cpu")
    assert source.batches_per_epoch is None
    assert same(first(source, 2, start=50), first(source, 52)[50:])


class Unsized(Dataset):
    def __getitem__(self, index):
        return X[index]


class Exhausted:
    def __init__(self):
        self.items = iter([X, X])

    def __iter__(self):
        return self.items


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (iter([X]), "read only once"),
        ((batch for batch in [X]), "read only once"),
        ((X, Y[:-1]), r"arrays of equal length, got 'lengths \[23, 22\]'"),
        ((X[:0], Y[:0]), "at least one sample"),
        ((), "a DataLoader, a map-style dataset"),
        ((X, "labels"), "tensors or arrays of numbers, got 'labels'"),
        ((X, np.array(["a"] * N)), "Encode text"),
        ((X, [[1], [2, 3]]), "tensors or arrays of numbers"),
        ((X, torch.tensor(3)), "the samples along axis 0"),
        ([X, Y], r"Write a tuple, \(inputs, targets\)"),
        ([], "at least one batch"),
        (TensorDataset(X[:0]), "at least one sample"),
        (Unsized(), "Give the dataset a __len__"),
        ("digits", "must be a DataLoader"),
        (None, "must be a DataLoader"),
        (3, "must be a DataLoader"),
        (DataLoader(PLAIN, batch_size=50, drop_last=True), "length 0"),
        (DataLoader(PLAIN, batch_size=2, sampler=iter([1, 2])), "Pass a list of the indices"),
    ],
)
def test_data_that_cannot_be_used(data, message):
    with pytest.raises(DataError, match=message):
        training_source(data, batch_size=6, device="cpu")
    with pytest.raises(DataError, match=r"find\(valid="):
        validation_batches(data, batch_size=6, device="cpu")


def test_data_that_turn_out_to_be_readable_only_once():
    stream = training_source(Exhausted(), batch_size=6, device="cpu").stream(0)
    next(stream), next(stream)
    with pytest.raises(DataError, match="no batch in epoch 1"):
        next(stream)
    valid = validation_batches(DataLoader(Exhausted_stream(), batch_size=2), batch_size=6, device="cpu")
    with pytest.raises(DataError, match="at least one batch"):
        list(valid)


class Exhausted_stream(IterableDataset):  # noqa: N801 - a dataset without anything in it
    def __iter__(self):
        return iter(())


def test_batch_size_is_checked():
    with pytest.raises(ConfigError, match=r"batch_size=.*>= 1, got 0"):
        training_source((X, Y), batch_size=0, device="cpu")
    with pytest.raises(ConfigError, match=r"batch_size=.*>= 1, got 0"):
        validation_batches((X, Y), batch_size=0, device="cpu")


def test_validation_in_memory_is_cut_in_large_batches_in_order():
    x = torch.arange(2500)
    sizes = [len(batch) for batch in validation_batches(x, batch_size=7, device="cpu")]
    assert sizes == [1024, 1024, 452]
    assert torch.equal(torch.cat(list(validation_batches(x, batch_size=7, device="cpu", largest=7))), x)
    loader = DataLoader(TensorDataset(x), batch_size=7, shuffle=True)
    assert [len(batch[0]) for batch in validation_batches(loader, batch_size=1, device="cpu")] == sizes
    dropping = DataLoader(PLAIN, batch_size=5, drop_last=True)
    assert validation_batches(dropping, batch_size=1, device="cpu").samples == 20


def test_loaded_validation_batches_are_kept_after_the_first_pass():
    class Counting(Marked):
        reads = 0

        def __getitem__(self, index):
            Counting.reads += 1
            return super().__getitem__(index)

    valid = validation_batches(Counting(), batch_size=5, device="cpu")
    for _ in range(3):
        assert sum(len(batch) for batch in valid) == N
    assert Counting.reads == N


@pytest.mark.parametrize("kind", ["tensors", "arrays", "dict", "one tensor", "map-style", "list of samples"])
def test_hold_out(kind):
    train, valid = hold_out(KINDS[kind](), seed=1)
    sizes = [
        sum(map(batch_size_of, validation_batches(part, batch_size=4, device="cpu")))
        for part in (train, valid)
    ]
    assert sizes == [18, 5]


def test_hold_out_of_a_loader_keeps_its_settings():
    loader = DataLoader(PLAIN, batch_size=4, shuffle=True, collate_fn=collate, drop_last=True)
    train, valid = hold_out(loader, fraction=0.3)
    assert isinstance(train.sampler, RandomSampler)
    assert (train.batch_size, train.drop_last, train.collate_fn) == (4, True, collate)
    seen = [set(part.dataset.indices) for part in (train, valid)]
    assert len(seen[1]) == 7
    assert seen[0].isdisjoint(seen[1])
    assert seen[0] | seen[1] == set(range(N))
    assert sum(len(batch["x"]) for batch in validation_batches(valid, batch_size=1, device="cpu")) == 7


def test_hold_out_depends_on_the_seed_alone():
    held = [hold_out((Y,), seed=seed)[1][0].tolist() for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X[:1], Y[:1]), "at least 2 samples when valid=None, got 1"),
        (weighted(), "A sampler of one's own cannot be split: pass valid="),
        (DataLoader(Stream()), "map-style dataset with an ordinary"),
        (Again(), "Pass valid=... as well"),
        (Stream(), "Pass valid=... as well"),
        ([(X, Y), (X, Y)], "Pass valid=... as well"),
        (iter([X]), "read only once"),
    ],
)
def test_data_that_cannot_be_split(data, message):
    with pytest.raises(DataError, match=message):
        hold_out(data)


def test_hold_out_checks_the_fraction():
    for fraction in (0.0, 1.0):
        with pytest.raises(ConfigError, match=r"fraction=.*got " + str(fraction)):
            hold_out((X, Y), fraction=fraction)


Pair = namedtuple("Pair", "x y")


def test_nests():
    batch = Pair({"a": ["text", torch.tensor(3.0)]}, [None, X])
    assert batch_size_of(batch) == N
    moved = to_device(batch, "meta")
    assert type(moved) is Pair
    assert moved.y[1].device.type == "meta"
    assert moved.x["a"][0] == "text"
    packed = torch.nn.utils.rnn.pack_sequence([X, X[:3]])
    assert to_device(packed, "meta").data.device.type == "meta"
    with pytest.raises(DataError, match="tensors in a tuple, list or dict, got 'text'"):
        batch_size_of("text")
