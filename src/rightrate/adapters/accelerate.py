"""The watcher in a loop of one's own with Accelerate."""

from typing import Any

from rightrate.watch import Watch
from rightrate.watch import watch as plain_watch

__all__ = ["watch"]


def watch(accelerator: Any, optimizer: Any, *, model: Any = None, **settings: Any) -> Watch:
    """Look after a training run whose optimizer went through `accelerator.prepare`.

    Steps that Accelerate holds back while it accumulates are not counted, nor those a `GradScaler` skips.
    `observe` takes the loss as it was computed: `accelerator.backward` divides a copy of it. The watcher is
    registered with the accelerator, so that `save_state` and `load_state` keep it. In a run of several
    processes every one watches its own losses, and the first one alone writes to the console.

    Args:
        accelerator: The `Accelerator`.
        optimizer: What `prepare` returned for an optimizer, or several in a list.
        model: What it returned for the model.
        settings: More arguments of `rightrate.watch`.

    Raises:
        ConfigError: As `rightrate.watch`.

    Example:
        with watch(accelerator, optimizer, model=model) as w:
            for inputs, targets in loader:
                with accelerator.accumulate(model):
                    loss = criterion(model(inputs), targets)
                    w.observe(loss)
                    accelerator.backward(loss)
                    optimizer.step()
                    optimizer.zero_grad()
    """
    several = list(optimizer) if isinstance(optimizer, list | tuple) else [optimizer]
    inner = [getattr(one, "optimizer", one) for one in several]
    console = settings.pop("console", True) and accelerator.is_main_process
    bare = None if model is None else accelerator.unwrap_model(model)
    watcher = plain_watch(inner, model=bare, console=console, **settings)
    accelerator.register_for_checkpointing(watcher)
    return watcher
