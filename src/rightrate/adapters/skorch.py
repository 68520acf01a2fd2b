"""The watcher as a callback of skorch."""

from collections.abc import Mapping
from typing import Any

from rightrate.adapters.attached import Attached
from rightrate.schedules.frameworks.table import needed

__all__ = ["WatchCallback"]

_Callback: Any = needed("skorch.callbacks", "pip install skorch", of="WatchCallback").Callback


class WatchCallback(_Callback):  # type: ignore[misc]
    """Watches the training of a net of skorch.

    `partial_fit` goes on with the same watcher, and so does a net that was pickled. A run that is to end is
    stopped as skorch's own callbacks do it, by the `KeyboardInterrupt` that `fit` takes for an end.

    Args:
        settings: Arguments of `rightrate.watch`.

    Attributes:
        watch: The watcher, from the beginning of training on; a `rightrate.watch.Watch`.

    Raises:
        ConfigError: If `rightrate.watch` does not take the settings.

    Example:
        NeuralNetClassifier(Net, callbacks=[("watch", WatchCallback(mode="observe"))])
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self._attached = Attached("WatchCallback", settings)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings, so that the net can be cloned."""
        return dict(self.settings)

    @property
    def watch(self) -> Any:
        """The watcher, from the beginning of training on."""
        return self._attached.watch

    @property
    def notes(self) -> list[Any]:
        """What failed in the callback or in the watcher, each kind once."""
        return self._attached.notes

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **given: Any) -> None:
        """Start the watcher."""
        self._attached.guarded(self._start, net)

    def on_batch_end(self, net: Any, batch: Any = None, training: Any = None, **given: Any) -> None:
        """Take the loss of a batch, and end the run if the watcher wants it."""
        if not training:
            return
        self._attached.guarded(self._attached.observe, given.get("loss"))
        if self._attached.should_stop:
            raise KeyboardInterrupt

    def on_epoch_end(
        self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **given: Any
    ) -> None:
        """Take the validation loss."""
        if dataset_valid is not None:
            self._attached.guarded(lambda: self._attached.validate(net.history[-1, "valid_loss"]))

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **given: Any) -> None:
        """Close the watcher."""
        self._attached.guarded(self._attached.close)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as plain JSON data."""
        return self._attached.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state at the next training."""
        self._attached.load_state_dict(state)

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self.settings, "state": self._attached.state_dict()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.settings = state["settings"]
        self._attached = Attached("WatchCallback", self.settings)
        self._attached.load_state_dict(state["state"])

    def _start(self, net: Any) -> None:
        self._attached.start([net.optimizer_], model=net.module_)
