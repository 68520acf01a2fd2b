"""The command line as a process of its own."""

import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from tests.test_import import loaded_by
from typer.main import get_command
from typer.testing import CliRunner

from rightrate.cli import app as module

COMMANDS: tuple[str, ...] = tuple(get_command(module.app).commands)  # type: ignore[attr-defined]


def rightrate(*arguments: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rightrate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **settings)


def test_version() -> None:
    done = rightrate("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"rightrate {version('rightrate')}\n", "")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_loads_nothing_heavy(command: tuple[str, ...]) -> None:
    code = (
        "import contextlib, io\n"
        "from typer.testing import CliRunner\n"
        "from rightrate.cli.app import app\n"
        f"done = CliRunner().invoke(app, [*{command!r}, '--help'])\n"
        "if done.exit_code or 'Usage' not in done.stdout: raise SystemExit(done.stdout)"
    )
    heavy = {"torch", "numpy", "pandas", "scipy", "sklearn", "matplotlib", "plotly", "jinja2", "sympy", "PIL"}
    assert loaded_by(code) & heavy == set()


def test_no_command_is_help() -> None:
    shown = CliRunner().invoke(module.app, [])
    assert {"find", "tasks", "doctor", "descend", "preview"} <= set(COMMANDS)
    assert [name for name in COMMANDS if name not in shown.output] == []


def test_listing_tasks_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from rightrate.cli.tasks import tasks\n"
        "stdout, sys.stdout = sys.stdout, sys.stderr\n"
        "tasks(json=None)\n"
        "sys.stdout = stdout"
    )
    assert loaded_by(code) & {"torch", "numpy", "pandas", "sklearn"} == set()


def test_what_nobody_foresaw_is_not_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(module, "app", broken)
    with pytest.raises(SystemExit, match="2"):
        module.main()
    assert "ZeroDivisionError: by zero" in capsys.readouterr().err


def test_a_model_that_fails_shows_its_own_traceback(tmp_path: Any) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "import torch, rightrate as rr\n"
        "task = rr.Task(model=torch.nn.Linear(3, 2), train=(torch.zeros(8, 4), torch.zeros(8).long()),\n"
        "               loss=torch.nn.functional.cross_entropy)\n"
    )
    done = rightrate("find", f"{path}:task")
    assert done.returncode == 2
    assert "mat1 and mat2 shapes cannot be multiplied" in done.stderr
    assert done.stdout == ""


def test_an_old_encoding_is_no_obstacle() -> None:
    import os

    done = rightrate("tasks", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_closed_pipe_is_no_crash() -> None:
    command = f"{sys.executable} -m rightrate tasks | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_json_to_stdout_can_be_piped() -> None:
    done = rightrate("find", "wine", "--steps", "300", "--engine", "serial", "-q", "--json", "-")
    assert json.loads(done.stdout)["settings"]["task"] == "wine"
    assert done.stderr == ""
