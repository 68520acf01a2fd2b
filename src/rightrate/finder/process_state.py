"""What a search must leave as it was in the process: a context manager for each kind of thing."""

import gc
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

__all__ = ["PROCESS_GUARDS"]


@contextmanager
def _random() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state(legacy=False)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def _numpy_errors() -> Iterator[None]:
    before = np.geterr()
    try:
        yield
    finally:
        np.seterr(**before)


@contextmanager
def _working_directory() -> Iterator[None]:
    try:
        before = os.getcwd()
    except FileNotFoundError:  # it was removed: there is nothing to come back to
        before = None
    try:
        yield
    finally:
        if before is not None:
            os.chdir(before)


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value


@contextmanager
def _import_path() -> Iterator[None]:
    path, items = sys.path, list(sys.path)
    try:
        yield
    finally:
        sys.path = path
        if path != items:
            path[:] = items


@contextmanager
def _modules() -> Iterator[None]:
    """Put back modules that were replaced or taken out, and take out those the caller could not import.

    Libraries that were loaded on the way stay: taking them out would make two of each of their classes.
    """
    before = dict(sys.modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module
        new = [name for name in sys.modules if name not in before]
        for top in {name.partition(".")[0] for name in new} - set(before):
            if getattr(sys.modules.get(top), "__file__", None) and not _importable(top):
                for name in new:
                    if name == top or name.startswith(top + "."):
                        sys.modules.pop(name, None)


def _importable(name: str) -> bool:
    return any(finder.find_spec(name, None) is not None for finder in sys.meta_path)


@contextmanager
def _logging() -> Iterator[None]:
    disabled = logging.root.manager.disable
    before = [(logger, _logger_state(logger)) for logger in _loggers()]
    try:
        yield
    finally:
        logging.disable(disabled)
        for logger, state in before:
            if _logger_state(logger) != state:
                level, logger.disabled, logger.propagate, handlers, filters = state
                logger.setLevel(level)
                logger.handlers[:] = [handler for handler, _ in handlers]
                logger.filters[:] = filters
        for _, state in before:
            for handler, level in state[3]:
                handler.setLevel(level)


def _loggers() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(logger for logger in known if isinstance(logger, logging.Logger))]


def _logger_state(logger: logging.Logger) -> tuple[int, bool, bool, list[tuple[Any, int]], list[Any]]:
    handlers = [(handler, handler.level) for handler in logger.handlers]
    return logger.level, logger.disabled, logger.propagate, handlers, list(logger.filters)


@contextmanager
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None and signal.getsignal(number) is not handler:
                    signal.signal(number, handler)


@contextmanager
def _children() -> Iterator[None]:
    before = set(multiprocessing.active_children())
    try:
        yield
    finally:
        left = [child for child in multiprocessing.active_children() if child not in before]
        for child in left:
            child.terminate()
        for child in left:
            child.join(5.0)
            if child.is_alive():
                child.kill()
                child.join()


@contextmanager
def _streams_and_hooks() -> Iterator[None]:
    before = sys.stdout, sys.stderr, sys.excepthook, sys.displayhook, threading.excepthook
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.excepthook, sys.displayhook, threading.excepthook = before


@contextmanager
def _garbage_collection() -> Iterator[None]:
    enabled, thresholds = gc.isenabled(), gc.get_threshold()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if gc.isenabled() != enabled:
            (gc.enable if enabled else gc.disable)()


PROCESS_GUARDS: tuple[Callable[[], AbstractContextManager[object]], ...] = (
    _signals,
    warnings.catch_warnings,
    _logging,
    _streams_and_hooks,
    _garbage_collection,
    _environment,
    _modules,
    _import_path,
    _working_directory,
    _numpy_errors,
    _random,
    _children,
)
"""From the one that is put back last to the one that is put back first."""
