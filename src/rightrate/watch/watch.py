"""`watch`: look after a training run."""

import os
from typing import Any, Literal

from torch import nn

from rightrate.errors import ConfigError, describe
from rightrate.watch.acts import Acting
from rightrate.watch.console import Console
from rightrate.watch.hooks import optimizers_of
from rightrate.watch.settings import Measure, Settings
from rightrate.watch.sinks import ConsoleSink, Sink
from rightrate.watch.watcher import Watch

__all__ = ["watch"]


def watch(
    optimizer: Any = None,
    *,
    model: Any = None,
    mode: Literal["observe", "advise", "act"] = "observe",
    total_steps: int | None = None,
    chance_loss: float | None = None,
    full_batch: bool = False,
    adversarial: bool | None = None,
    store: str | os.PathLike[str] | None = None,
    name: str = "run",
    console: bool = True,
    measure: Measure | None = None,
    acting: Acting | None = None,
) -> Watch:
    """Look after a training run: say what is wrong with its learning rate, and mend it if asked.

    Args:
        optimizer: An optimizer of torch, or several in a list; None where `Watch.record` is used.
        model: The model; with it a roll-back includes buffers such as running statistics, and findings name
            its tensors. `Measure(curvature=...)` needs it.
        mode: "observe" says what it sees, "advise" what to do about it as well, "act" mends the run.
        total_steps: Length of the run in optimizer steps, if it is known.
        chance_loss: Loss of the best constant prediction, such as log(classes); it makes sure of collapse.
        full_batch: Whether every gradient is that of all data, so that it has no noise.
        adversarial: Whether the loss need not fall, as those of a GAN need not. None: where there are several
            optimizers; say False where they share one loss, as Muon and AdamW do.
        store: A file such as "runs.db", in which the run is written down as it goes on, so that
            `rightrate watch runs.db` can follow it in another terminal. None writes nothing.
        name: What the run is called.
        console: Whether findings, acts and notes are written to stderr, a line at most every five seconds.
        measure: What is measured besides losses and rates.
        acting: How far `mode="act"` may go.

    Returns:
        The watcher, a context manager: it looks at optimizer steps inside of its `with` block.

    Raises:
        ConfigError: If an argument is outside its domain; when it is entered, if another watcher of the same
            optimizer is there and one of them acts. Once it watches, nothing raises.
        StoreError: When it is entered, if the store cannot be used.

    Example:
        >>> import torch
        >>> weight = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.SGD([weight], lr=0.1)
        >>> with watch(optimizer, total_steps=40, console=False) as w:
        ...     for _ in range(40):
        ...         loss = (weight**2).sum()
        ...         optimizer.zero_grad()
        ...         loss.backward()
        ...         optimizer.step()
        ...         w.observe(loss)
        >>> w.step, w.lr
        (40, 0.1)
    """
    settings = Settings(
        mode=mode,
        name=name,
        total_steps=total_steps,
        chance_loss=chance_loss,
        full_batch=full_batch,
        adversarial=adversarial,
        measure=Measure() if measure is None else measure,
        acting=Acting() if acting is None else acting,
    )
    received: object = model
    if received is not None and not isinstance(received, nn.Module):
        raise ConfigError(describe("watch(model=...)", "a torch.nn.Module", received))
    if store is not None and not isinstance(store, (str, os.PathLike)):
        raise ConfigError(describe("watch(store=...)", "the path of a file", store))
    sinks: list[Sink] = [ConsoleSink(Console(), advise=mode != "observe")] if console else []
    return Watch(optimizers_of(optimizer), settings, model=model, sinks=sinks, store=store)
