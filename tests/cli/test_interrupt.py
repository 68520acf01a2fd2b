"""Ctrl-C, sent to a real process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STUCK = """
import torch
import rightrate as rr

def loss(output, target):
    print("in the step", flush=True)
    while True:
        pass

task = rr.Task(model=torch.nn.Linear(4, 2), train=(torch.zeros(96, 4), torch.zeros(96).long()), loss=loss,
               info=rr.TaskInfo(steps=300))
"""
SLOW_IMPORT = """
print("importing", flush=True)
while True:
    pass
"""


@contextmanager
def searching(*arguments: str, command: str = "find") -> "Iterator[subprocess.Popen[str]]":
    """Run `rightrate COMMAND` as a process that is gone at the end, with Ctrl-C as a terminal has it."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "rightrate", command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    """Read stderr up to a line that holds the text."""
    seen = []
    for line in process.stderr or ():
        seen.append(line)
        if text in line:
            return
    raise AssertionError(f"{text!r} never came: {seen}")


@pytest.mark.slow
def test_once_returns_what_is_known(tmp_path: Path) -> None:
    json_file, report = tmp_path / "out.json", tmp_path / "out.html"
    files = ("--json", str(json_file), "--report", str(report))
    with searching("digits", "--steps", "60000", "--engine", "serial", *files) as process:
        wait_for(process, "rung 0, probe")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "press Ctrl-C again to stop at once" in stderr
    assert "Traceback" not in stderr
    assert "status         interrupted: " in stdout
    plain = json.loads(json_file.read_text())
    assert plain["status"] == "interrupted"
    assert [trial["kind"] for trial in plain["trials"]] == ["range"]
    assert 0 < plain["cost"]["run_equivalents"] < 1
    assert report.stat().st_size > 0


@pytest.mark.slow
def test_once_after_a_rung_answers_with_its_best() -> None:
    with searching("wine", "--steps", "10000", "--engine", "serial") as process:
        wait_for(process, "rung 1, probe")
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "is the best so far" in stdout
    assert "optimizer = torch.optim.AdamW" in stdout


@pytest.mark.slow
def test_twice_stops_at_once(tmp_path: Path) -> None:
    path = tmp_path / "stuck.py"
    path.write_text(STUCK)
    with searching(f"{path}:task", "--json", str(tmp_path / "out.json")) as process:
        wait_for(process, "in the step")
        process.send_signal(signal.SIGINT)
        wait_for(process, "press Ctrl-C again")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith("Stopped at once.\n")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_before_the_search_it_stops_at_once(tmp_path: Path) -> None:
    path = tmp_path / "slow.py"
    path.write_text(SLOW_IMPORT)
    with searching(f"{path}:task") as process:
        wait_for(process, "importing")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (130, "", "Stopped at once.\n")


@pytest.mark.slow
def test_compare_says_what_is_known_and_goes_on_when_it_is_run_again(tmp_path: Path) -> None:
    store = str(tmp_path / "runs.db")
    asked = ("wine", "--optimizers", "sgd,adam", "--lrs", "0.1,0.01", "--seeds", "2", "--steps", "600")
    asked = (*asked, "--engine", "serial", "--store", store)
    with searching(*asked, command="compare") as process:
        wait_for(process, "seed 1: ")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Stopping after the present step; press Ctrl-C again to stop at once" in stderr
    assert stderr.endswith("Run the same command again to go on where it stopped.\n")
    assert "Traceback" not in stderr
    assert "\ninterrupted: " in stdout
    assert "- Stopped: 1 of 2 seeds are compared." in stdout
    with searching(*asked, "--json", str(tmp_path / "out.json"), command="compare") as process:
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Going on where study 1 of runs.db stopped, " in stderr
    assert "seed 0: " not in stderr
    assert "of it in this session" in stdout
    assert len(json.loads((tmp_path / "out.json").read_text())["trials"]) == 2 * 2 * 2
