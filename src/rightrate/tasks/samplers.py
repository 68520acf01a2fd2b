"""Samplers of our own that behave like the caller's, which are left untouched."""

import copy
import random
from typing import Any

import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from rightrate.tasks.seeds import mix

__all__ = ["has_fixed_length", "plain_batches", "reseeded"]

_DRAWING = (RandomSampler, SubsetRandomSampler, WeightedRandomSampler)
_FIXED_LENGTH = (*_DRAWING, SequentialSampler, DistributedSampler)


def plain_batches(loader: "DataLoader[Any]") -> "BatchSampler | None":
    """Return the batch sampler of a loader that reads its whole dataset in sequential or random order.

    None for any other: with a sampler of one's own, with replacement, over a part, or without batches.
    """
    batches = loader.batch_sampler
    if type(loader).__iter__ is not DataLoader.__iter__ or type(batches) is not BatchSampler:
        return None
    sampler, dataset = batches.sampler, loader.dataset
    if type(sampler) is RandomSampler:
        once = not sampler.replacement and sampler.num_samples == len(sampler.data_source)
    elif type(sampler) is SequentialSampler:
        once = True
    else:
        return None
    return batches if once and len(sampler.data_source) == len(dataset) else None  # type: ignore[arg-type]


def has_fixed_length(loader: "DataLoader[Any]") -> bool:
    """Return whether torch's own samplers, which never change their length, give the indices."""
    batches = loader.batch_sampler
    if batches is None:
        return type(loader.sampler) in _FIXED_LENGTH
    return type(batches) is BatchSampler and type(batches.sampler) in _FIXED_LENGTH


def reseeded(sampler: Any, seed: int, epoch: int, dataset: Any) -> Any:
    """Return a copy of a sampler that draws from its own generators and shares no list with the original."""
    copied = copy.copy(sampler)
    attributes: dict[str, Any] = getattr(copied, "__dict__", {})
    for position, (name, value) in enumerate(list(attributes.items())):
        if value is dataset:
            continue
        if isinstance(value, Sampler) or name == "sampler":
            attributes[name] = reseeded(value, seed, epoch, dataset)
        elif type(sampler) in _DRAWING and name == "generator":
            attributes[name] = torch.Generator(device="cpu").manual_seed(seed)
        else:
            attributes[name] = _own(value, mix(seed, position))
    if callable(getattr(copied, "set_epoch", None)):
        copied.set_epoch(epoch)
    return copied


def _own(value: Any, seed: int) -> Any:
    """Return a copy of containers and a newly seeded generator for generators; other values are shared."""
    if isinstance(value, torch.Generator):
        return torch.Generator(device=value.device).manual_seed(seed)
    if isinstance(value, np.random.Generator):
        return np.random.Generator(type(value.bit_generator)(seed))
    if isinstance(value, np.random.RandomState):
        return np.random.RandomState(seed & 0xFFFFFFFF)
    if isinstance(value, random.Random):
        return random.Random(seed)
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, torch.Tensor):
        return value.clone()
    if type(value) is list:
        return [_own(item, seed) for item in value]
    if type(value) is dict:
        return {key: _own(item, seed) for key, item in value.items()}
    return set(value) if type(value) is set else value
