"""The watcher as a callback of Lightning."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from rightrate.adapters.attached import Attached
from rightrate.schedules.frameworks.table import needed

__all__ = ["WatchCallback"]

# Of its two packages the one that is loaded.
_package = "lightning.pytorch" if "lightning.pytorch" in sys.modules else "pytorch_lightning"
_Callback: Any = needed(_package, "pip install pytorch-lightning", of="WatchCallback").Callback


class WatchCallback(_Callback):  # type: ignore[misc]
    """Watches a run of a Lightning `Trainer`, optimized automatically or by hand.

    Losses are those of `training_step`: what Lightning divides for accumulated batches and multiplies for
    mixed precision is undone. By hand, they are what `manual_backward` is given. The watcher's state is in
    the checkpoints, and a run that is resumed goes on with it.

    Args:
        monitor: The logged metric that is the validation loss.
        settings: Arguments of `rightrate.watch`.

    Attributes:
        watch: The watcher, from the beginning of training on; a `rightrate.watch.Watch`.

    Raises:
        ConfigError: If `rightrate.watch` does not take the settings.

    Example:
        trainer = Trainer(callbacks=[WatchCallback(mode="act", chance_loss=2.3)])
    """

    def __init__(self, *, monitor: str = "val_loss", **settings: Any) -> None:
        super().__init__()
        self._monitor = monitor
        self._attached = Attached("WatchCallback", settings)

    @property
    def watch(self) -> Any:
        """The watcher, from the beginning of training on."""
        return self._attached.watch

    @property
    def notes(self) -> list[Any]:
        """What failed in the callback or in the watcher, each kind once."""
        return self._attached.notes

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Start the watcher."""
        self._attached.guarded(self._start, trainer, pl_module)

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        """Take the loss of a batch."""
        self._attached.guarded(self._observe, trainer, pl_module, loss)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Skip the step if the watcher wants it: Lightning makes gradients inside of the optimizer's step."""
        self._attached.guarded(self._gradients_are_there, optimizer)

    def on_train_batch_end(self, trainer: Any, *arguments: Any) -> None:
        """End the run if the watcher wants it."""
        if self._attached.should_stop:
            trainer.should_stop = True

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Take the validation loss."""
        if not trainer.sanity_checking:
            self._attached.guarded(self._attached.validate, trainer.callback_metrics.get(self._monitor))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Close the watcher."""
        self._attached.guarded(self._attached.close)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Close the watcher."""
        self._attached.guarded(self._attached.close)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, for the checkpoint."""
        return self._attached.guarded(self._attached.state_dict) or {}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from the state in a checkpoint."""
        self._attached.load_state_dict(state_dict)

    def _start(self, trainer: Any, module: Any) -> None:
        total = trainer.estimated_stepping_batches
        steps = int(total) if 0 < total < math.inf else None
        self._attached.start(trainer.optimizers, model=module, total_steps=steps)

    def _gradients_are_there(self, optimizer: Any) -> None:
        if self._attached.watch is not None:
            self._attached.watch.gradients_are_there(optimizer)

    def _observe(self, trainer: Any, module: Any, loss: Any) -> None:
        divided = trainer.accumulate_grad_batches if module.automatic_optimization else 1
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        scale = 1.0 if scaler is None else scaler.get_scale()
        self._attached.observe(loss.detach() * (divided / scale))
