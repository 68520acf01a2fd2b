"""A watched run as plain data, for reports and for a store."""

import math
import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer

from rightrate.report.watch_view import WatchView
from rightrate.store import Study, open_study
from rightrate.watch.history import Curve
from rightrate.watch.log import RunLog
from rightrate.watch.settings import Settings

if TYPE_CHECKING:
    from rightrate.watch.answers import Answers

__all__ = ["opened", "view_of"]


def view_of(watch: "Answers", log: RunLog, optimizers: tuple[Optimizer, ...]) -> WatchView:
    """Return what a watcher knows, as plain data."""
    settings = watch.settings
    return WatchView(
        about={
            "name": settings.name,
            "mode": settings.mode,
            "optimizer": ", ".join(type(optimizer).__name__ for optimizer in optimizers),
            "total_steps": settings.total_steps,
            "chance_loss": settings.chance_loss,
            "step": watch.step,
            "lr": watch.lr,
            "multiplier": watch.multiplier,
            "stop_reason": watch.stop_reason,
            "extra_forwards": watch.extra[0],
            "extra_seconds": watch.extra[1],
        },
        curves={name: _points(curve) for name, curve in log.curves.items()},
        findings=[finding.to_dict() for finding in watch.findings],
        acts=[{**act.to_dict(), "text": act.text} for act in watch.acts],
        edits=[
            {"step": edit.step, "who": edit.who, "before": edit.before, "after": edit.after}
            for edit in watch.edits
        ],
        notes=[{"step": note.step, "text": f"{note.place}: {note.text}"} for note in watch.notes],
    )


def opened(store: str | os.PathLike[str], settings: Settings) -> AbstractContextManager[Study]:
    """Return a new study of a store, to be entered."""
    return open_study(
        store,
        kind="watch",
        name=settings.name,
        settings={
            "mode": settings.mode,
            "total_steps": settings.total_steps,
            "chance_loss": settings.chance_loss,
        },
        fingerprint={},
        fresh=True,
    )


def _points(curve: Curve) -> list[dict[str, Any]]:
    return [
        {"step": p.step, "mean": _finite(p.mean), "low": _finite(p.low), "high": _finite(p.high)}
        for p in curve.points()
    ]


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
