import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from tests.test_import import loaded_by
from typer.testing import CliRunner

from rightrate.cli.app import app
from rightrate.optimizers.rules import NAMES


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["descend", *arguments], catch_exceptions=False)


def test_too_low_right_and_too_high() -> None:
    done = run("x**2 + 3*y**2", "--lr", "0.0001", "--lr", "0.1", "--lr", "0.4")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "x**2 + 3*y**2 from x = 1.5, y = 1.5, GradientDescent()"
    assert lines[2].split() == ["lr", "status", "steps", "value", "at"]
    assert [line.split()[:3] for line in lines[3:6]] == [
        ["a", "0.0001", "slow"],
        ["b", "0.1", "converged"],
        ["c", "0.4", "diverged"],
    ]
    assert lines[7] == "gradient norm"
    assert [line[0] for line in lines[-3:]] == ["a", "b", "c"]
    assert lines[-3].endswith("Raise the learning rate, or take more steps.")
    assert lines[-2].startswith("b  Converged after 57 steps")
    assert lines[-1].endswith("Lower the learning rate.")


def test_what_ran_away_does_not_flatten_the_chart() -> None:
    lines = run("x**2", "--lr", "0.3", "--lr", "5").stdout.splitlines()
    top = next(line for line in lines if " |" in line)
    assert float(top.split("|")[0]) < 1e4


def test_the_exit_code_says_whether_one_converged() -> None:
    assert run("x**2", "--lr", "1.5").exit_code == 1
    assert run("x**2", "--lr", "1.5", "--lr", "0.2").exit_code == 0
    assert run("x**2", "--lr", "0.01", "--steps", "5").exit_code == 1


def test_a_rule_a_start_and_the_default_rate() -> None:
    done = run("(x - 1)**2", "--rule", "momentum", "--start", " x = 3 ")
    assert done.stdout.startswith("(x - 1)**2 from x = 3, Momentum(beta=0.9, form='heavy-ball')\n")
    assert "a  0.1        converged" in done.stdout


def test_schedules_beside_numbers() -> None:
    text = "piecewise(40: 0.1, 70: 0.01, 100: 0.001)"
    done = run("x**2 + 3*y**2", "--lr", text, "--lr", "0.1", "--lr", "0.1 * cosine(300)")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line[: 4 + len(text)].rstrip() for line in lines[2:6]] == [
        "   lr",
        f"a  {text}",
        "b  0.1",
        "c  cosine(300, peak=0.1)",
    ]
    assert [line[4 + len(text) :].split()[0] for line in lines[2:6]] == [
        "status",
        "slow",
        "converged",
        "converged",
    ]


def test_a_schedule_is_text_in_the_json() -> None:
    done = run("x**2", "--lr", " 0.3*warmup(2) + 0.3*linear(4) ", "--steps", "5", "--json", "-")
    (only,) = json.loads(done.stdout)["descents"]
    assert only["lr"] == "warmup(2, peak=0.3) + linear(4, peak=0.3)"
    assert only["lrs"] == pytest.approx([0.1, 0.2, 0.3, 0.225, 0.15], rel=1e-12)


def test_help_names_every_rule() -> None:
    shown = " ".join(CliRunner().invoke(app, ["descend", "--help"], terminal_width=400).stdout.split())
    assert [name for name in NAMES if name.replace(" ", "-") not in shown] == []


def test_settings_of_the_rule() -> None:
    done = run("x**2", "--rule", "momentum", "--set", "beta=0.5", "--set", "form = ema", "--lr", "0.3")
    assert done.stdout.startswith("x**2 from x = 1.5, Momentum(beta=0.5, form='ema')\n")
    assert done.stdout != run("x**2", "--rule", "momentum", "--set", "beta=0.5", "--lr", "0.3").stdout


def test_json_is_all_there_is_on_stdout() -> None:
    plain = json.loads(run("x**2", "--lr", "0.25", "--start", "x=8", "--steps", "2", "--json", "-").stdout)
    assert plain["expression"] == "x**2"
    (only,) = plain["descents"]
    assert (only["status"], only["path"], only["names"]) == ("slow", [[8.0], [4.0], [2.0]], ["x"])
    assert only["gradient"] == "given"


def test_files(tmp_path: Path) -> None:
    picture, data = tmp_path / "picture.png", tmp_path / "data.json"
    done = run("x**2", "--lr", "0.1", "--lr", "1.0", "--png", str(picture), "--json", str(data))
    assert done.stdout.startswith("x**2 from x = 1.5")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert [item["status"] for item in json.loads(data.read_text())["descents"]] == [
        "converged",
        "oscillating",
    ]


