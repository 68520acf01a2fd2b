"""`rightrate find` in this process, on a small task."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.records import RECORD, answered
from typer.testing import CliRunner

import rightrate as rr
from rightrate.cli.app import app
from rightrate.cli.find import EXIT_CODES
from rightrate.finder.result import Result
from rightrate.optimizers.resolve import resolve
from rightrate.schedules import Constant
from rightrate.search.record import Record

WINE = ("wine", "--steps", "300", "--engine", "serial")
SCRIPT = """
import torch
import neighbour
import rightrate as rr

print("noise from the file")

def build():
    print("noise from the model")
    return torch.nn.Linear(4, 2)

x = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
task = rr.Task(model=build, train=(x, (x[:, 0] > 0).long()), loss=neighbour.loss,
               info=rr.TaskInfo(name="\\x1b[31m[bold]mine", steps=300))
"""
NEIGHBOUR = """
def loss(output, target):
    import late_neighbour
    return late_neighbour.cross_entropy(output, target)
"""


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["find", *arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any], str]:
    """One run with all outputs: the runner's result, the JSON, the report."""
    folder = tmp_path_factory.mktemp("wine")
    done = run(*WINE, "--json", str(folder / "out.json"), "--report", str(folder / "out.html"))
    return done, json.loads((folder / "out.json").read_text()), (folder / "out.html").read_text()


def test_the_answer_is_on_stdout_and_progress_on_stderr(wine: tuple[Any, dict[str, Any], str]) -> None:
    done, plain, _ = wine
    lines = done.stdout.splitlines()
    assert lines[0] == "wine, adamw, constant, 300 steps"
    assert lines[1] == f"learning rate  {plain['lr']:.3g}"
    assert [line.split("  ")[0] for line in lines[1:7]] == [
        "learning rate",
        "status",
        "good range",
        "edge",
        "cost",
        "engine",
    ]
    assert f"lr = {plain['lr']!r}" in lines
    assert "rung 0, probe: 6 members" in done.stderr
    assert "rung 1, probe: 3 members" in done.stderr
    assert done.exit_code == EXIT_CODES[plain["status"]]


def test_not_on_a_terminal_nothing_but_plain_lines(wine: tuple[Any, dict[str, Any], str]) -> None:
    for text in (wine[0].stdout, wine[0].stderr):
        assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []


def test_json_holds_the_answer(wine: tuple[Any, dict[str, Any], str]) -> None:
    plain = wine[1]
    assert plain["low"] <= plain["lr"] <= plain["high"]
    assert plain["max_stable"] >= plain["lr"]
    assert plain["status"] in EXIT_CODES
    assert plain["reasons"]
    assert plain["cost"]["steps"] == sum(plain["cost"]["steps_by_kind"].values()) > 0
    assert plain["cost"]["run_equivalents"] == plain["cost"]["steps"] / 300 <= 1
    assert plain["cost"]["seconds"] > 0
    assert {trial["rung"] for trial in plain["trials"]} >= {-1, 0, 1}
    assert plain["provenance"]["seed"] == 0


def test_the_report_is_written(wine: tuple[Any, dict[str, Any], str]) -> None:
    assert wine[2].lstrip().lower().startswith("<!doctype html>")
    assert f"lr = {wine[1]['lr']!r}" in wine[2]


def test_it_answers_what_the_library_answers(wine: tuple[Any, dict[str, Any], str]) -> None:
    assert rr.find("wine", steps=300, engine="serial").lr == wine[1]["lr"]


def test_quiet_prints_the_number_alone(wine: tuple[Any, dict[str, Any], str]) -> None:
    done = run(*WINE, "--quiet")
    assert (done.stdout, done.stderr) == (f"{wine[1]['lr']!r}\n", "")


def test_json_on_stdout_is_alone_there(wine: tuple[Any, dict[str, Any], str]) -> None:
    done = run(*WINE, "--json", "-")
    assert json.loads(done.stdout)["lr"] == wine[1]["lr"]
    assert "To use it:" in done.stderr


def test_a_task_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "own_task.py").write_text(SCRIPT)
    (tmp_path / "neighbour.py").write_text(NEIGHBOUR)
    (tmp_path / "late_neighbour.py").write_text("from torch.nn.functional import cross_entropy\n")
    before = list(sys.path)
    done = run(f"{tmp_path / 'own_task.py'}:task", "--engine", "serial", "--json", "-")
    assert json.loads(done.stdout)["settings"]["task"] == "\x1b[31m[bold]mine"
    assert "\\x1b[31m[bold]mine, adamw, constant, 300 steps\n" in done.stderr
    assert "noise from the file\n" in done.stderr
    assert "noise from the model\n" in done.stderr
    assert "\x1b" not in done.stderr
    assert sys.path == before
    assert {"own_task", "neighbour", "late_neighbour"}.isdisjoint(sys.modules)


