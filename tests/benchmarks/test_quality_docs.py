"""The tables that the quality benchmark writes into the documents."""

from pathlib import Path

import pytest
from benchmarks.quality.docs import fill
from benchmarks.quality.scores import Scored, summary
from benchmarks.quality.table import losses, short
from tests.benchmarks.test_quality import answer, truth_of


class Shelf:
    """A book of one case."""

    def __init__(self) -> None:
        self.truths = {truth_of().case: truth_of()}


def scored(tool: str, regret: float, **more: float) -> Scored:
    return Scored(answer=answer(tool, **more), regret=regret, accuracy_regret=None, equivalents=1.0)


def test_a_table_replaces_what_stood_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- one -->\nold\n<!-- end -->\nb\n<!-- two -->\n<!-- end -->\nc\n")
    fill(page, "one", "new")
    fill(page, "one", "newer")
    fill(page, "two", "other")
    wanted = "a\n<!-- one -->\n\nnewer\n\n<!-- end -->\nb\n<!-- two -->\n\nother\n\n<!-- end -->\nc\n"
    assert page.read_text() == wanted


def test_a_document_without_the_place_is_refused_and_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- one -->\n")
    with pytest.raises(SystemExit, match=r"page.md has no place between '<!-- one -->' and '<!-- end -->'"):
        fill(page, "one", "new")
    assert page.read_text() == "before\n<!-- one -->\n"


def test_where_it_loses_names_the_cheap_tools_that_did_clearly_better() -> None:
    found = [
        scored("rightrate 1x", 0.04),
        scored("rightrate 1x", 0.02, seed=1),
        scored("default", 0.01),
        scored("Lightning", 0.028),
        scored("grid of 8", 0.0),
    ]
    last = losses(found).splitlines()[-1]
    assert last.endswith("| 0.030 | default (0.010) |")


def test_the_short_table_has_the_rows_people_ask_about() -> None:
    rows = [
        summary(tool, [scored(tool, regret)], Shelf().truths)
        for tool, regret in (("rightrate 1x", 0.01), ("DoG", 0.02), ("default", 0.3))
    ]
    tools = [line.split(" | ")[0] for line in short(rows).splitlines()[2:]]
    assert tools == ["| rightrate 1x", "| default"]
