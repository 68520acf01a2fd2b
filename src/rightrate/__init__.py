"""Find the learning rate of a model, with evidence, for about the price of one training run.

    import rightrate as rr

    result = rr.find(model, train, valid, loss=loss, optimizer="adamw", steps=2000, schedule="cosine")
    optimizer, scheduler = result.build(model)

The public names are loaded when they are first used, so that `import rightrate` costs next to nothing and
loads neither torch nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rightrate import errors, optimizers, schedules
    from rightrate.comparison.compare import compare
    from rightrate.comparison.result import Comparison
    from rightrate.descent.descend import descend
    from rightrate.finder.find import find
    from rightrate.finder.result import Result
    from rightrate.tasks.task import Objective, Task, TaskInfo, Training
    from rightrate.tuner.result import TuneResult
    from rightrate.tuner.tune import tune
    from rightrate.watch.watch import watch

    __version__: str

__all__ = [
    "Comparison",
    "Objective",
    "Result",
    "Task",
    "TaskInfo",
    "Training",
    "TuneResult",
    "__version__",
    "compare",
    "descend",
    "errors",
    "find",
    "optimizers",
    "schedules",
    "tune",
    "watch",
]

_HOMES = {
    "Comparison": "rightrate.comparison",
    "Objective": "rightrate.tasks.task",
    "Result": "rightrate.finder.result",
    "Task": "rightrate.tasks.task",
    "TaskInfo": "rightrate.tasks.task",
    "Training": "rightrate.tasks.task",
    "TuneResult": "rightrate.tuner",
    "compare": "rightrate.comparison",
    "descend": "rightrate.descent",
    "find": "rightrate.finder",
    "tune": "rightrate.tuner",
}
_MODULES = ("errors", "optimizers", "schedules", "watch")


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562) and keep it."""
    value: Any
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    elif name == "__version__":
        from importlib.metadata import version

        value = version("rightrate")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted({*globals(), *__all__})