def test_a_csv_file_with_hostile_names(tmp_path: Path) -> None:
    path = tmp_path / "[red]\x1b[31m.csv"
    rows = [f"{place % 7},{place % 3},{'yes' if place % 7 > 3 else 'no'}" for place in range(120)]
    path.write_text("\n".join(["a,<b>\x1b[2J,[bold]c", *rows]))
    done = run(str(path), "--target", "[bold]c", "--steps", "300", "--engine", "serial")
    assert done.exit_code == EXIT_CODES[done.stdout.split("status")[1].split(":")[0].strip()]
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digitz",), "error: The task must be a built-in one .*Did you mean 'digits'?"),
        (("nowhere/train.py:task",), "error: The file of a task must be an existing Python file"),
        (("table.csv",), "error: The file 'table.csv' must be an existing CSV file, got 'no such file'"),
        (("wine", "--target", "x"), "error: The target must be left out for the task 'wine', got 'x'"),
        (("wine", "--steps", "0"), "error: --steps must be an integer >= 1, got 0"),
        (("wine", "--objective", "acc:max"), "error: --objective must be one of 'loss', 'accuracy'"),
        (("wine", "--momentum", "0.9"), "error: --momentum must be left out for the optimizer 'adamw'"),
        (("wine", "--optimizer", "sgd", "--momentum", "-1"), "error: --optimizer must be constructible"),
        (("nonsense", "--json", "/nowhere/out.json"), "error: --json must be in a folder that exists"),
        (("nonsense", "--report", "."), "error: --report must be a file, got '.'"),
        (("nonsense", "--json", "a", "--report", "./a"), "error: --report must be another file than that"),
        (("wine", "--json"), "requires an argument"),
        ((), "(?s)Missing argument.*TASK"),
    ],
)
def test_misuse_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.stderr
    assert (done.exit_code, done.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_an_exception_in_the_users_file_shows_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken_task.py"
    path.write_text("import torch\n\ndef task():\n    return 1 / 0\n")
    done = run(f"{path}:task")
    assert done.exit_code == 2
    traceback, error = done.stderr.split("error: ")
    assert f'File "{path}", line 4, in task' in traceback
    assert "rightrate/tasks" not in traceback
    assert "ZeroDivisionError: division by zero at line 4" in error


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Record], None]:
    """Let the search answer at once with a record."""

    def answer(record: Record) -> None:
        result = Result(record=record, spec=resolve("sgd"), shape=Constant(total_steps=10))
        monkeypatch.setattr("rightrate.finder.find", lambda **_: result)

    return answer


@pytest.mark.parametrize(
    ("status", "code"),
    [("found", 0), ("edge", 0), ("flat", 0), ("diverged", 1), ("inconclusive", 1), ("interrupted", 130)],
)
def test_exit_codes(status: str, code: int, answering: Callable[[Record], None], tmp_path: Path) -> None:
    answering(answered(status=status))
    done = run("wine", "--json", str(tmp_path / "out.json"))
    assert done.exit_code == code
    assert json.loads((tmp_path / "out.json").read_text())["status"] == status


def test_quiet_without_an_answer_says_why(answering: Callable[[Record], None]) -> None:
    answering(answered(lr=None, status="diverged", message="Nothing \x1btrains."))
    done = run("wine", "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Nothing \\x1btrains.\n")


def test_quiet_and_json_on_stdout(answering: Callable[[Record], None]) -> None:
    answering(RECORD)
    done = run("wine", "-q", "--json", "-")
    assert json.loads(done.stdout)["lr"] == 0.0123
    assert done.stderr == ""


def test_a_file_that_fails_in_the_end_does_not_lose_the_answer(
    answering: Callable[[Record], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(RECORD)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    done = run("wine", "--json", str(tmp_path / "a"), "--report", str(tmp_path / "b"))
    assert "learning rate  0.0123" in done.stdout
    assert "error: --json must be a file that can be written" in done.stderr
    assert "error: --report must be a file that can be written" in done.stderr
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_schedule_that_is_written_out_gives_the_length() -> None:
    done = run("wine", "--engine", "serial", "--schedule", "warmup(30) + cosine(270)", "--json", "-", "-q")
    plain = json.loads(done.stdout)
    assert done.exit_code == EXIT_CODES[plain["status"]]
    assert plain["settings"]["schedule"] == "warmup(30) + cosine(270)"
    assert plain["settings"]["steps"] == 300


def test_a_mistake_in_a_schedule_is_pointed_to() -> None:
    done = run("wine", "--schedule", "warmup(30) + cosin(270)")
    assert (done.exit_code, done.stdout) == (2, "")
    said = "error: --schedule at position 14 must be the name of a schedule, got 'cosin'."
    assert done.stderr.splitlines()[-3:] == [
        f"{said} Did you mean 'cosine'?",
        "    warmup(30) + cosin(270)",
        "                 ^",
    ]
