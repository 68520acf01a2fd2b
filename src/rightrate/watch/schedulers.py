"""Torch's schedulers of an optimizer: which there are, and what they tell."""

import functools
import gc
import math
from collections.abc import Sequence
from types import FrameType
from typing import Any

from torch import Tensor
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingLR,
    LambdaLR,
    LRScheduler,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
)

from rightrate.schedules.frameworks.torch import ScheduledLR

__all__ = ["Teller", "length_of", "scaler_lives", "schedulers_of", "strangers_of", "teller_for"]

_LENGTHS: dict[type, str] = {
    CosineAnnealingLR: "T_max",
    OneCycleLR: "total_steps",
    PolynomialLR: "total_iters",
}


class Teller:
    """What one scheduler tells at each step: the rate of the first group, and how often it was stepped.

    Args:
        scheduler: A scheduler of torch.
        stranger: Whether it holds another optimizer. Then it tells no rate until it is stepped: it may belong
            to a part of the run that is over.
    """

    def __init__(self, scheduler: Any, *, stranger: bool = False) -> None:
        self._scheduler = scheduler
        self._counter = _counter(scheduler)
        self.start: int | None = int(self._counter.last_epoch)
        self.length = length_of(scheduler)
        self._quiet_at = self.start if stranger else None

    def now(self) -> tuple[float, int]:
        """Return the rate, NaN where it is not known without making a device wait, and the count."""
        count = int(self._counter.last_epoch)
        if count == self._quiet_at:
            return math.nan, count
        self._quiet_at = None
        rate = self._scheduler._last_lr[0]
        if type(rate) is not float:
            rate = math.nan if isinstance(rate, Tensor) and not rate.is_cpu else float(rate)
        return rate, count


def teller_for(
    optimizer: Optimizer, schedulers: Sequence[Any], strangers: Sequence[LRScheduler]
) -> Teller | None:
    """Return who tells the rate of an optimizer: its only scheduler, or without one the only stranger.

    None where there are several: each of them tells what the others may have changed since.
    """
    own = [one for one in schedulers if getattr(one, "optimizer", None) is optimizer]
    if len(own or strangers) != 1:
        return None
    told = own[0] if own else strangers[0]
    return Teller(told, stranger=not own) if getattr(told, "_last_lr", None) else None


def length_of(scheduler: Any) -> int | None:
    """Return how many steps a scheduler was made for, or None where it has no end or does not tell it.

    Schedulers that stay at a useful rate for ever after, such as a warm-up or steps down, have no end.
    """
    if isinstance(scheduler, SequentialLR):
        last = length_of(scheduler._schedulers[-1])
        return None if last is None else int(scheduler._milestones[-1]) + last
    if isinstance(scheduler, ChainedScheduler):
        return max(filter(None, map(length_of, scheduler._schedulers)), default=None)
    length = getattr(scheduler, _LENGTHS.get(type(scheduler), ""), None)
    if isinstance(scheduler, ScheduledLR):
        length = scheduler.schedule.total_steps
    if isinstance(scheduler, LambdaLR):
        function: Any = scheduler.lr_lambdas[0]
        partial = function.keywords if isinstance(function, functools.partial) else {}
        length = partial.get("num_training_steps", getattr(function, "total_steps", None))
    return length if isinstance(length, int) and length > 0 else None


def schedulers_of(optimizer: Optimizer) -> list[LRScheduler]:
    """Return torch's schedulers that hold an optimizer, the outermost of nested ones last.

    It asks Python's garbage collector who refers to the optimizer, which takes some tens of milliseconds.
    """
    found: list[LRScheduler] = []
    for holder in gc.get_referrers(optimizer):
        owners = gc.get_referrers(holder) if type(holder) is dict else [holder]
        found += [owner for owner in owners if _holds(owner, optimizer)]
    return _outermost(found)


def scaler_lives() -> bool:
    """Return whether a `GradScaler` is in use: it may leave steps out, and the first of all."""
    kinds = [GradScaler]
    for kind in kinds:
        kinds += kind.__subclasses__()
    found = [one for one in gc.get_referrers(*kinds) if isinstance(one, GradScaler)]
    return any(one.is_enabled() for one in found)


def strangers_of(optimizer: Optimizer, frame: FrameType | None) -> list[LRScheduler]:
    """Return schedulers of other optimizers that train some of the same tensors.

    That is what an optimizer that was built anew leaves behind. They are looked for among the names that a
    running program knows, from one frame on outwards, and among the attributes of `self`: at once, but not
    everywhere.

    Args:
        optimizer: The one that trains.
        frame: Where to begin.
    """
    spaces: dict[int, Any] = {}
    while frame is not None:
        own = getattr(frame.f_locals.get("self"), "__dict__", {})
        spaces.update((id(names), names) for names in (frame.f_locals, frame.f_globals, own))
        frame = frame.f_back
    tensors = _tensors(optimizer)
    return _outermost(
        [
            value
            for names in spaces.values()
            for value in list(names.values())
            if issubclass(type(value), LRScheduler)
            and value.optimizer is not optimizer
            and tensors & _tensors(value.optimizer)
        ]
    )


def _outermost(found: Sequence[LRScheduler]) -> list[LRScheduler]:
    """Return each scheduler once, without those that are parts of others."""
    inner = {id(part) for one in found for part in getattr(one, "_schedulers", ())}
    return list({id(one): one for one in found if id(one) not in inner}.values())


def _holds(candidate: object, optimizer: Optimizer) -> bool:
    return issubclass(type(candidate), LRScheduler) and getattr(candidate, "optimizer", None) is optimizer


def _tensors(optimizer: Optimizer) -> set[int]:
    return {id(tensor) for group in optimizer.param_groups for tensor in group["params"]}


def _counter(scheduler: Any) -> Any:
    """Return who counts the steps: a chain leaves it to its parts."""
    return scheduler._schedulers[0] if isinstance(scheduler, ChainedScheduler) else scheduler
