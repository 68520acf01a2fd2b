"""Which of 120 fonts drew this character: the task with many classes."""

from functools import partial

from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["INFO", "load"]

_FONTS = 120
_HELD_OUT = 12

INFO = TaskInfo(
    name="fonts",
    description="CNN with BatchNorm that tells which of 120 fonts drew a character it has not seen",
    source="120 fonts of pyfiglet drawing 62 letters and digits, 28x28; 12 characters held out",
    steps=2200,
)


def load(seed: int) -> Task:
    """Return the task; `seed` decides which characters are held out."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy

    from rightrate.tasks import metrics, networks
    from rightrate.tasks.builtin.glyphs import CHARACTERS, glyphs

    images, fonts, places = glyphs(_FONTS)
    held_out = np.random.default_rng(seed).permutation(len(CHARACTERS))[:_HELD_OUT]
    valid = torch.from_numpy(np.isin(places, held_out))
    inputs = torch.from_numpy(images).unsqueeze(1)
    inputs = (inputs - inputs[~valid].mean()) / inputs[~valid].std()
    labels = torch.from_numpy(fonts)
    return Task(
        model=partial(networks.BatchNormCnn, _FONTS),
        train=(inputs[~valid], labels[~valid]),
        valid=(inputs[valid], labels[valid]),
        loss=cross_entropy,
        metrics={"accuracy": metrics.accuracy},
        training=Training(batch_size=64),
        info=INFO,
    )
