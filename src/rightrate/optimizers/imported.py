"""An optimizer by where it is imported from, such as `pytorch_optimizer.Lion`."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from rightrate.errors import ConfigError, describe

__all__ = ["imported", "is_path"]

_ALLOWED = "a class that can be imported, such as pytorch_optimizer.Lion"


def is_path(name: object) -> bool:
    """Return whether this says where an optimizer is imported from, rather than being a name.

    Example:
        >>> is_path("torch.optim.Adam"), is_path("adam")
        (True, False)
    """
    return isinstance(name, str) and "." in name


def imported(where: str, path: str) -> Callable[..., Any]:
    """Return the class or the function at a path.

    Args:
        where: The argument the path came in, for messages.
        path: Module and name, with dots.

    Raises:
        ConfigError: If the module cannot be imported, or has no such class or function.

    Example:
        >>> imported("find(optimizer=...)", "torch.optim.Adam").__name__
        'Adam'
    """
    module_name, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module_name), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError(describe(where, _ALLOWED, path, f"Python says: {error}.")) from error
    if not callable(found):
        raise ConfigError(describe(where, _ALLOWED, path, f"That is a {type(found).__name__}."))
    made: Callable[..., Any] = found
    return made
