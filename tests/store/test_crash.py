"""Kills: at random moments of whole searches, and at every system call of a checkpoint."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.crashes import Server, kill_at_random
from tests.store.syscalls import NAMES, calls_of, interrupted

from rightrate.store.checkpoints import Checkpoints
from rightrate.store.reader import reading

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("RIGHTRATE_CRASH_KILLS", "40"))
EVERY = 1 if KILLS >= 200 else 5  # a fifth of the system calls where it is a fifth of the kills
SHARES = {"find": 0.25, "halving": 0.25, "pbt": 0.25, "pbt, stacked": 0.25}


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize("name", SHARES)
def test_a_search_that_is_killed_at_random_ends_as_if_it_never_was(name, server, tmp_path, tried):
    found = kill_at_random(server, name, round(KILLS * SHARES[name]), tmp_path, seed=0)
    assert found.different == []
    assert found.kills >= round(KILLS * SHARES[name])
    # A block whose checkpoint was being written, or its judgement, is all that is ever done again.
    assert found.repeated <= found.allowed
    share = 100 * found.repeated / found.whole
    tried(
        f"SIGKILL at a random moment of `{name}`, until each search was finished",
        found.kills,
        f"{found.finished} of {found.finished} answers (and trained weights) equal the uninterrupted one bit "
        f"for bit; {share:.1f} % of the training steps were done twice",
    )


def strace_works():
    strace = shutil.which("strace")
    if strace is None:
        return False
    command = [
        strace,
        "-e",
        "inject=getcwd:signal=SIGKILL:when=1",
        sys.executable,
        "-c",
        "import os; os.getcwd()",
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(
    not strace_works(), reason="strace cannot inject faults here: it is missing or not allowed"
)
@pytest.mark.parametrize("window", ["checkpoint", "finish"])
def test_a_kill_at_every_system_call(window, tmp_path, tried):
    calls = calls_of(window, tmp_path / "whole")
    assert {"fsync", "rename"} <= {name for name, _ in calls} or window == "finish"
    assert any(name in NAMES["flush"] for name, _ in calls)
    states = {"before": 0, "after": 0}
    chosen = calls[::EVERY]
    for number, (name, count) in enumerate(chosen):
        store = tmp_path / f"{number}" / "runs.db"
        store.parent.mkdir()
        killed = interrupted(window, store, f"{name}:signal=SIGKILL:when={count}")
        assert killed.returncode != 0, killed.stderr
        states[state_of(window, store)] += 1
    assert states["before"]
    assert states["after"]
    tried(
        f"SIGKILL at each system call of a {'checkpoint' if window == 'checkpoint' else 'finished piece'}",
        len(chosen),
        f"{states['before']} times what was there before is used, {states['after']} times what was written; "
        "never anything else",
    )


def state_of(window, store):
    """Say whether a store is as it was before what was interrupted, or as it is after."""
    with reading(store) as reader:
        pieces = {piece.key: piece.value for piece in reader.study(1).pieces}
    assert pieces.pop("first") == {"value": 1.5}
    complaints = []
    (folder,) = Path(f"{store}-checkpoints").iterdir()
    content = Checkpoints(folder, folder.name).newest("second", bytes, complaints.append)
    assert complaints == []
    assert not list(folder.glob("*.tmp"))
    if window == "checkpoint":
        assert pieces == {}
        return {b"old" * 1000: "before", b"new" * 1000: "after"}[bytes(content)]
    if not pieces:
        assert content == b"new" * 1000
        return "before"
    assert pieces == {"second": {"value": 2.5}}
    return "after"


@pytest.mark.skipif(
    not strace_works(), reason="strace cannot inject faults here: it is missing or not allowed"
)
def test_every_flush_that_fails(tmp_path, tried):
    """EIO on each fsync of a checkpoint and of a transaction."""
    outcomes = []
    for window in ("checkpoint", "finish"):
        flushes = [call for call in calls_of(window, tmp_path / window) if call[0] in NAMES["flush"]]
        assert flushes
        for number, (name, count) in enumerate(flushes):
            store = tmp_path / f"{window}-{number}" / "runs.db"
            store.parent.mkdir()
            failed = interrupted(window, store, f"{name}:error=EIO:when={count}")
            assert failed.returncode in (0, 3), failed.stderr
            outcomes.append((failed.stdout + failed.stderr).strip())
            state_of(window, store)
    assert any("No checkpoint can be written" in said for said in outcomes)
    assert any("SQLite says: disk I/O error" in said for said in outcomes)
    tried(
        "EIO on each `fsync` of a checkpoint and of a finished piece",
        len(outcomes),
        "a checkpoint that cannot be written is said and the search goes on; a transaction that cannot be "
        "written is undone and stops with a sentence; what was there before is used",
    )
