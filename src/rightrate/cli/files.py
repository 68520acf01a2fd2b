"""Files that are written whole or not at all, and checked before the work that fills them."""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from rightrate.errors import ConfigError, describe

__all__ = ["STDOUT", "as_json", "check_writable", "write", "write_bytes", "write_json"]

STDOUT = "-"


def as_json(data: Any) -> str:
    """Return plain data as JSON text of ASCII characters alone."""
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def write_json(path: str, data: Any) -> None:
    """Write plain data as JSON to a file, or to stdout for "-"."""
    if path == STDOUT:
        sys.stdout.write(as_json(data))
    else:
        write("--json", Path(path), as_json(data))


def check_writable(option: str, path: Path) -> None:
    """Raise `ConfigError` if a file cannot be written, before anything is spent on its content.

    Args:
        option: What a message names, such as `--json`.
        path: The file to write later.
    """
    try:
        if path.is_dir():
            raise ConfigError(describe(option, "a file", str(path), "Name a file in it."))
        if not path.parent.is_dir():
            advice = "Make the folder first."
            raise ConfigError(describe(option, "in a folder that exists", str(path), advice))
        if _replaceable(path):
            trial = _beside(path)
            trial.touch(exist_ok=False)
            trial.unlink()
        elif not os.access(path, os.W_OK):
            raise PermissionError
    except OSError as error:
        raise _unwritable(option, path, error) from error


def write(option: str, path: Path, text: str) -> None:
    """Write a file: a regular one appears whole or not at all, a device or a pipe is written to.

    Args:
        option: What a message names, such as `--json`.
        path: The file; one that is there already is replaced.
        text: Its content; what UTF-8 cannot hold is written as `?`.

    Raises:
        ConfigError: If it cannot be written.
    """
    write_bytes(option, path, text.encode("utf-8", errors="replace"))


def write_bytes(option: str, path: Path, content: bytes) -> None:
    """Write a file of bytes, such as a picture, as `write` does.

    Args:
        option: What a message names, such as `--png`.
        path: The file; one that is there already is replaced.
        content: Its content.

    Raises:
        ConfigError: If it cannot be written.
    """
    try:
        if not _replaceable(path):
            path.write_bytes(content)
            return
        temporary = _beside(path)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path.resolve())
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(option, path, error) from error


def _replaceable(path: Path) -> bool:
    return path.is_file() or not path.exists()


def _beside(path: Path) -> Path:
    """Return a new name in the folder of the file, or of the file that a link points to."""
    whole = path.resolve()
    return whole.with_name(f".{secrets.token_hex(8)}.tmp")


def _unwritable(option: str, path: Path, error: OSError) -> ConfigError:
    advice = f"{error.strerror or 'It is not writable'}."
    return ConfigError(describe(option, "a file that can be written", str(path), advice))
