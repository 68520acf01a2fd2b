"""The watcher: it sits in a training loop, sees losses and steps, and says what is wrong."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.optim import Optimizer

from rightrate.errors import ConfigError, describe
from rightrate.store import Study
from rightrate.watch.acts import Act, TrainingStoppedError
from rightrate.watch.answers import Answers
from rightrate.watch.curvature import curvature_of
from rightrate.watch.feed import Feed
from rightrate.watch.finding import Finding
from rightrate.watch.guard import Guard
from rightrate.watch.hooks import Hooks
from rightrate.watch.ladder import order_for
from rightrate.watch.mender import Mender
from rightrate.watch.rates import Rates
from rightrate.watch.rows import Row
from rightrate.watch.sampler import Sampler
from rightrate.watch.schedulers import strangers_of
from rightrate.watch.settings import Settings
from rightrate.watch.shelf import Shelf
from rightrate.watch.sinks import Sink, StoreSink
from rightrate.watch.snapshot import Restorable, Run
from rightrate.watch.stepping import Stepping
from rightrate.watch.viewing import opened

__all__ = ["Watch"]

_FAR_BEHIND = 64


class Watch(Answers):
    """Watches a training run; made by `rightrate.watch`, and used as a context manager.

    Nothing it does raises into training: what fails inside is noted once, in `notes` and in the log
    `rightrate.watch`. In `observe` and `advise`, and in `act` as long as there is nothing to mend, the
    weights are bit for bit those of the bare loop. Random states are untouched, but by a roll-back.

    Args:
        optimizers: The optimizers whose steps are counted; none where `record` is used.
        settings: What was asked.
        model: The model, so that roll-backs include its buffers.
        sinks: Where findings, acts and curves go besides.
        store: A file in which the run is written down as it goes on; None writes nothing.
    """

    def __init__(
        self,
        optimizers: Sequence[Optimizer],
        settings: Settings,
        *,
        model: nn.Module | None = None,
        sinks: Sequence[Sink] = (),
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        self._optimizers = tuple(optimizers)
        self.settings = settings = settings.decided_for(self._optimizers)
        self._model = model
        self._feed = Feed(settings, sinks, self._seen, lambda: self._stepping.around(model))
        self._faults = self._feed.faults
        self._rates = Rates()
        self._guard = Guard(settings.chance_loss, adversarial=bool(settings.adversarial))
        self._scheduled: Callable[[], bool] = self._has_scheduler
        self._mender: Mender | None = self._mender_of(self._run) if self._optimizers else None
        self._curvature = curvature_of(settings.measure.curvature, model)
        sampler = Sampler(settings.measure.gradients_every or 0, self._curvature)
        self._stepping = Stepping(self._optimizers, self._rates, sampler, self._mender, self._faults)
        self._raises = settings.acting.stop == "raise"
        self._hooks: Hooks | None = None
        self._store = store
        self._study: Study | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        """Hook into the optimizers, and begin a study in the store.

        Raises:
            ConfigError: If another watcher is there, and one of them acts.
            StoreError: If the store cannot be used, or `Acting(keep=...)` is no folder to write to.
        """
        if self._hooks is None:
            acts = self.settings.mode == "act"
            hooks = Hooks(self._optimizers, self._stepping.before, self._stepping.after, alone=acts)
            try:
                self._begin()
            except BaseException:
                hooks.remove()
                raise
            self._guarded("looking for other optimizers' schedulers", self._look, sys._getframe(1))
            self._guarded("looking for schedulers", self._stepping.look)
            self._hooks = hooks
        return self

    def _begin(self) -> None:
        if self._mender is not None:
            self._mender.prepare()
        if self._store is not None:
            self._study = self._opened.enter_context(opened(self._store, self.settings))
            self._feed.add_sink(StoreSink(self._study.append))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Look at what is left, hand it on, and take the hooks out; a second time does nothing."""
        if self._hooks is not None:
            self._hooks.remove()
            self._hooks = None
        for optimizer in self._optimizers:
            self._guarded("taking the rate back", self._rates.take_back, optimizer)
        self._guarded("the last rows", self._advance, True)
        self._guarded("closing", self._feed.close)
        if self._mender is not None:
            self._guarded("letting go of snapshots", self._mender.close)
        study, self._study = self._study, None
        if study is not None:
            self._guarded("the record in the store", lambda: study.finish(self.view().to_dict()))
        self._guarded("closing the store", self._opened.close)

    # What a loop calls

    def observe(self, loss: object) -> None:
        """Take the loss of a step: a tensor of one number, or a number.

        A tensor on a device is not waited for. With accumulated batches, observe each one's own loss, not
        divided; their mean counts. It may stand before or after the optimizer's step.

        Raises:
            TrainingStoppedError: If the run is to stop and `Acting(stop="raise")` asks for the exception.
        """
        try:
            if self._stepping.rows.observe(loss):
                self._advance()
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "observe", error)
        if self._raises and self.should_stop:
            raise TrainingStoppedError(f"Training stopped at step {self.step:,}: {self.stop_reason}.")

    def validate(self, value: object) -> None:
        """Take a validation loss of the weights as they are now."""
        try:
            number = value.detach() if isinstance(value, Tensor) else value
            self._feed.validated(self.step, float(number))  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "validate", error)

    def record(self, *, step: int, loss: float, lr: float | Sequence[float]) -> None:
        """Take one step of a framework that has no optimizer of torch.

        Args:
            step: The step, 0-based; larger each time.
            loss: Its training loss.
            lr: The rate that was applied, or those of all groups.
        """
        try:
            rates = (float(lr),) if isinstance(lr, (int, float)) else tuple(map(float, lr))
            self._stepping.start_from(int(step) + 1)
            self._feed.take([(Row(int(step), rates), float(loss))])
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, "record", error)

    def mends(self, run: Restorable, scheduled: Callable[[], bool]) -> Mender | None:
        """Let `act` mend what a framework without an optimizer of torch trains; `record` tells of its steps.

        The framework's adapter calls `carry_out` of what is returned before each step and `after_step` after
        it, and multiplies the rate by `multiplier`.

        Args:
            run: What trains.
            scheduled: Returns whether a schedule sets the rate.

        Returns:
            The one that mends, or None where the mode is another one.
        """
        self._scheduled = scheduled
        self._mender = self._mender_of(lambda: run)
        return self._mender

    def gradients_are_there(self, optimizer: Optimizer) -> None:
        """Let `act` skip a step whose closure has just made its gradients; call it at the closure's end."""
        self._guarded("acting inside a step", self._stepping.gradients_are_there, optimizer)

    # What people do

    def undo(self) -> Act | None:
        """Undo the latest act, and return what was done; None where nothing can be undone.

        A roll-back is undone to the weights before it (the latest one only), a cut to the rate before it, a
        stop to going on; the latest step that was skipped is taken with the gradient it had, if it is finite.
        """
        return None if self._mender is None else self._mender.undo(self.step)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs to go on with, as plain JSON data."""
        self._guarded("the block before a state", self._advance, True)
        return {
            "step": self.step,
            "multiplier": self._rates.multiplier,
            "feed": self._feed.state_dict(),
            "guard": self._guard.state_dict(),
            "mender": None if self._mender is None else self._mender.state_dict(),
            "edits": self._stepping.editors.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state: the same multiplier of the rate, counts, curves, findings and acts.

        Raises:
            ConfigError: If it is not the state of a watcher.
        """
        missing = {"step", "multiplier", "feed", "guard", "mender"} - set(state)
        if missing:
            allowed = "what state_dict() returned"
            raise ConfigError(describe("Watch.load_state_dict(state)", allowed, sorted(state)))
        self._stepping.start_from(int(state["step"]))
        self._rates.multiplier = float(state["multiplier"])
        self._feed.load_state_dict(state["feed"])
        self._guard.load_state_dict(state["guard"])
        self._stepping.editors.load_state_dict(state.get("edits", []))
        if self._mender is not None and state["mender"] is not None:
            self._mender.load_state_dict(state["mender"])

    # What happens inside

    def _advance(self, wait: bool = False) -> None:
        """Take the rows that are complete; wait for their numbers at the end, or where a device lags far."""
        rows = self._stepping.rows
        found = rows.take()
        if wait or len(rows) >= _FAR_BEHIND:
            found += rows.drain()
        self._feed.take([(row, row.loss()) for row in found if row.losses])
        if wait:
            self._feed.look()

    def _catch_up(self) -> None:
        self._guarded("the rows before a view", self._advance, True)

    def _look(self, frame: FrameType) -> None:
        """Look for schedulers that set another optimizer's rate, maybe by mistake."""
        for optimizer in self._optimizers[:1]:
            self._stepping.strangers = strangers_of(optimizer, frame)

    def _seen(self, block: Sequence[tuple[Row, float]], findings: Sequence[Finding]) -> None:
        if self._mender is not None:
            order = self._guard.look(block) or order_for(findings, scheduled=self._scheduled())
            if order is not None:
                self._mender.order(order)

    def _has_scheduler(self) -> bool:
        return bool(self._stepping.editors.schedulers)

    def _mender_of(self, run: Callable[[], Restorable]) -> Mender | None:
        if self.settings.mode != "act":
            return None
        acting = self.settings.acting
        shelf = Shelf(self.settings.snapshot_steps, acting.keep)
        return Mender(run, self._rates, acting, shelf, self._acted)

    def _run(self) -> Run:
        editors = self._stepping.editors
        for optimizer in self._optimizers:
            editors.look(optimizer)
        return Run(optimizers=self._optimizers, model=self._model, schedulers=tuple(editors.schedulers))

    def _acted(self, act: Act) -> None:
        if "weights of step" in act.after:
            rows = self._stepping.rows.drain()
            self._feed.forget([(row, row.loss()) for row in rows if row.losses])
            self._guard.again()
            self._stepping.editors.forget()
        self._feed.tell("act", {**act.to_dict(), "text": act.text})

    def _guarded(self, place: str, do: Callable[..., object], *arguments: object) -> None:
        try:
            do(*arguments)
        except Exception as error:  # noqa: BLE001 - nothing of the watcher may stop training
            self._faults.failed(self.step, place, error)
