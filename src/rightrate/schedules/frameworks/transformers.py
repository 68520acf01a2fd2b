"""A schedule in the Trainer of Hugging Face's transformers."""

from torch.optim import Optimizer

from rightrate.schedules.base import Schedule
from rightrate.schedules.frameworks.torch import ScheduledLR

__all__ = ["in_transformers"]


def in_transformers(schedule: Schedule, optimizer: Optimizer) -> tuple[Optimizer, ScheduledLR]:
    """Return what `Trainer(optimizers=...)` takes: the optimizer and its scheduler.

    The Trainer makes one step of the schedule an optimizer update, whatever `gradient_accumulation_steps`
    is, so `total_steps` is its `max_steps`. It saves the scheduler's state in its checkpoints, and
    `train(resume_from_checkpoint=...)` continues exactly. Its own schedules differ:
    `get_cosine_schedule_with_warmup` and its kin start the warm-up at a rate of 0, so that the first update
    is lost.

    Args:
        schedule: Where the rates come from.
        optimizer: A torch optimizer of the model's parameters.

    Raises:
        ConfigError: As for `schedule.torch(optimizer)`.

    Example:
        >>> import torch
        >>> from rightrate.schedules import Linear
        >>> optimizer = torch.optim.AdamW([torch.zeros(2, requires_grad=True)], lr=1.0)
        >>> both = in_transformers(Linear(peak=3e-4, total_steps=1000), optimizer)
        >>> both[0] is optimizer, both[1].get_last_lr()  # trainer = Trainer(..., optimizers=both)
        (True, [0.0003])
    """
    return optimizer, ScheduledLR(optimizer, schedule)
