"""The user's own task: `train.py:task`, a Task in a Python file or a function that returns one."""

import contextlib
import difflib
import importlib.util
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from rightrate.errors import TaskError, describe
from rightrate.tasks.task import Task

__all__ = ["load_script", "opened_script"]

_INSTALLED = tuple(
    Path(folder).resolve()
    for key in ("stdlib", "platstdlib", "purelib", "platlib")
    if (folder := sysconfig.get_path(key))
)


def load_script(spec: str) -> Task:
    """Return the task at `file.py:name`; afterwards `sys.path` and `sys.modules` are what they were.

    Functions of the file that import its neighbours only when they are called need `opened_script`.

    Args:
        spec: Path of a Python file, a colon, and the name of a Task or of a function without arguments that
            returns one.

    Raises:
        TaskError: If there is no such file or name, the name holds something else, or the file raises an
            exception, which is chained.
    """
    with opened_script(spec) as task:
        return task


@contextlib.contextmanager
def opened_script(spec: str) -> Iterator[Task]:
    """Give the task at `file.py:name`, and keep the file and its neighbours importable within the block.

    On leaving, also by an exception, `sys.path` and the user's modules in `sys.modules` are what they were;
    installed packages that the file imported stay, because many cannot be imported twice. No bytecode is
    written beside the file.

    Args:
        spec: As for `load_script`.

    Raises:
        TaskError: As `load_script`.
    """
    path, name = _parts(spec)
    with _importable(path):
        module = _executed(path)
        task = _task(path, name, module)
        if task.info.name == "task":
            task = replace(task, info=replace(task.info, name=f"{path.name}:{name}"))
        yield task


def _parts(spec: str) -> tuple[Path, str]:
    """Return the absolute path and the name in `file.py:name`."""
    file, _, name = spec.rpartition(":")
    if not file or not name.isidentifier():
        allowed = "a Python file, a colon and a name in it"
        raise TaskError(describe("A task of your own", allowed, spec, "Write 'train.py:task'."))
    path = Path(file).absolute()
    if not path.is_file():
        known = [other.name for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, known, n=1)
        advice = f"Did you mean {close[0]!r}?" if close else f"The folder is {str(path.parent)!r}."
        raise TaskError(describe("The file of a task", "an existing Python file", file, advice))
    return path, name


@contextlib.contextmanager
def _importable(path: Path) -> Iterator[None]:
    """Put the folder of a file first on `sys.path`, and put all back that imports change."""
    folder = path.parent
    paths, modules, writes = list(sys.path), dict(sys.modules), sys.dont_write_bytecode
    finders = set(sys.path_importer_cache)
    # Modules of another project with the names of this one's would be found before them.
    for name, module in modules.items():
        if _neighbour(folder, name) and _is_users(module):
            del sys.modules[name]
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:] = paths
        sys.dont_write_bytecode = writes
        for name, module in list(sys.modules.items()):
            if name not in modules and _is_users(module):
                del sys.modules[name]
        sys.modules.update(modules)
        for place in set(sys.path_importer_cache) - finders:
            if Path(place).is_relative_to(folder):
                del sys.path_importer_cache[place]


def _neighbour(folder: Path, name: str) -> bool:
    """Whether an import of the name would find something in the folder."""
    top = folder / name.partition(".")[0]
    return top.is_dir() or top.with_suffix(".py").is_file()


def _is_users(module: ModuleType | None) -> bool:
    """Whether a module is from a file that is not part of an installation, nor the running program."""
    if module is None or getattr(module, "__name__", "") == "__main__":
        return False
    try:
        places = [module.__file__] if getattr(module, "__file__", None) else list(module.__path__)
    except (AttributeError, TypeError):
        return False
    resolved = [Path(os.fspath(place)).resolve() for place in places if place]
    own = Path(__file__).resolve().parents[1]
    return bool(resolved) and not any(
        place.is_relative_to(folder) for place in resolved for folder in (*_INSTALLED, own)
    )


def _executed(path: Path) -> ModuleType:
    """Return the module of a file, run under the file's name and entered into `sys.modules`."""
    module_spec = importlib.util.spec_from_file_location(path.stem, path)
    if module_spec is None or module_spec.loader is None:
        advice = "Its name has to end in .py."
        raise TaskError(describe("The file of a task", "a Python file", path.name, advice))
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[path.stem] = module
    try:
        module_spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise TaskError(_failure(path, "importing it", error)) from error
    return module


def _task(path: Path, name: str, module: ModuleType) -> Task:
    """Return the task under a name of a module, calling it where it is a function."""
    if not hasattr(module, name):
        known = [other for other in vars(module) if not other.startswith("_")]
        close = difflib.get_close_matches(name, known, n=1) or [
            other for other, value in vars(module).items() if isinstance(value, Task)
        ]
        advice = f"Did you mean {close[0]!r}?" if close else "Define it, or name another."
        raise TaskError(describe(f"The name of a task in {path.name!r}", "defined there", name, advice))
    value: Any = getattr(module, name)
    allowed = "a rightrate.Task or a function without arguments that returns one"
    if isinstance(value, Task):
        return value
    if not callable(value):
        raise TaskError(describe(f"{path.name}:{name}", allowed, value))
    try:
        made = value()
    except (Exception, SystemExit) as error:
        raise TaskError(_failure(path, f"calling {name}()", error)) from error
    if not isinstance(made, Task):
        advice = "It was called and returned this."
        raise TaskError(describe(f"{path.name}:{name}", allowed, made, advice))
    return made


def _failure(path: Path, doing: str, error: BaseException) -> str:
    """Return where in the user's file an exception came from."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    where = f" at line {lines[-1]}" if lines else ""
    received = f"{type(error).__name__}: {error}{where}"
    advice = "The traceback of your file is above this one."
    return describe(f"The file {path.name!r}", f"free of errors when {doing}", received, advice)
