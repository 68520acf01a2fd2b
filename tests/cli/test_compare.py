"""`rightrate compare` in this process, on small tasks."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rightrate.cli.app import app
from rightrate.cli.comparing import EXIT_CODES
from rightrate.comparison.training import Trainer

SIX = ["sgd", "momentum", "rmsprop", "adagrad", "adadelta", "adam"]
README = ("digits", "--optimizers", ",".join(SIX), "--lrs", "0.1,0.01,0.001", "--seeds", "3")
WINE = ("wine", "--optimizers", "sgd,adam", "--lrs", "0.1,0.01", "--seeds", "2", "--steps", "20")


def run(*arguments: str, **settings: Any) -> Any:
    return CliRunner().invoke(app, ["compare", *arguments], catch_exceptions=False, **settings)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The README's command, with few steps and all outputs: what it printed, and the folder of its files."""
    folder = tmp_path_factory.mktemp("digits")
    files = [f"--{name}={folder / name}" for name in ("json", "report")]
    return run(*README, "--steps", "10", "--engine", "serial", "--no-store", *files), folder


def test_the_answer_is_on_stdout(digits: tuple[Any, Path]) -> None:
    done, folder = digits
    plain = json.loads((folder / "json").read_text())
    lines = done.stdout.splitlines()
    assert done.exit_code == EXIT_CODES[plain["status"]] == 0
    assert lines[0] == "digits, 10 steps, seeds 0, 1, 2"
    assert lines[1] == f"{plain['status']}: {plain['message']}"
    for heading in ("Each at its own best rate:", "All at the same rate:"):
        first = lines.index(heading) + 2
        assert sorted(line.split()[0] for line in lines[first : first + 6]) == sorted(SIX)
    assert "540 training steps, the price of 54 runs" in done.stdout


def test_progress_names_what_is_trained(digits: tuple[Any, Path]) -> None:
    done, _ = digits
    for seed in range(3):
        for name in SIX:
            assert f"\n{name}, constant, seed {seed}: 3 members, lr 0.001 to 0.1, step " in done.stderr
    assert "rung" not in done.stderr


def test_the_files_are_written(digits: tuple[Any, Path]) -> None:
    _, folder = digits
    assert len(json.loads((folder / "json").read_text())["trials"]) == 6 * 3 * 3
    assert 'id="chart-objective"' in (folder / "report").read_text()


def test_quiet_prints_optimizer_schedule_and_rate_alone() -> None:
    done = run(*WINE, "--engine", "serial", "--no-store", "--quiet")
    name, schedule, lr = done.stdout.split()
    assert (name in ("sgd", "adam"), schedule, float(lr) in (0.1, 0.01)) == (True, "constant", True)
    assert done.stderr == ""


def test_json_on_stdout_sends_the_answer_to_stderr() -> None:
    done = run(*WINE, "--engine", "serial", "--no-store", "--json", "-")
    assert len(json.loads(done.stdout)["trials"]) == 8
    assert "Each at its own best rate:" in done.stderr


def test_the_same_command_is_answered_from_the_store(tmp_path: Path, monkeypatch: Any) -> None:
    asked = (*WINE, "--engine", "serial", "--store", str(tmp_path / "runs.db"))
    first = run(*asked)
    with monkeypatch.context() as broken:
        broken.setattr(Trainer, "run", None)
        second = run(*asked)
    assert "This is the answer of study 1" in second.stderr
    assert second.stdout == first.stdout.replace(" in all\n", " in all, none of it in this session\n")
    assert "answer of study" not in run(*asked, "--fresh").stderr


def test_where_nothing_trains_it_ends_with_1() -> None:
    asked = ("wine", "--optimizers", "sgd", "--lrs", "1e-12", "--seeds", "1", "--steps", "5", "--no-store")
    done = run(*asked, "--engine", "serial", "--quiet")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Nothing trains")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--optimizers", "sdg"), "--optimizers must be one of 'sgd', "),
        (("--optimizers", "sgd,,adam"), "--optimizers must be names or numbers with commas between them"),
        (("--optimizers", "nowhere.Lion"), "--optimizers must be "),
        (("--lrs", "fnd"), "--lrs must be rates above zero or 'find', got 'fnd'."),
        (("--lrs", "0"), "--lrs must be a finite number > 0, got 0.0."),
        (("--seeds", "two"), "--seeds must be whole numbers, got 'two'."),
        (("--seeds", "0"), "--seeds must be an integer >= 1, got 0."),
        (("--seeds", "1,1"), "--seeds must be a number of seeds, or different seeds, got [1, 1]."),
        (("--schedules", "cosine,cosine"), "--schedules must be schedules that differ, got 'cosine'."),
        (("--schedules", "cosine(9)", "--steps", "5"), "--schedules must be a schedule of 5 steps"),
        (("--steps", "0"), "--steps must be an integer >= 1, got 0."),
        (("--tolerance", "0.9"), "--tolerance must be "),
        (("--engine", "fast"), "--engine must be one of 'auto', 'serial', 'stacked', got 'fast'."),
        (("--reach", "nan"), "--reach must be a finite number, got nan."),
        (("--json", "/nowhere/a"), "--json must be in a folder that exists, got '/nowhere/a'."),
        (("--store", "a", "--no-store"), "--store and --no-store must be given as one of the two, got 'a'."),
        (("--epochs", "1", "--steps", "2"), "--steps and --epochs must be given as one of the two"),
    ],
)
def test_misuse_ends_with_2_and_a_sentence(options: tuple[str, ...], message: str) -> None:
    memory = () if "--store" in options else ("--no-store",)
    done = run("wine", *options, *memory)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_every_status_has_an_exit_code() -> None:
    assert EXIT_CODES == {"found": 0, "edge": 0, "diverged": 1, "interrupted": 130}
