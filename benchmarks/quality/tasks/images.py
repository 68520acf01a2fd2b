"""Image tasks: handwritten digits and characters in many fonts."""

import functools

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

import rightrate as rr
from benchmarks.quality.tasks._tools import Arrays, info
from rightrate.tasks.builtin import images
from rightrate.tasks.builtin.glyphs import CHARACTERS, glyphs
from rightrate.tasks.metrics import accuracy

__all__ = ["autoencoder", "digits_bn", "drawn", "fonts_cnn", "fonts_resnet"]

_FONTS = 40


def _digits_model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )


def digits_bn() -> rr.Task:
    """Return handwritten digits with a CNN with BatchNorm."""
    train, valid = images.digits(0)
    return rr.Task(
        model=_digits_model,
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=32),
        info=info("digits-bn", "CNN of two convolutions with BatchNorm", "scikit-learn load_digits", 1000),
    )


def _autoencoder_model() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 8), nn.Linear(8, 48), nn.Tanh(), nn.Linear(48, 64)
    )


def autoencoder() -> rr.Task:
    """Return handwritten digits through eight numbers and back."""
    (train, _), (valid, _) = images.digits(0)
    train, valid = train.flatten(1), valid.flatten(1)
    return rr.Task(
        model=_autoencoder_model,
        train=(train, train),
        valid=(valid, valid),
        loss=mse_loss,
        training=rr.Training(batch_size=32),
        info=info("autoencoder", "autoencoder 64-48-8-48-64", "scikit-learn load_digits", 1200),
    )


@functools.cache
def drawn(fonts: int, side: int) -> tuple[Arrays, Arrays]:
    """Return images (N, 1, side, side) and fonts, split by character: twelve of 62 are held out."""
    pictures, labels, places = glyphs(fonts)
    inputs = torch.from_numpy(pictures).unsqueeze(1)
    if side != inputs.shape[-1]:
        inputs = torch.nn.functional.interpolate(inputs, size=(side, side), mode="area")
    held_out = np.random.default_rng(0).permutation(len(CHARACTERS))[:12]
    valid = torch.from_numpy(np.isin(places, held_out))
    inputs = (inputs - inputs[~valid].mean()) / inputs[~valid].std()
    targets = torch.from_numpy(labels)
    return (inputs[~valid], targets[~valid]), (inputs[valid], targets[valid])


def _plain_model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 9, _FONTS),
    )


def fonts_cnn() -> rr.Task:
    """Return which of 40 fonts drew a character, with a CNN without normalisation."""
    train, valid = drawn(_FONTS, 14)
    return rr.Task(
        model=_plain_model,
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=16),
        info=info("fonts-cnn", "CNN of two convolutions", "40 fonts of pyfiglet, 14x14", 1200),
    )


class _Residual(nn.Module):
    """Two convolutions with BatchNorm, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.layers(x))


def _residual_model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        _Residual(8),
        _Residual(8),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, _FONTS),
    )


def fonts_resnet() -> rr.Task:
    """Return which of 40 fonts drew a character, with a residual network."""
    train, valid = drawn(_FONTS, 14)
    return rr.Task(
        model=_residual_model,
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=16),
        info=info(
            "fonts-resnet", "residual network of five convolutions", "40 fonts of pyfiglet, 14x14", 1000
        ),
    )
