"""Checkpoints of one study: files that are there whole and right, or not used."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rightrate.errors import StoreError
from rightrate.store.plain import digest

__all__ = ["Checkpoints"]

_KEPT = 2
_DATA, _MANIFEST, _UNFINISHED, _DAMAGED = ".safetensors", ".json", ".tmp", ".damaged"


class Checkpoints:
    """A folder of states, each a safetensors file and a manifest with its SHA-256.

    A file is written under another name in the same folder, flushed to the disk, and renamed; then the folder
    is flushed. The manifest comes after the data, so a checkpoint without one was never finished. The two
    newest of each piece are kept, so that there is another where one is damaged.

    Args:
        folder: Where they are; made when the first is written.
        study: The unique name of the study, which a manifest repeats.
    """

    def __init__(self, folder: Path, study: str) -> None:
        self.folder = folder
        self._study = study
        for path in self._paths(f"*{_UNFINISHED}"):
            _removed(path)
        for path in self._paths(f"*{_DATA}"):
            if not path.with_suffix(_MANIFEST).exists():
                _removed(path)

    def write(self, key: str, content: bytes) -> Path:
        """Write a state of a piece and remove all but the newest ones of it.

        Raises:
            OSError: If it cannot be written; the ones before are as they were.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        numbers = self._numbers(key)
        number = max(numbers, default=0) + 1
        data = self._file(key, number)
        manifest = self._manifest(key, number, content)
        _replace(data, content)
        _replace(data.with_suffix(_MANIFEST), _text(manifest))
        for old in sorted([*numbers, number])[:-_KEPT]:
            self._remove(key, old)
        return data

    def newest(
        self, key: str, read: Callable[[bytes], Mapping[str, Any]], complain: Callable[[str], object]
    ) -> Mapping[str, Any] | None:
        """Return the newest valid state of a piece, or None.

        Args:
            key: The piece.
            read: From a content to the state.
            complain: Called with a sentence that names a checkpoint that cannot be used.
        """
        for number in sorted(self._numbers(key), reverse=True):
            path = self._file(key, number)
            try:
                return read(self._content(key, number))
            except (StoreError, OSError) as error:
                said = error.strerror if isinstance(error, OSError) else str(error)
                complain(f"The checkpoint {path} is not used: {str(said).rstrip('.')}.")
                self._set_aside(path)
        return None

    def forget(self, key: str) -> None:
        """Remove the checkpoints of a piece."""
        for number in self._numbers(key):
            self._remove(key, number)

    def files(self) -> list[Path]:
        """Return the checkpoints that can be gone on from."""
        return [path.with_suffix(_DATA) for path in self._paths(f"*{_MANIFEST}")]

    def clear(self) -> None:
        """Remove the folder, and the one of all studies if it was the last."""
        shutil.rmtree(self.folder, ignore_errors=True)  # what is left is not used by anyone
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()

    def _set_aside(self, path: Path) -> None:
        """Let a damaged checkpoint not count as one of the newest, and keep it for whoever wants to know."""
        with contextlib.suppress(OSError):  # where it cannot be moved it is named again next time
            path.with_suffix(_MANIFEST).replace(path.with_suffix(_MANIFEST + _DAMAGED))
            path.replace(path.with_suffix(_DATA + _DAMAGED))

    def _content(self, key: str, number: int) -> bytes:
        path = self._file(key, number)
        manifest = path.with_suffix(_MANIFEST).read_bytes()
        content = path.read_bytes()
        if manifest != _text(self._manifest(key, number, content)):
            raise StoreError("it is not what its manifest says")
        return content

    def _manifest(self, key: str, number: int, content: bytes) -> dict[str, Any]:
        return {
            "format": 1,
            "study": self._study,
            "piece": key,
            "number": number,
            "bytes": len(content),
            "sha256": digest(content),
        }

    def _file(self, key: str, number: int) -> Path:
        return self.folder / f"{digest(key)[:16]}-{number:08d}{_DATA}"

    def _numbers(self, key: str) -> list[int]:
        """Return the numbers of a piece's checkpoints that were finished."""
        stems = (path.stem.partition("-") for path in self._paths(f"{digest(key)[:16]}-*{_MANIFEST}"))
        return [int(number) for _, _, number in stems if number.isdecimal()]

    def _paths(self, pattern: str) -> list[Path]:
        return list(self.folder.glob(pattern)) if self.folder.is_dir() else []

    def _remove(self, key: str, number: int) -> None:
        path = self._file(key, number)
        _removed(path.with_suffix(_MANIFEST))
        _removed(path)


def _text(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=2) + "\n").encode()


def _replace(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, also when the power fails."""
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        _removed(unfinished)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # where a folder cannot be opened, and renaming is durable
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _removed(path: Path) -> None:
    with contextlib.suppress(OSError):  # a file too many is not used: it is in no one's way
        path.unlink(missing_ok=True)
