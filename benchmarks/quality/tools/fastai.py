"""fastai: `Learner.lr_find`, all four of its suggestions from one pass.

Its defaults: 1e-7 to 10 in 100 steps, stopped when the smoothed loss exceeds four times its lowest.
`opt_func` is `OptimWrapper` around the case's own torch optimizer, as fastai documents for optimizers that
are not its own; the data loaders are plain PyTorch ones, as in its guide for people who come from there.
"""

import functools
import math
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools._range import asked, quiet
from benchmarks.quality.tools.tool import FIVE, Plain, measured, plain

__all__ = ["Fastai"]

_SUGGESTIONS = ("valley", "slide", "minimum", "steep")


class Fastai:
    """The four suggestions of `Learner.lr_find`; each row bears the cost of the one pass."""

    rows = tuple(f"fastai {name}" for name in _SUGGESTIONS)
    seeds = FIVE
    package = "fastai"

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return one answer a suggestion; one that crashes leaves the others alone."""
        with quiet():
            from fastai.callback import schedule
        prepared = plain(case, seed)
        notes: dict[str, str] = {}
        suggest = [_guarded(getattr(schedule, name), notes) for name in _SUGGESTIONS]
        outcome = asked(lambda: _lr_find(prepared, suggest), seed)
        found = outcome.value._asdict() if outcome.value else {}
        return [
            outcome.answer(row, case, seed, None if name in notes else found.get(name), notes.get(name, ""))
            for row, name in zip(self.rows, _SUGGESTIONS, strict=True)
        ]


def _lr_find(prepared: Plain, suggest: list[Callable[..., Any]]) -> Any:
    from fastai.callback.progress import ProgressCallback  # noqa: F401 - brings `Learner.no_bar`
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper
    from fastai.torch_core import default_device

    default_device(use=False)
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(
            DataLoaders(prepared.train, prepared.valid),
            prepared.model,
            loss_func=prepared.loss,
            opt_func=functools.partial(OptimWrapper, opt=prepared.optimizer_class, **prepared.options),
            path=folder,
        )
        with learner.no_bar():
            return learner.lr_find(suggest_funcs=suggest, show_plot=False)


def _guarded(suggestion: Callable[..., Any], notes: dict[str, str]) -> Callable[..., Any]:
    @functools.wraps(suggestion)
    def guarded(*args: Any) -> Any:
        value, _, note = measured(lambda: suggestion(*args))
        if note:
            notes[suggestion.__name__] = note
            return math.nan, (math.nan, math.nan)
        return value

    return guarded
