"""The watcher's place in an optimizer: before each step and after it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from torch.optim import Optimizer

from rightrate.errors import ConfigError, describe

__all__ = ["Hooks", "optimizers_of"]

Before = Callable[[Optimizer, bool], None]
After = Callable[[Optimizer, bool], None]

_HOOKED: WeakKeyDictionary[Optimizer, list["Hooks"]] = WeakKeyDictionary()


class Hooks:
    """Calls something before and after each step of some optimizers, until they are removed.

    Where the step of a class calls that of the class it inherits from, torch calls the hooks for both; only
    the outer step counts. It is told by its frame, and only in classes that inherit a step.

    Args:
        optimizers: Where to hook in.
        before: Called with the optimizer and whether its step evaluates a closure.
        after: Likewise.
        alone: Whether nobody else may hook in: two that change one rate undo each other's work.

    Raises:
        ConfigError: If somebody else has hooked into one of them, and one of the two has to be alone.
    """

    def __init__(
        self, optimizers: Sequence[Optimizer], before: Before, after: After, *, alone: bool = False
    ) -> None:
        self.alone = alone
        for optimizer in optimizers:
            others = _HOOKED.get(optimizer, [])
            if others and (alone or any(other.alone for other in others)):
                allowed = "an optimizer that is not watched yet, where one of its watchers acts"
                advice = "Close the other watcher first: leave its `with` block, or call its close()."
                received = f"a watched {type(optimizer).__name__}"
                raise ConfigError(describe("watch(optimizer=...)", allowed, received, advice))
        self._optimizers = tuple(optimizers)
        for optimizer in optimizers:
            _HOOKED.setdefault(optimizer, []).append(self)

        steps: dict[int, FrameType] = {}
        nests = {id(optimizer): _inherits_step(type(optimizer)) for optimizer in optimizers}

        def pre(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            if nests[id(optimizer)]:
                step, outer = sys._getframe(1), steps.get(id(optimizer))
                if outer is not None and _inside(step, outer):  # an outer step that raised is over
                    return
                steps[id(optimizer)] = step
            before(optimizer, (len(args) > 1 or bool(kwargs)) and _with_closure(args, kwargs))

        def post(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            if nests[id(optimizer)]:
                if steps.get(id(optimizer)) is not sys._getframe(1):
                    return
                del steps[id(optimizer)]
            after(optimizer, (len(args) > 1 or bool(kwargs)) and _with_closure(args, kwargs))

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
        for optimizer in self._optimizers:
            _HOOKED[optimizer].remove(self)
        self._handles, self._optimizers = [], ()


def _inherits_step(kind: type[Optimizer]) -> bool:
    """Return whether a class of optimizers has a step besides its own that its own may call."""
    return sum("step" in vars(one) for one in kind.__mro__ if one is not Optimizer) > 1


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
