"""The page as text: what it says, what it escapes, and how it is written."""

import base64
import hashlib
import json
import math
import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from rightrate import report
from rightrate.errors import ConfigError
from rightrate.report.html import MEANINGS
from rightrate.search.record import Answer, Cliff, Fit, GoodRange, Levels, Record, Status

Make = Callable[..., Record]


def visible(page: str) -> str:
    """The page without scripts, styles and the still picture."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r'src="data:image[^"]*"', "", text)


def data(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    made = json.loads(found[1])
    assert isinstance(made, dict)
    return made


def test_says_the_answer_first(make_record: Make) -> None:
    text = visible(report.page(make_record()))
    order = ["digits", "0.012", "found", "anything from 0.0058", "0.0058 – 0.026", "0.21", "2.3"]
    places = [text.index(part) for part in order]
    assert places[:4] == sorted(places[:4])
    for part in ("fails at 0.3", "at most 2 %", "stacked, compiled, 8 members a call, 9.1x", "torch 2.13.0"):
        assert part in text
    assert "10 epochs were assumed." in text
    assert "All 49 runs" in text
    assert text.count("<tr>") == 49 + 1 + 4


@pytest.mark.parametrize("status", get_args(Status))
def test_every_status_is_explained(status: str, make_record: Make) -> None:
    lr = None if status == "diverged" else 0.012
    text = visible(report.page(make_record(answer={"status": status, "lr": lr})))
    assert f">{status}</span>" in text
    assert MEANINGS[status] in text
    assert ("none</p>" in text) == (lr is None)


def test_nothing_measured(make_record: Make) -> None:
    answer = Answer(lr=None, good=GoodRange(), cliff=Cliff(), status="interrupted", message="Stopped.")
    record = make_record(trials=(), fit=Fit(), answer=answer, levels=Levels(untrained=math.nan))
    page = report.page(record)
    assert "nothing to draw" in visible(page)
    assert "not measured" in visible(page)
    assert set(data(page)) == {"objective"}


def test_a_cliff_below_all_rates(make_record: Make) -> None:
    answer = {"cliff": Cliff(max_stable=None, lowest_failed=1e-5)}
    assert "the lowest rate that failed is 1e-5" in visible(report.page(make_record(answer=answer)))


def test_text_from_outside_is_escaped(make_record: Make) -> None:
    evil = "</script><script>alert(1)</script>{{7*7}}<img src=x onerror=alert(2)>"
    record = make_record(
        settings={"task": evil, "objective": evil, "notes": (evil,)}, answer={"message": evil}
    )
    page = report.page(replace(record, provenance=replace(record.provenance, versions={evil: evil})))
    assert page.count("<script") - page.count("<script>alert") == report.page(make_record()).count("<script")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "49<img" not in page


def test_policy_allows_only_the_pages_own_scripts(make_record: Make) -> None:
    page = report.page(make_record())
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    policy = found[1].replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "http" not in policy


def test_data_is_light_and_plain_json(make_record: Make) -> None:
    record = make_record()
    page = report.page(record)
    text = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert len(text) < 500_000
    assert set(data(page)) == {"objective", "curves", "rounds", "overfit", "range"}
    many = replace(record, trials=record.trials * 10)
    assert len(json.dumps(data(report.page(many)))) < 1_000_000


def test_same_record_same_page(make_record: Make) -> None:
    assert report.page(make_record()) == report.page(make_record())


def test_save_writes_the_page_and_nothing_else(make_record: Make, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    assert report.save(make_record(), target) == target
    assert target.read_text(encoding="utf-8") == report.page(make_record())
    assert os.listdir(tmp_path) == ["report.html"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask


def test_save_follows_a_link(make_record: Make, tmp_path: Path) -> None:
    link = tmp_path / "latest.html"
    link.symlink_to(tmp_path / "real.html")
    report.save(make_record(), link)
    assert link.is_symlink()
    assert (tmp_path / "real.html").stat().st_size > 1_000_000


def test_save_writes_text_that_is_no_valid_unicode(make_record: Make, tmp_path: Path) -> None:
    path = report.save(make_record(settings={"task": "caf\udce9"}), tmp_path / "report.html")
    assert "caf?" in path.read_text(encoding="utf-8")


def test_save_refuses_a_folder(make_record: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"save\(path=\.\.\.\) must be a file, got .*Name a file in it"):
        report.save(make_record(), tmp_path)


def test_save_refuses_what_is_no_plain_file(make_record: Make) -> None:
    with pytest.raises(ConfigError, match=r"save\(path=\.\.\.\) must be a file, got '/dev/null'"):
        report.save(make_record(), "/dev/null")


def test_save_refuses_a_folder_that_is_not_there(make_record: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must be in a folder that exists, got .*Make the folder first"):
        report.save(make_record(), tmp_path / "no" / "report.html")


def test_save_says_why_it_cannot_write(make_record: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must be a file that can be written, got .*File name too long"):
        report.save(make_record(), tmp_path / ("x" * 250))
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(
    make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        report.save(make_record(), target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]
