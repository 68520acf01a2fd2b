"""A random state of its own for code that draws from the global generators.

Datasets, samplers and collate functions often draw from `random`, `numpy.random` or torch's default
generator. Here such code runs with these generators set to a private state; the caller's state is put back
each time.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from rightrate.tasks.seeds import mix

__all__ = [
    "PrivateRandomness",
    "generators_of",
    "iterate",
    "private_generators",
    "seed_all",
    "seed_generator",
    "seeded",
]

_GENERATORS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


class PrivateRandomness:
    """The global random states, and some generators, as one piece of code sees them.

    Within `inside()` the states are private; outside they are the caller's. The private state goes on where
    it stopped, so that two pieces of code may take turns without disturbing each other or the caller.

    Args:
        seed: What the private state starts from.
        generators: Further generators, owned by a dataset for instance, treated alike.
    """

    def __init__(self, seed: int, generators: Sequence[Any] = ()) -> None:
        self._seed = seed
        self._generators = tuple(generators)
        self._private: list[Any] | None = None

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Set the private states for the length of a `with` block."""
        callers = _read(self._generators)
        try:
            if self._private is None:
                seed_all(self._seed, self._generators)
            else:
                _write(self._private, self._generators)
            yield
        finally:
            self._private = _read(self._generators)
            _write(callers, self._generators)

    def iterate(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the items, drawing each of them inside; closes the iterator when done or closed."""
        with self.inside():
            iterator = iter(items)
        try:
            while True:
                with self.inside():
                    try:
                        item = next(iterator)
                    except StopIteration:
                        return
                yield item
        finally:
            _close(iterator)


@contextmanager
def seeded(seed: int, generators: Sequence[Any] = ()) -> Iterator[None]:
    """Seed the global random states and the generators for one `with` block, and put them back after it."""
    callers = _read(generators)
    try:
        seed_all(seed, generators)
        yield
    finally:
        _write(callers, generators)


@contextmanager
def private_generators(generators: Sequence[Any]) -> Iterator[None]:
    """Put the given generators back to their states at the end of a `with` block."""
    states = [_state(generator) for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            _set_state(generator, state)


def seed_all(seed: int, generators: Sequence[Any] = ()) -> None:
    """Seed the global generators (Python, NumPy, torch on the CPU) and the given ones."""
    random.seed(seed)
    np.random.seed(mix(seed, 1) & 0xFFFFFFFF)
    torch.default_generator.manual_seed(mix(seed, 2))
    for position, generator in enumerate(generators):
        seed_generator(generator, mix(seed, 3, position))


def iterate(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the items under the caller's random states; closes the iterator when done or closed."""
    iterator = iter(items)
    try:
        yield from iterator
    finally:
        _close(iterator)


def generators_of(thing: object) -> list[Any]:
    """Return the random generators among an object's attributes, and of datasets it wraps as `.dataset`."""
    found: list[Any] = []
    seen: set[int] = set()
    while thing is not None and id(thing) not in seen:
        seen.add(id(thing))
        attributes: dict[str, Any] = getattr(thing, "__dict__", {})
        found += [value for value in attributes.values() if isinstance(value, _GENERATORS)]
        thing = attributes.get("dataset")
    return found


def seed_generator(generator: Any, seed: int) -> None:
    """Set a torch, NumPy or Python generator to the start of a stream."""
    if isinstance(generator, torch.Generator):
        generator.manual_seed(seed)
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = type(generator.bit_generator)(seed).state
    elif isinstance(generator, np.random.RandomState):
        generator.seed(seed & 0xFFFFFFFF)
    else:
        generator.seed(seed)


def _read(generators: Sequence[Any]) -> list[Any]:
    globals_ = [random.getstate(), np.random.get_state(legacy=False), torch.default_generator.get_state()]
    return globals_ + [_state(generator) for generator in generators]


def _write(states: list[Any], generators: Sequence[Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.default_generator.set_state(states[2])
    for generator, state in zip(generators, states[3:], strict=True):
        _set_state(generator, state)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.RandomState | torch.Generator):
        return generator.get_state()
    return generator.getstate()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState | torch.Generator):
        generator.set_state(state)
    else:
        generator.setstate(state)


def _close(iterator: object) -> None:
    # Generators have close(); torch's multi-process iterator shuts its workers down when told so.
    for name in ("close", "_shutdown_workers"):
        method: Callable[[], None] | None = getattr(iterator, name, None)
        if method is not None:
            method()
            return
