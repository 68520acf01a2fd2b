"""torch-lr-finder: `LRFinder`, as in the first example of its README.

1e-7 to 100 in 100 steps, stopped when the smoothed loss exceeds five times its lowest; the suggestion is what
its plot marks, the steepest point. The plot is drawn on a figure that nobody sees.
"""

from collections.abc import Sequence

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools._range import asked, quiet
from benchmarks.quality.tools.tool import FIVE, Plain, plain

__all__ = ["TorchLRFinder"]

_START, _END, _STEPS = 1e-7, 100, 100


class TorchLRFinder:
    """The suggestion of `LRFinder.plot` after `LRFinder.range_test`."""

    rows = ("torch-lr-finder",)
    seeds = FIVE
    package = "torch-lr-finder"

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the one answer."""
        with quiet():
            import torch_lr_finder  # noqa: F401 - so that the first answer does not pay for it
        prepared = plain(case, seed)
        outcome = asked(lambda: _suggestion(prepared), seed)
        return [outcome.answer(self.rows[0], case, seed, outcome.value)]


def _suggestion(prepared: Plain) -> float:
    from matplotlib.figure import Figure
    from torch_lr_finder import LRFinder

    finder = LRFinder(prepared.model, prepared.optimizer(_START), prepared.loss)
    finder.range_test(prepared.train, end_lr=_END, num_iter=_STEPS)
    _, lr = finder.plot(ax=Figure().subplots())
    return lr
