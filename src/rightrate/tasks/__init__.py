"""Tasks: what is trained, on what data, and how it is judged.

Importing this package is light: torch, pandas and scikit-learn are imported by the function that needs them.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rightrate.tasks.task import Metric, Objective, Task, TaskInfo, Training

if TYPE_CHECKING:
    from rightrate.tasks.csv import load_csv
    from rightrate.tasks.registry import infos, load, names
    from rightrate.tasks.resolving import resolve, resolved
    from rightrate.tasks.script import load_script, opened_script

__all__ = [
    "Metric",
    "Objective",
    "Task",
    "TaskInfo",
    "Training",
    "infos",
    "load",
    "load_csv",
    "load_script",
    "names",
    "opened_script",
    "resolve",
    "resolved",
]

_HOMES = {
    "infos": "registry",
    "load": "registry",
    "load_csv": "csv",
    "load_script": "script",
    "names": "registry",
    "opened_script": "script",
    "resolve": "resolving",
    "resolved": "resolving",
}


def __getattr__(name: str) -> Any:
    """Import a public function at its first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
