"""The examples run as they are shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def python(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_task_of_ones_own(tmp_path: Path) -> None:
    spec = f"{EXAMPLES / 'train.py'}:task"
    plain = json.loads(python("-m", "rightrate", "find", spec, "--quiet", "--json", "-", folder=tmp_path))
    assert plain["settings"]["task"] == "tumours"
    assert 1e-5 < plain["low"] < plain["lr"] < plain["high"] < 1.0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_loop_of_ones_own(tmp_path: Path) -> None:
    shown = python(str(EXAMPLES / "loop.py"), folder=tmp_path)
    assert float(shown.rsplit("accuracy ", 1)[1]) > 0.9


@pytest.mark.slow
def test_two_members_of_a_population(tmp_path: Path) -> None:
    lines = python(str(EXAMPLES / "pbt_two_members.py"), folder=tmp_path).splitlines()
    first, second = (float(line.split()[-2].rstrip("%")) for line in lines[:2])
    assert 25 <= first <= 35
    assert 2 <= second <= 4
    assert lines[2] == "  member 2 goes on from member 1, at lr 0.00088"
    last = [float(line.split()[-2].rstrip("%")) for line in lines if line.startswith("step 300")]
    assert min(last) > first
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_that_is_watched_and_mended(tmp_path: Path) -> None:
    shown = python(str(EXAMPLES / "watch.py"), folder=tmp_path)
    assert "rollback (multiplier 1 to 0.04" in shown
    assert float(shown.rsplit("accuracy ", 1)[1]) > 0.9
    assert (tmp_path / "watch.html").is_file()


def test_every_example_is_tested() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    names = [path.name for path in EXAMPLES.glob("*.py")]
    assert names
    assert [name for name in names if f'EXAMPLES / "{name}"' not in text.replace("'", '"')] == []
