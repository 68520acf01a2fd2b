"""What the learning-rate range tests share: asked quietly, their steps counted where torch takes them."""

import contextlib
import functools
import io
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools.tool import measured

__all__ = ["Outcome", "asked", "quiet"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one range test did.

    Args:
        value: What the package answered, None where it crashed.
        steps: Optimizer steps it took, counted by torch itself; fewer than planned where it stopped early.
        seconds: CPU time of it.
        note: The exception it died of, or "".
    """

    value: Any
    steps: int
    seconds: float
    note: str

    def answer(self, row: str, case: Case, seed: int, lr: float | None, note: str = "") -> Answer:
        """Return a rate as an answer of the row; one that no optimizer could take counts as none."""
        note = self.note or note
        if not note and lr is None:
            note = "no suggestion"
        if lr is not None and not (math.isfinite(lr) and lr > 0):
            lr, note = None, note or f"suggested {lr}"
        return Answer(
            tool=row,
            case=case,
            seed=seed,
            lr=None if lr is None else float(lr),
            steps=self.steps,
            seconds=self.seconds,
            note=note,
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what a package prints, warns of and logs from the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@functools.cache
def _warm() -> None:
    # torch imports its compiler, two CPU seconds, with the first optimizer of a process: no answer's cost.
    torch.optim.SGD([torch.zeros(1, requires_grad=True)])


def asked(question: Callable[[], Any], seed: int) -> Outcome:
    """Ask a package, with torch's generator seeded."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    _warm()
    torch.manual_seed(seed)
    hook = register_optimizer_step_post_hook(count)
    try:
        with quiet():
            value, seconds, note = measured(question)
    finally:
        hook.remove()
    return Outcome(value=value, steps=steps, seconds=seconds, note=note)
