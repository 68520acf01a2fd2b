"""docs/schedules.md: its tables, outputs and pictures are what the code gives."""

import json
import re

import pytest
from docs import schedules as script
from docs.tables import FOLDER
from PIL import Image

from rightrate.schedules import NAMES, adaptive, parse

PAGE = (FOLDER / "schedules.md").read_text(encoding="utf-8")
STALE = "run: python -m docs.schedules"


@pytest.fixture(scope="module")
def drawn():
    return script.pictures()


@pytest.mark.parametrize("name", script.tables())
def test_tables_and_outputs_are_what_the_code_gives(name):
    text = PAGE.split(f"<!-- {name} -->\n", 1)[1].split("<!-- end -->", 1)[0]
    assert text == script.tables()[name] + "\n", STALE


def test_every_place_is_written():
    places = re.findall(r"<!-- (\w+) -->", PAGE.replace("<!-- end -->", ""))
    assert sorted(places) == sorted([*script.tables(), "conventions"])
    assert PAGE.count("<!-- end -->") == len(places)


def test_every_schedule_and_every_control_is_shown():
    assert list(script.EXAMPLES) == list(NAMES)
    for name, text in script.EXAMPLES.items():
        assert type(parse(text)) is NAMES[name]
    kinds = {name for name in adaptive.__all__ if hasattr(getattr(adaptive, name), "init")}
    assert {type(control).__name__ for control, _ in script.CONTROLS} == kinds - {"Control"}


def test_pictures_show_what_the_code_gives(drawn):
    assert set(re.findall(r"\]\((\w+)\.png\)", PAGE)) == set(drawn)
    for name, (made, said) in drawn.items():
        file = FOLDER / f"{name}.png"
        assert file.stat().st_size < 100_000
        with Image.open(file) as image:
            assert image.text["Description"] == said, STALE
            assert image.size == tuple(int(80 * side) for side in made.get_size_inches())


def test_the_controls_of_the_picture_by_hand(drawn):
    rates = json.loads(drawn["controls"][1])
    assert rates["CoolDown"] == pytest.approx([*[0.1] * 8, 0.05, 0.0])  # 0.1 * (1 - 10 / 20) at step 80
    assert rates["BackOff"][:3] == pytest.approx([0.1, 0.1, 0.025])
    assert rates["BackOff"][8:] == pytest.approx([0.1, 0.1])
    assert rates["ReduceOnPlateau"] == pytest.approx([*[0.1] * 4, *[0.05] * 4, 0.025, 0.025])
    assert rates["Hypergradient"] == sorted(rates["Hypergradient"])


def test_panels_are_titled_with_what_they_draw(drawn):
    panels = {**script.EXAMPLES}
    titles = [
        axes.get_title().replace("\n", " ")
        for name in ("schedules", "combinators")
        for axes in drawn[name][0].axes
    ]
    assert titles == list(panels.values())
