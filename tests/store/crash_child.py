"""A small search in a process of its own, which others kill: the name of the task and the store are given."""

import hashlib
import json
import sys

import torch
from torch import nn

import rightrate as rr
from rightrate.store import stored_journal

__all__ = ["SEARCHES"]

FEATURES, CLASSES, SAMPLES = 6, 3, 240


def task():
    """Gaussian clouds, one a class, and a network with normalisation: the same in every process."""
    generator = torch.Generator().manual_seed(0)
    centres = 1.5 * torch.randn(CLASSES, FEATURES, generator=generator)
    classes = torch.randint(0, CLASSES, (SAMPLES,), generator=generator)
    inputs = centres[classes] + torch.randn(SAMPLES, FEATURES, generator=generator)

    def build():
        return nn.Sequential(nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES))

    return rr.Task(
        model=build,
        train=(inputs[:200], classes[:200]),
        valid=(inputs[200:], classes[200:]),
        loss=nn.functional.cross_entropy,
        training=rr.Training(batch_size=16),
        info=rr.TaskInfo(name="clouds", steps=160),
    )


def find(store, **settings):
    """Search, and return the answer as plain data."""
    return rr.find(task(), optimizer="adamw", engine="serial", store=store, **settings).to_dict()


SEARCHES = {"find": find}
"""What can be killed, by name."""


def without_clocks(data):
    """Return plain data without what a clock measured."""
    if isinstance(data, dict):
        return {key: without_clocks(item) for key, item in data.items() if "second" not in key}
    return [without_clocks(item) for item in data] if isinstance(data, list) else data


def main(name, store):
    """Run one search with a checkpoint after every block, and print a digest of what it came to."""
    torch.set_num_threads(1)
    stored_journal._EVERY_SECONDS = 0.0
    stored_journal._SHARE = 1e9
    answer = without_clocks(SEARCHES[name](store))
    print(hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
