"""Writing a page to its place."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from rightrate.errors import ConfigError, describe

__all__ = ["write_page"]


def write_page(where: str, path: str | os.PathLike[str], page: Callable[[], str]) -> Path:
    """Write a page to a file, which appears whole or not at all, and return its path.

    It is written beside its place, brought to the disk and then renamed. A link is followed.

    Args:
        where: What a message names, such as `save(path=...)`.
        path: The file to write, in a folder that exists; one that is there already is replaced.
        page: Makes the page, once the place is known to be good.

    Raises:
        ConfigError: If the folder does not exist, the path is not a plain file, or it cannot be written.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        raise ConfigError(describe(where, "a file", str(path), "Name a file in it, such as report.html."))
    if not target.parent.is_dir():
        raise ConfigError(describe(where, "in a folder that exists", str(path), "Make the folder first."))
    text = page()
    whole = target.resolve()
    temporary = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with temporary.open("x", encoding="utf-8", errors="replace", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(whole)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        allowed, advice = "a file that can be written", f"{error.strerror or error}."
        raise ConfigError(describe(where, allowed, str(path), advice)) from error
    return target
