"""Whose study it is: one process at a time, and at once another's when that process is dead."""

import os
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from rightrate.errors import HeldError, StoreError, describe
from rightrate.store.plain import read_plain, write_plain

__all__ = ["Owner", "StudyLock", "held_by"]

_TRIES, _WAIT_SECONDS = 20, 0.05
_held: set[Path] = set()
_guard = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process that works on a study.

    Args:
        pid: Its number.
        host: The machine it runs on.
        since: When it began, seconds since 1970.
    """

    pid: int
    host: str
    since: float

    @classmethod
    def present(cls) -> "Owner":
        """Return this process, beginning now."""
        return cls(pid=os.getpid(), host=socket.gethostname(), since=time.time())

    def text(self) -> str:
        """Return it as a text."""
        return write_plain("Owner", asdict(self))

    @classmethod
    def read(cls, text: object) -> "Owner | None":
        """Return the owner of a text; None where there is none."""
        if text is None:
            return None
        data = read_plain("An owner", text)
        try:
            return cls(pid=int(data["pid"]), host=str(data["host"]), since=float(data["since"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise StoreError(describe("An owner", "pid, host and since", data)) from error

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.pid} on {self.host}, since {since}"


class StudyLock:
    """A lock on a file that the operating system takes back when its process ends, however it ends.

    So there is no need to guess from a process number, which another process may have by now, whether an
    owner is alive. Worker processes do not inherit it.

    Args:
        path: The file, made where there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Take the lock; return whether it could be had.

        It is tried for a second, as those who only look whether a study is held take it for a moment.
        """
        with _guard:
            if self._path in _held:
                return False
            for _ in range(_TRIES):
                file = self._opened()
                if _locked(file) and self._is_there(file):
                    self._file = file
                    _held.add(self._path)
                    return True
                file.close()
                time.sleep(_WAIT_SECONDS)
        return False

    def _opened(self) -> IO[bytes]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._path.open("ab")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}.") from error

    def _is_there(self, file: IO[bytes]) -> bool:
        """Say whether an open file is still the one of that name: its owner may just have removed it."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock back."""
        with _guard:
            if self._file is not None:
                self._file.close()
                self._file = None
                _held.discard(self._path)

    def is_held(self) -> bool:
        """Say whether a process has the lock; nothing is written."""
        with _guard:
            if self._path in _held:
                return True
            try:
                file = self._path.open("r+b")
            except OSError:
                return False
            with file:
                return not _locked(file)


def held_by(what: str, owner: Owner | None) -> HeldError:
    """Return the error for a study that another process works on."""
    who = "another process" if owner is None else str(owner)
    return HeldError(f"{what} is held by {who}. Wait for it, stop it, or begin another study with --fresh.")


def _locked(file: IO[bytes]) -> bool:
    """Take the lock of an open file without waiting; return whether it could be had."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
