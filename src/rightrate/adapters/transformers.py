"""The watcher as a callback of Hugging Face's Trainer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rightrate.adapters.attached import Attached
from rightrate.schedules.frameworks.table import needed

__all__ = ["WatchCallback"]

_FILE = "rightrate_watch.json"
_Callback: Any = needed("transformers", "pip install transformers", of="WatchCallback").TrainerCallback


class WatchCallback(_Callback):  # type: ignore[misc]
    """Watches a run of a `Trainer`.

    A Trainer tells its callbacks only losses that were averaged and rounded for the log, so this one takes
    what `training_step` returns: its sum over accumulated batches is the loss of the step. The watcher's
    state is in each checkpoint, as `rightrate_watch.json`; a run that is resumed from one in `output_dir`
    goes on with it.

    Args:
        trainer: The Trainer that the callback is added to.
        settings: Arguments of `rightrate.watch`.

    Attributes:
        watch: The watcher, from the beginning of training on; a `rightrate.watch.Watch`.

    Raises:
        ConfigError: If `rightrate.watch` does not take the settings.

    Example:
        trainer.add_callback(WatchCallback(trainer, mode="advise"))
    """

    def __init__(self, trainer: Any, **settings: Any) -> None:
        self._trainer = trainer
        self._attached = Attached("WatchCallback", settings)
        self._losses: list[Any] = []

    @property
    def watch(self) -> Any:
        """The watcher, from the beginning of training on."""
        return self._attached.watch

    @property
    def notes(self) -> list[Any]:
        """What failed in the callback or in the watcher, each kind once."""
        return self._attached.notes

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Start the watcher."""
        self._attached.guarded(self._start, args, state, given)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Take the loss of the step."""
        self._attached.guarded(self._observe)

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> Any:
        """End the run if the watcher wants it."""
        if self._attached.should_stop:
            control.should_training_stop = True
        return control

    def on_evaluate(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Take the validation loss."""
        value = (given.get("metrics") or {}).get("eval_loss")
        self._attached.guarded(self._attached.validate, value)

    def on_save(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Save the state of the watcher beside the model."""
        self._attached.guarded(self._save, args, state)

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Close the watcher."""
        vars(self._trainer).pop("training_step", None)
        self._attached.guarded(self._attached.close)

    def _start(self, args: Any, state: Any, given: Any) -> None:
        path = _folder(args, state) / _FILE
        if state.global_step and path.is_file():
            self._attached.load_state_dict(json.loads(path.read_text(encoding="utf-8")))
        self._losses = []
        vars(self._trainer).pop("training_step", None)  # of a training that was broken off
        self._trainer.training_step = _listening(self._trainer.training_step, self._losses.append)
        optimizer = given["optimizer"]
        steps = state.max_steps if state.max_steps > 0 else None
        plain = getattr(optimizer, "optimizer", optimizer)  # Accelerate has put its own around it
        self._attached.start([plain], model=given.get("model"), total_steps=steps)

    def _observe(self) -> None:
        losses, self._losses[:] = list(self._losses), []
        if losses:
            self._attached.observe(sum(losses[1:], losses[0]))

    def _save(self, args: Any, state: Any) -> None:
        folder = _folder(args, state)
        if folder.is_dir():
            (folder / _FILE).write_text(json.dumps(self._attached.state_dict()), encoding="utf-8")


def _folder(args: Any, state: Any) -> Path:
    """Return where the Trainer keeps the checkpoint of this step."""
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _listening(training_step: Callable[..., Any], listen: Callable[[Any], object]) -> Callable[..., Any]:
    def step(*arguments: Any, **given: Any) -> Any:
        loss = training_step(*arguments, **given)
        listen(loss)
        return loss

    return step
