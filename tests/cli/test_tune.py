"""`rightrate tune` in this process, on a small task."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import rightrate as rr
from rightrate.cli.app import app
from rightrate.cli.tuning import EXIT_CODES
from rightrate.schedules import parse
from rightrate.tuner.trainer import Trainer

WINE = ("wine", "--steps", "60", "--engine", "serial", "--low", "1e-3", "--high", "0.5")


def run(*arguments: str, **settings: Any) -> Any:
    return CliRunner().invoke(app, ["tune", *arguments], catch_exceptions=False, **settings)


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """One run with all outputs: the runner's result, and the folder of its files."""
    folder = tmp_path_factory.mktemp("wine")
    files = [f"--{name}={folder / name}" for name in ("json", "report", "weights")]
    asked = ("--method", "pbt", "--members", "4", "--slow", "2", "--ready-steps", "6", "--no-store")
    return run(*WINE, *asked, *files), folder


def test_the_answer_is_on_stdout_and_progress_on_stderr(wine: tuple[Any, Path]) -> None:
    done, folder = wine
    plain = json.loads((folder / "json").read_text())
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert lines[0] == "wine, adamw, pbt, constant, 60 steps"
    assert lines[1].startswith("learning rate  ")
    assert lines[2] == f"status         found: {plain['message']}"
    assert parse(lines[3].split(maxsplit=1)[1]) == rr.schedules.from_dict(plain["schedule"])
    assert "Why:" in lines
    assert "round 1: 4 members" in done.stderr
    assert plain["settings"]["options"]["slow"] == 2


def test_the_files_are_written(wine: tuple[Any, Path]) -> None:
    from safetensors.torch import load_file

    _, folder = wine
    assert "Who went on from whom" in (folder / "report").read_text()
    assert load_file(folder / "weights")


def test_quiet_prints_the_schedule_alone() -> None:
    done = run(*WINE, "--method", "grid", "--members", "3", "--quiet")
    assert done.stderr == ""
    assert parse(done.stdout.strip()).total_steps == 60


def test_json_on_stdout_sends_the_answer_to_stderr() -> None:
    done = run(*WINE, "--members", "4", "--json", "-", "--schedule", "linear", "--no-store")
    assert json.loads(done.stdout)["settings"]["method"] == "halving"
    assert "status         found: " in done.stderr


def test_the_same_command_is_answered_from_the_store(tmp_path: Path, monkeypatch: Any) -> None:
    asked = (*WINE, "--method", "bayes", "--trials", "3", "--members", "2", "--sampler", "tpe")
    stored = ("--store", str(tmp_path / "runs.db"))
    first = run(*asked, *stored)
    with monkeypatch.context() as broken:
        broken.setattr(Trainer, "train", None)
        second = run(*asked, *stored)
    assert "This is the answer of study 1" in second.stderr
    assert second.stdout == first.stdout.replace(" in all\n", " in all, none of it in this session\n")
    assert "answer of study" not in run(*asked, *stored, "--fresh").stderr


def test_a_task_that_never_trains_ends_with_1() -> None:
    done = run(
        "wine", "--method", "grid", "--members", "2", "--steps", "5", "--low", "1e-9", "--high", "2e-9"
    )
    assert done.exit_code == 1
    assert "diverged: Nothing trained" in done.stdout


def test_where_nothing_can_be_handed_back_quiet_says_so_on_stderr(tmp_path: Path) -> None:
    script = tmp_path / "task.py"
    script.write_text(
        "import torch\nimport rightrate as rr\n"
        "data = (torch.randn(60, 2), torch.zeros(60))\n"
        "loss = lambda output, target: output.sum() * float('nan')\n"
        "task = rr.Task(model=torch.nn.Linear(2, 1), train=data, loss=loss)\n"
    )
    weights = tmp_path / "weights"
    asked = ("--method", "grid", "--members", "2", "--steps", "5", "--engine", "serial")
    done = run(f"{script}:task", *asked, "--quiet", "--no-store", "--weights", str(weights))
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("No learning rate from ")
    assert not weights.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "random"), "--method must be one of 'grid', 'halving', 'pbt', 'bayes', got 'random'."),
        (("--slow", "2"), "--slow must be left out for the method 'halving', got 2."),
        (("--method", "pbt", "--members", "1"), "--members must be an integer >= 2, got 1."),
        (("--steps", "0"), "--steps must be an integer >= 1, got 0."),
        (("--low", "-1"), "--low must be a finite number > 0, got -1.0."),
        (("--high", "1e-9"), "--high must be greater than low="),
        (("--json", "/nowhere/a"), "--json must be in a folder that exists, got '/nowhere/a'."),
        (("--store", "a", "--no-store"), "--store and --no-store must be given as one of the two, got 'a'."),
        (("--epochs", "1", "--steps", "2"), "--steps and --epochs must be given as one of the two"),
    ],
)
def test_misuse_ends_with_2_and_a_sentence(options: tuple[str, ...], message: str) -> None:
    done = run("wine", *options)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    same = str(tmp_path / "a")
    done = run("wine", "--json", same, "--report", same)
    assert done.exit_code == 2
    assert "--report must be another file than that of --json" in done.stderr


def test_a_file_that_cannot_be_written_after_all(tmp_path: Path, monkeypatch: Any) -> None:
    from rightrate.cli import tuning
    from rightrate.errors import ConfigError

    def full(option: str, path: Path, text: str) -> None:
        raise ConfigError("The disk is full.")

    monkeypatch.setattr(tuning, "write", full)
    done = run(*WINE, "--method", "grid", "--members", "2", "--json", str(tmp_path / "a"))
    assert done.exit_code == 2
    assert "error: The disk is full." in done.stderr
    assert "status         " in done.stdout


def test_every_status_has_an_exit_code() -> None:
    assert EXIT_CODES == {"found": 0, "edge": 0, "diverged": 1, "interrupted": 130}
