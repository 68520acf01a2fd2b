"""Which character comes next: a small transformer on the text that ships with Python."""

import hashlib
import platform
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rightrate.tasks.task import Task, TaskInfo, Training

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["INFO", "load"]

_CONTEXT = 64
_BLOCKS = 10

INFO = TaskInfo(
    name="text",
    description="transformer of two blocks that predicts the next character from the 64 before it",
    source="pydoc_data.topics, 465 kB of English inside Python itself; one block of a tenth held out",
    steps=1800,
)


def load(seed: int) -> Task:
    """Return the task; `seed` decides which of ten blocks of the text is held out (0: the last)."""
    import torch

    from rightrate.tasks import metrics, networks

    text, note = _text()
    alphabet = sorted(set(text))
    number = {symbol: place for place, symbol in enumerate(alphabet)}
    codes = torch.tensor([number[symbol] for symbol in text])
    blocks = codes.tensor_split(_BLOCKS)
    held_out = _BLOCKS - 1 - seed % _BLOCKS
    # Each block is cut on its own, so that no window reaches into the held-out one.
    parts = [_windows(block, _CONTEXT // 2) for place, block in enumerate(blocks) if place != held_out]
    return Task(
        model=partial(networks.CharTransformer, len(alphabet), _CONTEXT),
        train=(torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])),
        valid=_windows(blocks[held_out], _CONTEXT),
        loss=_loss,
        metrics={"accuracy": metrics.accuracy},
        training=Training(batch_size=32),
        info=replace(INFO, notes=(note,)),
    )


def _text() -> tuple[str, str]:
    """Return the text, and a sentence that identifies it."""
    from pydoc_data.topics import topics

    text = "\n\n".join(topics[name] for name in sorted(topics))
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    version = platform.python_version()
    return text, f"The text is that of Python {version} (SHA-256 {digest}…); other versions differ a little."


def _windows(codes: "Tensor", stride: int) -> tuple["Tensor", "Tensor"]:
    """Return windows of `_CONTEXT` characters that start every `stride`, and the same a character later."""
    starts = codes[:-1].unfold(0, _CONTEXT, stride)
    return starts.clone(), codes[1:].unfold(0, _CONTEXT, stride).clone()


def _loss(output: "Tensor", target: "Tensor") -> "Tensor":
    """Return the mean cross-entropy over all characters of all windows, in nats."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(output.flatten(0, 1), target.flatten())
