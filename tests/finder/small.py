"""A small classification task that trains in a second, and the question most tests ask about it."""

import torch
from torch import nn

import rightrate as rr

__all__ = ["BATCH", "FEATURES", "blobs", "find", "mlp", "train", "valid"]

BATCH = 16
FEATURES, CLASSES = 6, 3


def blobs(samples=300, seed=0):
    """Gaussian clouds, one a class: inputs and classes."""
    generator = torch.Generator().manual_seed(seed)
    centres = 1.5 * torch.randn(CLASSES, FEATURES, generator=generator)
    classes = torch.randint(0, CLASSES, (samples,), generator=generator)
    return centres[classes] + torch.randn(samples, FEATURES, generator=generator), classes


def train():
    inputs, classes = blobs()
    return inputs[:240], classes[:240]


def valid():
    inputs, classes = blobs()
    return inputs[240:], classes[240:]


def mlp():
    """The same weights each time, whatever the global generator has been through."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU(), nn.Linear(8, CLASSES))


def find(model=None, data=None, held=None, **settings):
    """Ask about the task on the plain engine, any part of the question changed."""
    defaults = {
        "loss": nn.functional.cross_entropy,
        "optimizer": "adamw",
        "steps": 300,
        "batch_size": BATCH,
        "engine": "serial",
    }
    asked = {**defaults, **settings}
    return rr.find(
        mlp() if model is None else model,
        train() if data is None else data,
        valid() if held is None else held,
        **{name: value for name, value in asked.items() if value is not ...},
    )
