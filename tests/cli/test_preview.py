import os
from pathlib import Path
from typing import Any

import pytest
from tests.test_import import loaded_by
from typer.testing import CliRunner

from rightrate.cli.app import app


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["preview", *arguments], catch_exceptions=False)


def test_values_curve_and_differences() -> None:
    done = run("warmup(200)+cosine(1800)", "--lr", "3e-4")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:9] == [
        "a  warmup(200) + cosine(1800), 2,000 steps",
        "",
        "      step           a  with lr 3e-4",
        "         0   1.493e-06  first step",
        "       199   0.0002985  turn",
        "       200      0.0003  peak",
        "       999   0.0001763  middle",
        "     1,999   2.285e-10  last step",
        "     2,000   2.285e-10  after the end",
    ]
    assert lines[10] == "learning rate"
    assert lines[11].startswith("  0.0003 |      aaaa")
    assert lines[24].startswith("       0 |a")
    assert lines[26].endswith("1,999  step")
    assert lines[28] == "elsewhere"
    assert lines[29].startswith("  torch CosineAnnealingLR: The same rates until T_max")
    assert len(lines) == 34


def test_several_are_compared() -> None:
    lines = run("linear(4)", "0.5 * piecewise(2: 1, 6: 0.5)").stdout.splitlines()
    assert lines[:2] == ["a  linear(4), 4 steps", "b  piecewise(2: 0.5, 6: 0.25), 6 steps"]
    assert lines[3].split() == ["step", "a", "b", "with", "lr", "1"]
    assert lines[4].split() == ["0", "1", "0.5", "first", "step"]
    assert "".join(lines).count("a: after the end") == 1


def test_what_is_left_out_is_said() -> None:
    shown = run("step(1000, every_steps=10, factor=0.9)").stdout
    assert "       ...  the rate turns at more places than are shown here\n" in shown
    assert "..." not in run("rex(9)").stdout


def test_nothing_is_said_of_other_libraries_where_they_have_none() -> None:
    assert "elsewhere" not in run("rex(9)").stdout
    assert run("rex(1)").stdout.startswith("a  rex(1), 1 step\n")


def test_a_logarithmic_chart_is_cut_below() -> None:
    lines = run("cosine(2000)", "--log").stdout.splitlines()
    start = lines.index("learning rate") + 1
    top, bottom = float(lines[start].split("|")[0]), float(lines[start + 13].split("|")[0])
    assert top == 1.0
    assert 1e-4 <= bottom < 2e-4
    held = run("linear(2000, floor=0.5)", "--log").stdout.splitlines()
    assert held[held.index("learning rate") + 14].startswith("     0.5 |")


def test_a_billion_restarts_are_shown() -> None:
    lines = run("restarted(cosine(7), 1e9)", "--log").stdout.splitlines()
    assert lines[0] == "a  restarted(cosine(7), times=1000000000), 7,000,000,000 steps"
    assert lines[2] == "         step           a  with lr 1"
    assert lines[3] == "            0           1  first step"
    assert "6,999,999,999     0.04952  last step" in lines


def test_files(tmp_path: Path) -> None:
    picture, page = tmp_path / "a.png", tmp_path / "a.html"
    done = run("cosine(9)", "linear(9)", "--png", str(picture), "--html", str(page))
    assert done.stdout.startswith("a  cosine(9), 9 steps\nb  linear(9)")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(tmp_path.iterdir()) == [page, picture]
    linear = picture.read_bytes()
    assert '"scale":"linear"' in page.read_text(encoding="utf-8").replace(" ", "")
    run("cosine(9)", "linear(9)", "--png", str(picture), "--html", str(page), "--log")
    assert picture.read_bytes() != linear
    assert '"scale":"log"' in page.read_text(encoding="utf-8").replace(" ", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("cosin(9)",),
            "error: TEXT at position 1 must be the name of a schedule, got 'cosin'. Did you mean",
        ),
        (("cosin(9)",), "\n    cosin(9)\n    ^\n"),
        (
            ("cosine",),
            "error: TEXT at position 1 must be a schedule, got 'cosine'. Write its fields after it:",
        ),
        (
            ("rex(9)", "rex(0)"),
            "error: TEXT at position 5: Rex(total_steps=...) must be an integer >= 1, got 0",
        ),
        (("rex(9)", "--lr", "0"), "error: --lr must be a finite number > 0, got 0.0."),
        (("rex(9)", "--lr", "nan"), "error: --lr must be a finite number > 0, got nan."),
        (("rex(9)",) * 11, "error: TEXT must be given at most 10 times, got ["),
        (("rex(9)", "--png", "/nowhere/a.png"), "error: --png must be in a folder that exists"),
        (("rex(9)", "--html", "/nowhere/a.html"), "error: --html must be in a folder that exists"),
        (("rex(9)", "--png", "x", "--html", "./x"), "error: --html must be another file than that of --png"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_no_text_is_misuse() -> None:
    assert run().exit_code == 2


@pytest.mark.parametrize("option", ["--png", "--html"])
def test_a_full_disk_leaves_no_file(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run("rex(9)", option, str(tmp_path / "out"))
    assert done.exit_code == 2
    assert f"{option} must be a file that can be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "from typer.testing import CliRunner\n"
        "from rightrate.cli.app import app\n"
        "done = CliRunner().invoke(app, {})\n"
        "if done.exit_code: raise SystemExit(done.output)"
    )
    heavy = {"torch", "pandas", "scipy", "sklearn", "matplotlib", "plotly", "sympy"}
    assert loaded_by(code.format("['--help']")) & (heavy | {"numpy", "jinja2"}) == set()
    assert loaded_by(code.format("['preview', '--help']")) & (heavy | {"numpy", "jinja2"}) == set()
    assert loaded_by(code.format("['preview', 'rex(9)']")) & heavy == set()
