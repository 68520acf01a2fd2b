"""The study's page says what was measured, and its pictures are there."""

import json
import re
from pathlib import Path

from benchmarks.study.page import index, page
from benchmarks.study.parts import PARTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "study.md"
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "study.json").read_text(encoding="utf-8"))


def test_the_page_is_what_its_results_make() -> None:
    assert PAGE.read_text(encoding="utf-8").rstrip() == page(RESULTS).rstrip()


def test_another_number_makes_another_page() -> None:
    other = json.loads(json.dumps(RESULTS))
    for reading in other["adam"]["readings"]:
        reading["valid"]["loss"] = [9.87] * 3
    assert "9.87" in page(other)
    assert "9.87" not in page(RESULTS)


def test_every_picture_is_there_and_shown() -> None:
    named = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert named == [f"study-{part.name}.png" for part in PARTS]
    for name in named:
        assert (PAGE.parent / name).read_bytes().startswith(b"\x89PNG\r\n")


def test_the_parts_are_those_that_are_asked() -> None:
    assert list(RESULTS) == [part.name for part in PARTS]
    for part in PARTS:
        asked = len(part.optimizers) * len(part.schedules) * len(part.lrs)
        seeds = len(part.seeds)
        assert RESULTS[part.name]["runs"] == seeds * asked == seeds * len(RESULTS[part.name]["readings"])


def test_the_index_leads_to_every_report() -> None:
    assert re.findall(r'href="(study[^"]+)"', index(RESULTS)) == [f"study-{part.name}.html" for part in PARTS]
