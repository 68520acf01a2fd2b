"""What people ask of a watcher."""

import os
from pathlib import Path

from torch import nn
from torch.optim import Optimizer

from rightrate.report.watch_page import save_watch
from rightrate.report.watch_text import watch_summary
from rightrate.report.watch_view import WatchView
from rightrate.watch.acts import Act
from rightrate.watch.curvature import Curvature
from rightrate.watch.editors import Edit
from rightrate.watch.faults import Faults, Note
from rightrate.watch.feed import Feed
from rightrate.watch.finding import Finding
from rightrate.watch.mender import Mender
from rightrate.watch.rates import Rates
from rightrate.watch.settings import Settings
from rightrate.watch.stepping import Stepping
from rightrate.watch.viewing import view_of

__all__ = ["Answers"]


class Answers:
    """The half of a watcher that is read: numbers, findings, acts and reports. `Watch` is the other half."""

    settings: Settings
    _optimizers: tuple[Optimizer, ...]
    _model: nn.Module | None
    _feed: Feed
    _faults: Faults
    _rates: Rates
    _mender: Mender | None
    _curvature: Curvature | None
    _stepping: Stepping

    @property
    def step(self) -> int:
        """The optimizer steps that were applied so far."""
        return self._stepping.step

    @property
    def findings(self) -> list[Finding]:
        """What was found, oldest first."""
        return list(self._feed.judge.findings)

    @property
    def acts(self) -> list[Act]:
        """What was done, oldest first."""
        return [] if self._mender is None else list(self._mender.acts)

    @property
    def notes(self) -> list[Note]:
        """What failed in the watcher itself, each kind once."""
        return list(self._faults.notes)

    @property
    def edits(self) -> list[Edit]:
        """Changes of the rate between steps, and who made them."""
        return list(self._stepping.editors.edits)

    @property
    def multiplier(self) -> float:
        """What the watcher multiplies every rate by at present; 1 where it has not acted."""
        return self._rates.multiplier

    @property
    def lr(self) -> float | None:
        """The rate of the first group that the newest step was taken with; None before the first."""
        live = self._stepping.lr
        return self._feed.log.last_rate if live is None else live

    @property
    def extra(self) -> tuple[int, float]:
        """Forward passes the watcher made besides those of the run, and the seconds they took."""
        return (0, 0.0) if self._curvature is None else (self._curvature.forwards, self._curvature.seconds)

    @property
    def should_stop(self) -> bool:
        """Whether the run should end, because it converged or cannot be rescued; ask it in the loop."""
        return self._mender is not None and bool(self._mender.stopped)

    @property
    def stop_reason(self) -> str:
        """Why the run should end; empty as long as it should not."""
        return "" if self._mender is None else self._mender.stopped

    def view(self) -> WatchView:
        """Return the run so far as plain data, for reports."""
        self._catch_up()
        return view_of(self, self._feed.log, self._optimizers)

    def summary(self) -> str:
        """Return what was seen and done, a few lines for people."""
        return watch_summary(self.view())

    def save_report(self, path: str | os.PathLike[str]) -> Path:
        """Write the run as one HTML page and return its path.

        Raises:
            ConfigError: If the file cannot be written.
        """
        return save_watch(self.view(), path)

    def _catch_up(self) -> None:
        """Take in what arrived by now."""
        raise NotImplementedError
