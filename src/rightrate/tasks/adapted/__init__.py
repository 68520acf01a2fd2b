"""Objects of other frameworks as tasks: one file a framework, read only where the framework is loaded."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from rightrate.schedules import Shape
from rightrate.tasks.adapted.question import Asked

__all__ = ["Asked", "adapted", "built"]

_LOADED_BY = {
    "keras": ("keras",),
    "lightning": ("pytorch_lightning", "lightning.pytorch"),
    "transformers": ("transformers.trainer",),
    "skorch": ("skorch.net",),
    "sklearn": ("sklearn.base",),
}
"""Framework to the modules of which one is loaded where an object of it exists.

A net of skorch is an estimator of scikit-learn too, so skorch comes first.
"""


def adapted(asked: Asked) -> tuple[Any, Any, Any, str | Shape]:
    """Return model, training data, validation data and schedule, where `find` goes on.

    Of an object of another framework that is a task, with nothing beside it; anything else stays as it is.

    Args:
        asked: The object and what goes with it; nothing in it is changed.

    Raises:
        ConfigError: If the object has no learning rate to find, or what goes with it cannot be used.
        DataError: If its data cannot be used.
    """
    schedule = "constant" if asked.schedule is None else asked.schedule
    home = _home(asked.model)
    if home is None:
        return asked.model, asked.train, asked.valid, schedule
    task, own_schedule = home.task(asked)
    return task, None, None, schedule if own_schedule is None else own_schedule


def built(model: Any, lr: float, shape: Shape, torchs: Callable[[Any], tuple[Any, Any]]) -> Any:
    """Return what trains a model with the answer, in the terms of its framework.

    Args:
        model: The model; it is not changed.
        lr: The peak learning rate.
        shape: The schedule, with peak 1.
        torchs: From a torch module to an optimizer and a scheduler with the answer.
    """
    home = _home(model)
    return torchs(model) if home is None else home.build(model, lr, shape, torchs)


def _home(model: Any) -> Any:
    """Return the module that knows an object's framework, or None."""
    for name, modules in _LOADED_BY.items():
        if any(module in sys.modules for module in modules):
            home = import_module(f"{__name__}.{name}")
            if home.owns(model):
                return home
    return None
