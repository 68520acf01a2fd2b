"""Watching a training run: what is wrong with its learning rate, and mending it.

The package can be called: `rightrate.watch(...)` is `rightrate.watch.watch.watch(...)`, whatever was imported
before.
"""

import sys
from types import ModuleType

from rightrate.watch.acts import Act, Acting, TrainingStoppedError
from rightrate.watch.settings import Measure, Settings
from rightrate.watch.watch import watch
from rightrate.watch.watcher import Watch

__all__ = ["Act", "Acting", "Measure", "Settings", "TrainingStoppedError", "Watch", "watch"]


class _Verb(ModuleType):
    """A package that is called by the name of what it does."""

    __call__ = staticmethod(watch)


sys.modules[__name__].__class__ = _Verb
