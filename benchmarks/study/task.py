"""Which of 120 fonts drew this character: many classes with few images each, and one convolutional network.

It stands in for photographs of 120 kinds of things, as no package ships labelled photographs with many
classes.
"""

from torch import nn
from torch.nn.functional import cross_entropy

import rightrate as rr
from benchmarks.quality.tasks.images import drawn
from rightrate.tasks.metrics import accuracy

__all__ = ["FONTS", "SIDE", "STEPS", "task"]

FONTS, SIDE, STEPS = 120, 14, 1000


def _model() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 9, FONTS),
    )


def task() -> rr.Task:
    """Return the task; characters of the validation data are in no training image."""
    train, valid = drawn(FONTS, SIDE)
    return rr.Task(
        model=_model,
        train=train,
        valid=valid,
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=32, device="cpu"),
        info=rr.TaskInfo(
            name="120 fonts",
            description="network of two convolutions that tells which of 120 fonts drew a character",
            source=f"120 fonts of pyfiglet, {SIDE}x{SIDE}; twelve of 62 characters are held out",
            steps=STEPS,
        ),
    )
