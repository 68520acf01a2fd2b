"""A schedule as a torch learning rate scheduler."""

from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.schedules.base import Schedule

__all__ = ["ScheduledLR"]

_STATE = {"last_epoch", "ratios", "schedule"}


class ScheduledLR(LRScheduler):
    """A torch scheduler that makes the first group's rate `schedule(step)`.

    The rates of all other groups keep their ratio to the first one's: group `g` gets
    `schedule(step) * lr[g] / lr[0]`, with the rates the groups start with (`initial_lr` where an earlier
    scheduler has left one). What the first group starts with does not count otherwise. Rates that are tensors
    (`capturable`) are written in place.

    Call `step()` once after every `optimizer.step()`: an epoch or a micro-batch is no step. The rate after k
    calls is `schedule(k)`, computed from k and never from the rate before it, so that nothing adds up.

    To resume, build it anew from the same schedule and the new optimizer, then `load_state_dict`; whether the
    optimizer's own state is loaded before or after does not matter, as the rates of that step are written
    into the groups. torch's own schedulers leave their first rate there unless the optimizer is loaded last.

    Args:
        optimizer: The optimizer whose rates it sets.
        schedule: Where the rates come from.
        last_epoch: The last step that has been taken, -1 for none: torch's name and meaning. For a run that
            goes on with another schedule.

    Raises:
        ConfigError: If there is no ratio to keep, as the first group's rate is 0 and another's is not.

    Example:
        >>> import torch
        >>> from rightrate.schedules import Linear
        >>> optimizer = torch.optim.SGD([torch.zeros(2, requires_grad=True)], lr=1.0)
        >>> scheduler = ScheduledLR(optimizer, Linear(peak=0.5, total_steps=10))
        >>> for _ in range(5):
        ...     optimizer.step()
        ...     scheduler.step()
        >>> scheduler.get_last_lr(), optimizer.param_groups[0]["lr"]
        ([0.25], 0.25)
    """

    def __init__(self, optimizer: Optimizer, schedule: Schedule, last_epoch: int = -1) -> None:
        received: object = schedule
        if not isinstance(received, Schedule):
            raise ConfigError(describe("ScheduledLR(schedule=...)", "a Schedule", received))
        _check.integer("ScheduledLR(last_epoch=...)", last_epoch, low=-1)
        self.schedule = schedule
        self._ratios = _ratios(optimizer)
        for group in optimizer.param_groups if last_epoch >= 0 else ():
            group.setdefault("initial_lr", group["lr"])
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rate of every group at this step.

        Raises:
            ConfigError: If groups have been added to the optimizer.
        """
        groups = len(self.optimizer.param_groups)
        if groups != len(self._ratios):
            allowed = f"of {len(self._ratios)} parameter groups, as when its scheduler was made"
            advice = f"Make it anew: ScheduledLR(optimizer, schedule, last_epoch={self.last_epoch - 1})."
            raise ConfigError(describe("ScheduledLR.optimizer", allowed, f"{groups} groups", advice))
        rate = self.schedule(self.last_epoch)
        return [rate * ratio for ratio in self._ratios]

    def _get_closed_form_lr(self) -> list[float | Tensor]:
        """Return the rates for torch's deprecated `step(epoch)`, which sets `last_epoch` first."""
        return self.get_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return the step, the ratios and what the schedule prints as: a number, a list and a text."""
        return {
            "last_epoch": self.last_epoch,
            "ratios": list(self._ratios),
            "schedule": repr(self.schedule),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state: the groups have the rates of its step afterwards.

        Raises:
            ConfigError: If it is no state of such a scheduler, or of another schedule, or of an optimizer
                with another number of groups.
        """
        where = "ScheduledLR.load_state_dict(state_dict)"
        given: object = state_dict
        if not isinstance(given, dict) or set(given) != _STATE:
            advice = "Load what state_dict() of a scheduler made by schedule.torch(optimizer) returned."
            received = sorted(map(str, given)) if isinstance(given, dict) else given
            raise ConfigError(describe(where, f"a dict of {sorted(_STATE)}", received, advice))
        if state_dict["schedule"] != repr(self.schedule):
            advice = (
                f"Its schedule is {self.schedule!r}. To go on with another one, pass last_epoch="
                f"{state_dict['last_epoch'] - 1} to ScheduledLR in place of loading a state."
            )
            raise ConfigError(describe(where, "of the same schedule", state_dict["schedule"], advice))
        if len(state_dict["ratios"]) != len(self.optimizer.param_groups):
            allowed = f"of {len(self.optimizer.param_groups)} parameter groups"
            raise ConfigError(describe(where, allowed, state_dict["ratios"]))
        last_epoch = _check.integer(f"{where}: last_epoch", state_dict["last_epoch"], low=0)
        self._ratios = [_check.number(f"{where}: a ratio", item, low=0.0) for item in state_dict["ratios"]]
        self._step_count = last_epoch + 1
        self.last_epoch = last_epoch
        for group, rate in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        groups = self.optimizer.param_groups
        self._last_lr = [_copied(group["lr"]) for group in groups]


def _copied(rate: float | Tensor) -> float | Tensor:
    return rate.clone() if isinstance(rate, Tensor) else rate


def _ratios(optimizer: Optimizer) -> list[float]:
    """Return the rate of every group over that of the first one."""
    received: object = optimizer
    if not isinstance(received, Optimizer):
        raise ConfigError(describe("ScheduledLR(optimizer=...)", "a torch.optim.Optimizer", received))
    rates = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
    if rates[0] == 0 and any(rates):
        advice = "The rates of the other groups keep their ratio to it."
        raise ConfigError(describe("ScheduledLR(optimizer=...): the first group's lr", "> 0", rates, advice))
    return [1.0 if rate == rates[0] else rate / rates[0] for rate in rates]
