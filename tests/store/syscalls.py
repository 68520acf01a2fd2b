"""One checkpoint, or one finished piece, in a process of its own whose system calls are traced or disturbed.

Run as a program it does the writing: without torch, so that it starts at once.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

__all__ = ["NAMES", "calls_of", "interrupted"]

NAMES = {"flush": ("fsync", "fdatasync")}
BEGIN, END = "/the-window-begins", "/the-window-ends"


def calls_of(window, folder):
    """Return the system calls of a window: each with how many of its name there were up to it."""
    folder.mkdir()
    log = folder / "log"
    done = _strace(window, folder / "runs.db", ["-o", str(log)])
    assert done.returncode == 0, done.stderr
    seen, calls, inside = Counter(), [], False
    for line in log.read_text().splitlines():
        name = re.match(r"(\w+)\(", line)
        if name is None:
            continue
        seen[name[1]] += 1
        if BEGIN in line or END in line:
            inside = BEGIN in line
        elif inside:
            calls.append((name[1], seen[name[1]]))
    return calls


def interrupted(window, store, fault):
    """Do the same with a fault injected; return what became of it."""
    return _strace(window, store, ["-o", "/dev/null", "-e", f"inject={fault}"])


def _strace(window, store, options):
    command = ["strace", *options, sys.executable, "-S", __file__, window, str(store)]
    path = os.pathsep.join(str(item) for item in (Path(__file__).parents[2] / "src", *sys.path))
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def main(window, store):
    """Bring a study to where it has a piece and a checkpoint, then do what is disturbed."""
    from rightrate.errors import StoreError
    from rightrate.store import open_study, stored_journal

    stored_journal._packed = bytes
    asked = {"kind": "find", "name": "task", "settings": {}, "fingerprint": {}}
    with open_study(store, **asked, say=print) as study:
        journal = study.journal
        journal.finish("first", {"value": 1.5})
        journal.checkpoint("second", b"old" * 1000)
        if window == "finish":
            journal.checkpoint("second", b"new" * 1000)
        os.access(BEGIN, os.F_OK)
        try:
            if window == "checkpoint":
                journal.checkpoint("second", b"new" * 1000)
            else:
                journal.finish("second", {"value": 2.5})
        except StoreError as error:
            print(error)
            sys.stdout.flush()
            os._exit(3)
        os.access(END, os.F_OK)
        os._exit(0)  # as if killed here: what follows is not part of the window


if __name__ == "__main__":
    main(*sys.argv[1:])
