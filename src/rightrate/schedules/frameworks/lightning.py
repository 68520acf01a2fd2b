"""A schedule in Lightning."""

from typing import Any

from torch.optim import Optimizer

from rightrate.schedules.base import Schedule
from rightrate.schedules.frameworks.torch import ScheduledLR

__all__ = ["in_lightning"]


def in_lightning(schedule: Schedule, optimizer: Optimizer) -> dict[str, Any]:
    """Return what `configure_optimizers` of a `LightningModule` returns.

    A scheduler that is returned without its dict is stepped by Lightning once an epoch; this one is stepped
    after every optimizer update, whatever `accumulate_grad_batches` is, so `total_steps` is
    `self.trainer.estimated_stepping_batches`. Checkpoints hold its state, and `fit(ckpt_path=...)` continues
    exactly.

    Args:
        schedule: Where the rates come from.
        optimizer: A torch optimizer of the module's parameters.

    Raises:
        ConfigError: As for `schedule.torch(optimizer)`.

    Example:
        >>> import torch
        >>> from rightrate.schedules import Linear
        >>> optimizer = torch.optim.AdamW([torch.zeros(2, requires_grad=True)], lr=1.0)
        >>> made = in_lightning(Linear(peak=3e-4, total_steps=1000), optimizer)
        >>> sorted(made), made["lr_scheduler"]["interval"], made["lr_scheduler"]["frequency"]
        (['lr_scheduler', 'optimizer'], 'step', 1)
    """
    scheduler = ScheduledLR(optimizer, schedule)
    return {
        "optimizer": optimizer,
        "lr_scheduler": {"scheduler": scheduler, "interval": "step", "frequency": 1},
    }
