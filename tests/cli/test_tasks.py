import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rightrate.cli import console, tasks
from rightrate.cli.app import app
from rightrate.tasks import infos


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["tasks", *arguments], catch_exceptions=False)


def test_every_task_is_listed_with_what_people_ask() -> None:
    done = run()
    assert done.exit_code == 0
    for line, info in zip(done.stdout.splitlines(), infos(), strict=True):
        assert line == f"{info.name}: {info.description}; {info.steps} steps. Data: {info.source}."


def test_json() -> None:
    plain = json.loads(run("--json", "-").stdout)
    assert [item["name"] for item in plain] == [info.name for info in infos()]
    assert {"description", "source", "steps", "optimizer"} <= set(plain[0])


def test_json_into_a_file(tmp_path: Path) -> None:
    done = run("--json", str(tmp_path / "tasks.json"))
    assert done.stdout == ""
    assert json.loads((tmp_path / "tasks.json").read_text())[0]["name"] == infos()[0].name


def test_json_into_nowhere() -> None:
    done = run("--json", "/nowhere/tasks.json")
    assert done.exit_code == 2
    assert "error: --json must be a file that can be written, got '/nowhere/tasks.json'" in done.stderr


def test_on_a_terminal_it_is_a_table(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(
        tasks, "console_for", lambda stream: console.Console(file=stream, force_terminal=True, width=200)
    )
    assert tasks.tasks(json=None) == 0
    shown = capsys.readouterr().out
    assert "where it comes from" in shown
    assert [info.source for info in infos() if info.source not in shown] == []
