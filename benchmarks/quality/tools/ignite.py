"""ignite: `FastaiLRFinder`.

Every argument of `attach` and of `run` is its default: from the optimizer's rate to 10 over one epoch,
stopped when the smoothed loss exceeds five times its lowest. The optimizer's rate is the 1e-6 of ignite's own
guide to the finder. Where the loss is lowest before the third step, as it must be where an epoch is one
batch, it raises an error instead of suggesting a rate.
"""

from collections.abc import Sequence

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools._range import asked, quiet
from benchmarks.quality.tools.tool import FIVE, Plain, plain

__all__ = ["Ignite"]

_START = 1e-6


class Ignite:
    """The suggestion of `FastaiLRFinder.lr_suggestion`."""

    rows = ("ignite",)
    seeds = FIVE
    package = "pytorch-ignite"

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the one answer."""
        with quiet():
            import ignite.handlers  # noqa: F401 - so that the first answer does not pay for it
        prepared = plain(case, seed)
        outcome = asked(lambda: _suggestion(prepared), seed)
        return [outcome.answer(self.rows[0], case, seed, outcome.value)]


def _suggestion(prepared: Plain) -> float:
    from ignite.engine import create_supervised_trainer
    from ignite.handlers import FastaiLRFinder

    optimizer = prepared.optimizer(_START)
    trainer = create_supervised_trainer(prepared.model, optimizer, prepared.loss)
    finder = FastaiLRFinder()
    with finder.attach(trainer, to_save={"model": prepared.model, "optimizer": optimizer}) as attached:
        attached.run(prepared.train)
    return finder.lr_suggestion()
