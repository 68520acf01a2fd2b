"""The watcher as a callback of Keras, on any of its backends."""

from collections.abc import Mapping
from typing import Any

from rightrate.adapters.attached import Attached
from rightrate.adapters.keras_model import KerasRates, KerasRun, number
from rightrate.schedules.frameworks.table import needed

__all__ = ["WatchCallback"]

_keras = needed("keras", "pip install keras", of="WatchCallback")
_Callback: Any = _keras.callbacks.Callback


class WatchCallback(_Callback):  # type: ignore[misc]
    """Watches `model.fit` on the TensorFlow, JAX and PyTorch backends.

    Keras tells its callbacks the mean loss of the epoch so far; the loss of a batch is got back from the
    sums behind that mean. The rate is read from the model's own optimizer before each step.

    With `mode="act"` the watcher rolls back, lowers the rate and stops. It cannot skip steps, because Keras
    compiles gradients and update into one. Put it last in the list of callbacks, so that a rate
    that another one sets at the beginning of a batch is multiplied too.

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
        self._rates = KerasRates()
        self._mender: Any = None
        self._run: Any = None
        self._sums = (0.0, 0.0)
        self._ahead = 0
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
        """Do what the watcher wants done, and read the step and the rate."""
        self._attached.guarded(self._mend)
        self._attached.guarded(self._read_rate)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take the step, and end the run if the watcher wants it."""
        self._attached.guarded(self._rates.take_back, self.model)
        self._attached.guarded(self._take)
        if self._attached.should_stop:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take the validation loss."""
        self._attached.guarded(self._attached.validate, (logs or {}).get("val_loss"))

    def on_train_end(self, logs: Any = None) -> None:
        """Close the watcher."""
        self._attached.guarded(self._rates.close, self.model)
        self._attached.guarded(self._attached.close)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as plain JSON data; save it beside the model."""
        return self._attached.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state at the next training."""
        self._attached.load_state_dict(state)

    def _start(self) -> None:
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        self._rates.close(self.model)
        done = self._iterations()
        total = done + steps * epochs if steps and epochs else None
        self._attached.start(None, total_steps=total, prepare=self._prepare)
        self._ahead = max(0, self.watch.step - done)
        if self._mender is not None and self.watch.settings.acting.skip_steps:
            text = "Keras compiles gradients and update into one; no step is skipped"
            self._attached.note("skip_steps", text)

    def _prepare(self, watcher: Any) -> None:
        self._run = KerasRun(lambda: self.model)
        self._mender = watcher.mends(self._run, lambda: self._rates.scheduled(self.model))

    def _iterations(self) -> int:
        return int(number(self.model.optimizer.iterations))

    def _mend(self) -> None:
        """Carry out what was ordered; the watcher's steps go on where the optimizer's go back."""
        if self._mender is None or not self._run.ready():
            return
        step = self._iterations() + self._ahead
        if self._mender.carry_out(step):
            self._ahead = step - self._iterations()
            self._sums = (0.0, 0.0)

    def _read_rate(self) -> None:
        self._step = self._iterations() + self._ahead
        self._rate = self._rates.apply(self.model, self.watch.multiplier)

    def _take(self) -> None:
        tracker = self.model._loss_tracker
        sums = number(tracker.total), number(tracker.count)
        total, count = (now - before for now, before in zip(sums, self._sums, strict=True))
        self._sums = sums
        watcher = self._attached.watch
        if watcher is not None and count > 0:
            # With `steps_per_execution` a batch of Keras is several steps; their mean is the last one's.
            step = max(self._step, self._iterations() + self._ahead - 1)
            watcher.record(step=step, loss=total / count, lr=self._rate)
        if self._mender is not None:
            self._mender.after_step(self._iterations() + self._ahead)
