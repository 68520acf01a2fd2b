"""Lightning: `Tuner.lr_find`.

Its defaults: 1e-8 to 1 in 100 steps, stopped when the smoothed loss exceeds four times its lowest.
The trainer's loggers, checkpoints, progress bar and summary are off; none of them bears on the answer.
"""

import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.quality.answers import Answer
from benchmarks.quality.cases import Case
from benchmarks.quality.tools._range import asked, quiet
from benchmarks.quality.tools.tool import FIVE, Plain, plain

__all__ = ["Lightning"]


class Lightning:
    """The suggestion of `Tuner.lr_find`; where it gives None, the answer has no rate."""

    rows = ("Lightning",)
    seeds = FIVE
    package = "pytorch-lightning"

    def answers(self, case: Case, seed: int) -> Sequence[Answer]:
        """Return the one answer."""
        with quiet():
            import pytorch_lightning.tuner  # noqa: F401 - so that the first answer does not pay for it
        prepared = plain(case, seed)
        outcome = asked(lambda: _lr_find(prepared), seed)
        return [outcome.answer(self.rows[0], case, seed, outcome.value)]


def _module(prepared: Plain) -> Any:
    from pytorch_lightning import LightningModule

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = prepared.model
            self.lr = prepared.default_lr

        def training_step(self, batch: Any, index: int) -> Any:
            inputs, targets = batch
            return prepared.loss(self.model(inputs), targets)

        def configure_optimizers(self) -> Any:
            return prepared.optimizer(self.lr)

    return Module()


def _lr_find(prepared: Plain) -> float | None:
    from pytorch_lightning import Trainer
    from pytorch_lightning.tuner import Tuner

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        finder = Tuner(trainer).lr_find(_module(prepared), train_dataloaders=prepared.train)
        return None if finder is None else finder.suggestion()
