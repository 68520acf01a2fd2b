"""docs/optimizers.md: its tables and pictures are what the code gives, and its code runs."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from rightrate.optimizers import translate

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "optimizers.md").read_text(encoding="utf-8")


def script():
    spec = importlib.util.spec_from_file_location("tables_of_the_page", DOCS / "tables.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


SCRIPT = script()


@pytest.mark.parametrize("name", SCRIPT.tables())
def test_tables_are_what_the_code_gives(name):
    text = PAGE.split(f"<!-- {name} -->\n", 1)[1].split("<!-- end -->", 1)[0]
    assert text == SCRIPT.tables()[name] + "\n", "run: python docs/tables.py"
    columns = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines()}
    assert len(columns) == 1


def test_every_place_has_its_table():
    assert re.findall(r"<!-- (\w+) -->", PAGE.replace("<!-- end -->", "")) == list(SCRIPT.tables())
    assert PAGE.count("<!-- end -->") == len(SCRIPT.tables())


def test_pictures_show_what_the_code_gives():
    drawn = SCRIPT.pictures()
    for name, (made, said) in drawn.items():
        assert f"({name}.png)" in PAGE
        file = DOCS / f"{name}.png"
        assert file.stat().st_size < 150_000
        with Image.open(file) as image:
            assert image.text["Description"] == said, "run: python docs/tables.py"
            assert image.size == tuple(int(80 * side) for side in made.get_size_inches())
    three = json.loads(drawn["descent"][1])
    assert [one["status"] for one in three] == ["slow", "converged", "diverged"]
    every = json.loads(drawn["rules"][1])
    assert len(every) == 12
    assert all(one["steps"] < 100 for one in every.values())


def test_pictures_are_written_and_read_back(tmp_path):
    made, said = SCRIPT.pictures()["descent"]
    SCRIPT.save(tmp_path / "made.png", made, said)
    with Image.open(tmp_path / "made.png") as image:
        assert image.text["Description"] == said


def test_a_page_without_the_place_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- one -->\nold\n<!-- end -->\n<!-- two -->\n")
    SCRIPT.fill(page, "one", "new")
    assert page.read_text() == "<!-- one -->\nnew\n<!-- end -->\n<!-- two -->\n"
    for name in ("two", "three"):
        with pytest.raises(SystemExit, match=rf"page.md has no place between '<!-- {name} -->' and"):
            SCRIPT.fill(page, name, "new")


@pytest.mark.slow
def test_the_code_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 4
    for code in blocks:
        exec(compile(code, "optimizers.md", "exec"), names)
    assert round(names["answer"].lr, 12) == 0.1
    assert (names["answer"].exact, names["answer"].notes) == (True, ())
    assert [one.status for one in names["down"]] == ["slow", "converged", "diverged"]
    assert (tmp_path / "descent.png").stat().st_size > 0
    assert "comes nearest to torch.RMSprop" in capsys.readouterr().out


def test_exact_translations_of_the_page_are_tested_with_real_optimizers():
    tests = (Path(__file__).with_name("test_translation.py")).read_text(encoding="utf-8")
    for source, target in SCRIPT.TRANSLATIONS:
        if translate(1.0, source, target).exact:
            assert f'("{source}", "{target}"' in tests
