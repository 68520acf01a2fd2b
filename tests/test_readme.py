"""What the README shows is true."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import rightrate as rr
from rightrate.tasks.registry import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.slow
def test_the_library_in_15_lines_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = blocks()[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["result"].lr == names["optimizer"].defaults["lr"]
    assert (tmp_path / "report.html").stat().st_size > 0


def test_comparing_and_tuning_are_called_as_shown() -> None:
    """With fewer steps; the model is the task's own kind, so that the winner fits into it."""
    short = SimpleNamespace(
        compare=lambda *args, **given: rr.compare(*args, **{**given, "steps": 8, "seeds": 2}),
        tune=lambda *args, **given: rr.tune(*args, **{**given, "steps": 24}),
    )
    names: dict[str, object] = {"rr": short, "model": load("digits").model()}
    exec(compile(blocks()[1], "README.md", "exec"), names)
    assert names["report"].status != "interrupted"
    assert names["best"].lr > 0


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert links
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert missing == []
