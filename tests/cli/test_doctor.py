import importlib
import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rightrate.cli import doctor
from rightrate.cli.app import app


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *arguments], catch_exceptions=False)


def by_name() -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.checks()}


def test_a_whole_installation_is_well() -> None:
    done = run()
    assert done.exit_code == 0
    assert f"ok        torch: {importlib.metadata.version('torch')}\n" in done.stdout
    assert "device: " in done.stdout
    assert "threads: " in done.stdout
    assert done.stdout.endswith("All that is needed is here.\n")


def test_json() -> None:
    plain = {item["name"]: item for item in json.loads(run("--json", "-").stdout)}
    assert plain["rightrate"]["found"] == importlib.metadata.version("rightrate")
    assert {"torch", "numpy", "scikit-learn", "device", "threads", "torch.compile"} <= set(plain)


def installed(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Pretend that packages have other versions, or are not there."""
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name not in versions:
            return real(name)
        if (found := versions[name]) is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, plotly=None, rich="12.9", scipy="1.11.0rc1")
    done = run()
    assert done.exit_code == 1
    assert 'missing   plotly: not installed (pip install "plotly>=' in done.stdout
    assert 'missing   rich: 12.9, but >=13 is needed (pip install "rich>=13")' in done.stdout
    assert "ok        scipy: 1.11.0rc1" in done.stdout
    assert done.stdout.endswith("Missing: rich, plotly.\n")


def test_extras_are_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, jax=None, jaxlib="0.5")
    check = by_name()["extra [jax]"]
    assert (check.state, check.found) == ("optional", "jax not installed")
    assert check.advice == 'pip install "rightrate[jax]"'
    installed(monkeypatch, jax="0.5", jaxlib="0.5")
    assert by_name()["extra [jax]"].state == "ok"
    assert "extra [dev]" not in by_name()


def test_without_a_compiler_everything_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    check = by_name()["torch.compile"]
    assert (check.state, check.found) == ("optional", "no C++ compiler; training goes uncompiled")
    assert "g++" in check.advice


def test_the_compiler_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "my-c++")
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert by_name()["torch.compile"].found.startswith("/bin/my-c++")


def test_compiling_needs_pythons_headers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(doctor.sysconfig, "get_path", lambda _: str(tmp_path))
    check = by_name()["torch.compile"]
    assert check.state == "optional"
    assert "no Python.h" in check.found
    (tmp_path / "Python.h").touch()
    assert by_name()["torch.compile"].state == "ok"


def test_a_torch_that_does_not_load_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError(f"{name}: \x1b cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", broken)
    done = run()
    assert done.exit_code == 1
    assert "missing   torch computes: it does not work: torch: \\x1b cannot open" in done.stdout


def test_a_torch_that_computes_wrongly_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.Tensor, "sum", lambda tensor: tensor[0])
    assert by_name()["torch computes"].found == "a gradient is wrong"


@pytest.mark.parametrize(
    ("found", "wanted", "enough"),
    [
        ("2.13.0+cpu", ">=2.6", True),
        ("2.5.1", ">=2.6", False),
        ("13", ">=13", True),
        ("13.0.0", ">=13", True),
        ("1.1.0", ">=1.0.4,<1.1", False),
        ("1.0.4", "<1.1,>=1.0.4", True),
        ("1.0", "", True),
    ],
)
def test_versions(found: str, wanted: str, enough: bool) -> None:
    assert doctor._satisfies(found, wanted) is enough


def test_on_a_terminal_it_is_a_table(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(
        doctor, "console_for", lambda stream: Console(file=stream, force_terminal=True, width=200)
    )
    installed(monkeypatch, plotly=None)
    assert doctor.doctor(json=None) == 1
    shown = capsys.readouterr().out
    assert "\x1b[31mmissing" in shown
    assert "Missing: plotly." in shown