def test_settings_inside_a_rule_and_none() -> None:
    adamw = run("x**2", "--rule", "adamw", "--set", "beta1=0.5", "--set", "weight_decay=0").stdout
    assert adamw.splitlines()[0].endswith(
        "AdamW(weight_decay=0.0, adam=Adam(beta1=0.5, beta2=0.999, eps=1e-08, form='corrected'))"
    )
    nadam = run("x**2", "--rule", "nadam", "--set", "momentum_decay=none").stdout
    assert "momentum_decay=None" in nadam.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("2x",),
            "error: EXPRESSION must be a formula, got '2x'. Write 2*x for a product and x**2 for a power.\n",
        ),
        (("x**2 +",), "It ends where something more is needed.\n    x**2 +\n          ^\n"),
        (("__import__('os')",), "error: EXPRESSION must be a formula of numbers"),
        (("x", "--lr", "0"), "error: --lr must be a finite number > 0, got 0.0."),
        (("x", *["--lr", "1"] * 11), "error: --lr must be given at most 10 times, got ['1',"),
        (("x", "--lr", "nan"), "error: --lr must be a finite number > 0, got nan."),
        (
            ("x", "--lr", "fast"),
            "error: --lr must be a number or a schedule, got 'fast'. Such as --lr 0.1, or",
        ),
        (("x", "--lr", "0.1,0.2"), "error: --lr must be a number or a schedule, got '0.1,0.2'."),
        (("x", "--lr", ""), "error: --lr must be a number or a schedule, got ''."),
        (
            ("x", "--lr", "cosine"),
            "error: --lr at position 1 must be a schedule, got 'cosine'. Write its fields",
        ),
        (("x", "--lr", "cosin(10)"), "got 'cosin'. Did you mean 'cosine'?\n    cosin(10)\n    ^\n"),
        (("x", "--lr", "piecewise(40: 0.1, 30: 0.01)"), "error: --lr at position "),
        (("x", "--rule", "sgd"), "error: --rule must be one of 'gradient descent', 'momentum'"),
        (("x", "--set", "beta=1"), "error: --set must be NAME=VALUE, got 'beta=1'. Settings of GradientDesc"),
        (("x", "--rule", "adamw", "--set", "adam=1"), "Settings of AdamW(weight_decay=0.01, adam=Adam("),
        (
            ("x", "--rule", "adam", "--set", "eps=none"),
            "error: Adam(eps=...) must be a finite number >= 0, got No",
        ),
        (("x", "--rule", "adam", "--set", "beta1=high"), "error: --set beta1 must be a number, got 'high'."),
        (
            ("x", "--rule", "adam", "--set", "beta1=1"),
            "error: Adam(beta1=...) must be a finite number in [0, 1)",
        ),
        (("x", "--steps", "0"), "error: --steps must be an integer >= 1, got 0."),
        (
            ("x*y", "--start", "z=1"),
            "error: --start must be values of x, y, got 'z=1'. Write --start x=1.5,y=1.5.",
        ),
        (("x", "--start", "1"), "error: --start must be values of x, got '1'."),
        (("x", "--start", "x=one"), "error: --start x must be a number, got 'one'."),
        (("x", "--start", "x=inf"), "error: --start x must be a finite number, got inf."),
        (
            ("log(x)", "--start", "x=-1"),
            "error: --start must be where the formula and its gradient are finite, got 'x = -1'.",
        ),
        (("x", "--png", "/nowhere/a.png"), "error: --png must be in a folder that exists"),
        (("x", "--json", "/nowhere/a.json"), "error: --json must be in a folder that exists"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_picture_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run("x**2", "--png", str(tmp_path / "a.png"))
    assert done.exit_code == 2
    assert "--png must be a file that can be written" in done.stderr
    assert "No space left on device." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "optimizers.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    first, second = (shlex.split(line) for line in block.splitlines())
    assert first[:2] == second[:2] == ["rightrate", "descend"]
    shown = run(*first[2:]).stdout.splitlines()
    assert [line.split()[2] for line in shown[3:6]] == ["slow", "converged", "diverged"]
    assert (tmp_path / "descent.png").is_file()
    assert run(*second[2:]).exit_code == 0


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "from typer.testing import CliRunner\n"
        "from rightrate.cli.app import app\n"
        "done = CliRunner().invoke(app, ['descend', {}])\n"
        "if done.exit_code: raise SystemExit(done.output)"
    )
    heavy = {"torch", "pandas", "scipy", "sklearn", "matplotlib", "plotly", "sympy"}
    assert loaded_by(code.format("'--help'")) & (heavy | {"numpy"}) == set()
    assert loaded_by(code.format("'x**2'")) & heavy == set()
