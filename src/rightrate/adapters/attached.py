"""A watcher that comes and goes with the training of a framework."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.optim import Optimizer

from rightrate.errors import ConfigError, describe
from rightrate.watch import Watch, watch
from rightrate.watch.faults import Faults, Note

__all__ = ["Attached"]


class Attached:
    """What all callbacks have in common: one watcher for a training run, started and closed by the framework.

    Nothing here raises once training has begun: what fails is noted once.

    Args:
        where: The callback, for messages.
        settings: Arguments of `rightrate.watch`, but for the optimizer and the model.

    Raises:
        ConfigError: If there is no such argument, or a value is outside its domain.
    """

    def __init__(self, where: str, settings: Mapping[str, Any]) -> None:
        known = [name for name in inspect.signature(watch).parameters if name not in ("optimizer", "model")]
        for name in settings:
            if name not in known:
                raise ConfigError(describe(f"{where}(...)", f"given arguments among {known}", name))
        watch(None, **{**settings, "console": False}).close()
        self._settings = dict(settings)
        self._faults = Faults()
        self._saved: Mapping[str, Any] | None = None
        self.watch: Watch | None = None

    @property
    def notes(self) -> list[Note]:
        """What failed in the callback or in its watcher, each kind once."""
        return [*self._faults.notes, *(() if self.watch is None else self.watch.notes)]

    def start(
        self,
        optimizers: Sequence[Optimizer] | None,
        *,
        model: Any = None,
        total_steps: int | None = None,
        prepare: Callable[[Watch], object] | None = None,
    ) -> None:
        """Begin to watch, from the state that was loaded or that the training before ended with.

        Args:
            optimizers: Optimizers of torch, or None.
            model: The model, if it is one of torch.
            total_steps: The length of the training, if it is known.
            prepare: Called with the watcher before it gets its state.
        """
        self.close()
        given = {"total_steps": total_steps, **self._settings}
        new = watch(None if optimizers is None else list(optimizers), model=model, **given)
        if prepare is not None:
            prepare(new)
        if self._saved is not None:
            new.load_state_dict(self._saved)
        self.watch = new.__enter__()

    def observe(self, loss: Any) -> None:
        """Take the loss of a batch."""
        if self.watch is not None:
            self.watch.observe(loss)

    def validate(self, value: Any) -> None:
        """Take a validation loss, if there is one."""
        if self.watch is not None and value is not None:
            self.watch.validate(value)

    @property
    def should_stop(self) -> bool:
        """Whether the watcher wants the run to end."""
        return bool(self.guarded(lambda: self.watch is not None and self.watch.should_stop))

    def close(self) -> None:
        """Stop watching; findings, and the state for a training that goes on, stay."""
        if self.watch is not None:
            self.watch.close()
            self._saved = self.watch.state_dict()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as plain JSON data; empty before the first training."""
        if self.watch is not None:
            return self.watch.state_dict()
        return dict(self._saved or {})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state when training begins."""
        self._saved = dict(state) or None

    def note(self, place: str, text: str) -> None:
        """Say once what the callback cannot do."""
        self._faults.say(0, place, text)

    def guarded(self, do: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns; if it fails, note it and return None."""
        try:
            return do(*arguments)
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            step = 0 if self.watch is None else self.watch.step
            self._faults.failed(step, str(getattr(do, "__qualname__", do)), error)
            return None
