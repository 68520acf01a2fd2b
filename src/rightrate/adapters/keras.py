"""The watcher as a callback of Keras, on any of its backends."""

from collections.abc import Mapping
from typing import Any

from rightrate.adapters.attached import Attached
from rightrate.schedules.frameworks.table import needed

__all__ = ["WatchCallback"]

_keras = needed("keras", "pip install keras", of="WatchCallback")
_Callback: Any = _keras.callbacks.Callback


class WatchCallback(_Callback):  # type: ignore[misc]
    """Watches `model.fit` on the TensorFlow, JAX and PyTorch backends.

    Keras tells its callbacks the mean loss of the epoch so far; the loss of a batch is got back from the
    sums behind that mean. The rate is read from the model's own optimizer before each step.

    Args:
        settings: Arguments of `rightrate.watch`.

    Attributes:
        watch: The watcher, from the beginning of training on; a `rightrate.watch.Watch`.

    Raises:
        ConfigError: If `rightrate.watch` does not take the settings.

    Example:
        model.fit(x, y, callbacks=[WatchCallback(chance_loss=2.3)])
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self._attached = Attached("WatchCallback", settings)
        self._sums = (0.0, 0.0)
        self._step = 0
        self._rate = float("nan")

    @property
    def watch(self) -> Any:
        """The watcher, from the beginning of training on."""
        return self._attached.watch

    @property
    def notes(self) -> list[Any]:
        """What failed in the callback or in the watcher, each kind once."""
        return self._attached.notes

    def on_train_begin(self, logs: Any = None) -> None:
        """Start the watcher."""
        self._attached.guarded(self._start)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin to sum anew, as Keras does."""
        self._sums = (0.0, 0.0)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Read the step and the rate."""
        self._attached.guarded(self._read_rate)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take the step, and end the run if the watcher wants it."""
        self._attached.guarded(self._take)
        if self._attached.should_stop:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take the validation loss."""
        self._attached.guarded(self._attached.validate, (logs or {}).get("val_loss"))

    def on_train_end(self, logs: Any = None) -> None:
        """Close the watcher."""
        self._attached.guarded(self._attached.close)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as plain JSON data; save it beside the model."""
        return self._attached.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state at the next training."""
        self._attached.load_state_dict(state)

    def _start(self) -> None:
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        done = int(_number(self.model.optimizer.iterations))
        total = done + steps * epochs if steps and epochs else None
        self._attached.start(None, total_steps=total)

    def _read_rate(self) -> None:
        optimizer = self.model.optimizer
        self._step = int(_number(optimizer.iterations))
        self._rate = _number(optimizer.learning_rate)

    def _take(self) -> None:
        tracker = self.model._loss_tracker
        sums = _number(tracker.total), _number(tracker.count)
        total, count = (now - before for now, before in zip(sums, self._sums, strict=True))
        self._sums = sums
        watcher = self._attached.watch
        if watcher is not None and count > 0:
            watcher.record(step=self._step, loss=total / count, lr=self._rate)


def _number(variable: Any) -> float:
    """Return the value of a variable or a tensor of any backend."""
    value = getattr(variable, "value", variable)
    value = value() if callable(value) else value  # a variable of TensorFlow's own
    return float(_keras.ops.convert_to_numpy(value))
