"""A real Ctrl-C while `find` runs."""

import json
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys
from tests.finder.small import find

def progress(state):
    if state.spent > int(sys.argv[1]):
        print("training", flush=True)
        sys.stdin.readline()  # the signal comes while we wait here

result = find(steps=6_000, progress=progress)
print(json.dumps(result.to_dict(), allow_nan=False))
"""


def interrupted_after(spent):
    """Start a search, press Ctrl-C once it has spent so many steps, and return what it says."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(spent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout.readline() == "training\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate("\n" * 1000, timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert err == "Stopping after the present step; press Ctrl-C again to stop at once.\n"
    return json.loads(out)


def test_before_anything_is_known():
    result = interrupted_after(0)
    assert (result["status"], result["lr"]) == ("interrupted", None)
    assert result["message"] == "Stopped before anything was measured."
    assert 0 < result["cost"]["steps"] < 6_000
    assert result["trials"] == []


def test_with_some_trials():
    # The range test takes 100 steps, and the first rung some 500 of 5 members.
    result = interrupted_after(1_600)
    assert result["status"] == "interrupted"
    assert result["low"] <= result["lr"] <= result["high"]
    assert result["message"].startswith("Stopped early; ")
    judged = [trial for trial in result["trials"] if trial["kind"] != "range"]
    assert len(judged) >= 5
    finished = sum(trial["steps"] for trial in result["trials"])
    assert finished < result["cost"]["steps"] < 6_000
    assert result["cost"]["run_equivalents"] == result["cost"]["steps"] / 6_000
