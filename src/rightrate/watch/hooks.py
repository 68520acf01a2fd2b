"""The watcher's place in an optimizer: before each step and after it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from torch.optim import Optimizer

from rightrate.errors import ConfigError, describe

__all__ = ["Hooks", "optimizers_of", "skipped_by_scaler"]

Before = Callable[[Optimizer, bool], None]
After = Callable[[Optimizer, bool], None]


class Hooks:
    """Calls something before and after each step of some optimizers, until they are removed.

    Where the step of a class calls that of the class it inherits from, torch calls the hooks for both; only
    the outer step counts.

    Args:
        optimizers: Where to hook in.
        before: Called with the optimizer and whether its step evaluates a closure.
        after: Likewise.
    """

    def __init__(self, optimizers: Sequence[Optimizer], before: Before, after: After) -> None:
        steps: dict[int, tuple[FrameType, bool]] = {}

        def pre(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            key, step = id(optimizer), sys._getframe(1)
            if key not in steps or not _inside(step, steps[key][0]):  # an outer step that raised is over
                closure = (len(args) > 1 or bool(kwargs)) and _with_closure(args, kwargs)
                steps[key] = step, closure
                before(optimizer, closure)

        def post(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            step, closure = steps.get(id(optimizer), (None, False))
            if step is sys._getframe(1):
                del steps[id(optimizer)]
                after(optimizer, closure)

        self._handles = [
            handle
            for optimizer in optimizers
            for handle in (
                optimizer.register_step_pre_hook(pre),
                optimizer.register_step_post_hook(post),
            )
        ]

    def remove(self) -> None:
        """Take the hooks out; a second time does nothing."""
        for handle in self._handles:
            handle.remove()
        self._handles = []


def _inside(frame: FrameType, outer: FrameType) -> bool:
    """Return whether a frame was called, at whatever distance, by another one that still runs."""
    above: FrameType | None = frame
    while above is not None and above is not outer:
        above = above.f_back
    return above is outer


def _with_closure(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Return whether a step was given a closure; torch passes the optimizer itself as the first argument."""
    given = args[1] if len(args) > 1 else kwargs.get("closure")
    return given is not None


def skipped_by_scaler(optimizer: Optimizer) -> bool:
    """Return whether a fused optimizer left its step out because the scaler found gradients that overflow.

    Other optimizers are not called at all by a `GradScaler` then. Reading it makes the device wait.
    """
    found = getattr(optimizer, "found_inf", None)
    return found is not None and bool(found)


def optimizers_of(given: object) -> tuple[Optimizer, ...]:
    """Return the optimizers that were passed: one, or several.

    Raises:
        ConfigError: If one of them is not an optimizer of torch.
    """
    several: tuple[Any, ...]
    if given is None:
        several = ()
    elif isinstance(given, (list, tuple)):
        several = tuple(given)
    else:
        several = (given,)
    for one in several:
        if not isinstance(one, Optimizer):
            allowed = "an optimizer of torch, or a list of them"
            advice = (
                "Leave it out and feed w.record(step=..., loss=..., lr=...) where there is no such optimizer."
            )
            raise ConfigError(describe("watch(optimizer=...)", allowed, one, advice))
    return several
