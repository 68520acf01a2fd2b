"""A small language model."""

from dataclasses import replace
from functools import partial

import rightrate as rr
from rightrate.tasks import load
from rightrate.tasks.networks import CharTransformer

__all__ = ["gpt"]

_CONTEXT = 32


def gpt() -> rr.Task:
    """Return the next character of Python's own documentation: a transformer of one block."""
    task = load("text")
    symbols = int(task.train[0].max()) + 1
    # Every fourth window of the built-in task, its first half: enough to learn from, quick to validate.
    train = tuple(part[::2, :_CONTEXT].clone() for part in task.train)
    valid = tuple(part[::3, :_CONTEXT].clone() for part in task.valid)
    return replace(
        task,
        model=partial(CharTransformer, symbols, _CONTEXT, 32, 2, 1),
        train=train,
        valid=valid,
        training=rr.Training(batch_size=8),
        info=replace(task.info, name="gpt", description="transformer of one block", steps=1000),
    )
