"""The built-in tasks by name. Listing them imports neither torch nor scikit-learn; loading one does."""

import difflib
from collections.abc import Callable
from typing import Protocol

from rightrate import _check
from rightrate.errors import TaskError, describe
from rightrate.tasks.builtin import cancer, diabetes, digits, digits_cnn, fonts, text, wine
from rightrate.tasks.task import Task, TaskInfo

__all__ = ["infos", "load", "names"]


class _Builtin(Protocol):
    """What a file of `tasks/builtin` offers."""

    INFO: TaskInfo

    @property
    def load(self) -> Callable[[int], Task]: ...


_BUILTIN: tuple[_Builtin, ...] = (digits, digits_cnn, cancer, wine, diabetes, fonts, text)


def names() -> tuple[str, ...]:
    """Return the names of the built-in tasks.

    Example:
        >>> names()
        ('digits', 'digits-cnn', 'cancer', 'wine', 'diabetes', 'fonts', 'text')
    """
    return tuple(builtin.INFO.name for builtin in _BUILTIN)


def infos() -> tuple[TaskInfo, ...]:
    """Return what people are told about the built-in tasks, in the order of `names`."""
    return tuple(builtin.INFO for builtin in _BUILTIN)


def load(name: str, *, seed: int = 0) -> Task:
    """Return a built-in task.

    Args:
        name: One of `names()`.
        seed: Decides which samples are held out, >= 0. Initial weights come from torch's generator at the
            time the model is built.

    Raises:
        TaskError: If there is no such task.
        ConfigError: If the seed is not an integer >= 0.

    Example:
        >>> load("wine").info.steps
        1000
    """
    _check.integer("load(seed=...)", seed, low=0)
    for builtin in _BUILTIN:
        if builtin.INFO.name == name:
            return builtin.load(seed)
    listed = ", ".join(repr(known) for known in names())
    close = difflib.get_close_matches(name, names(), n=1, cutoff=0.5)
    advice = f"Did you mean {close[0]!r}?" if close else ""
    raise TaskError(describe("The name of a built-in task", f"one of {listed}", name, advice))
