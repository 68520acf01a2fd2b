"""`import rightrate` is light, and its names are loaded on first use."""

import json
import subprocess
import sys
from importlib.metadata import version
from types import FunctionType

import pytest

import rightrate

HEAVY = ("torch", "numpy", "pandas", "scipy", "sklearn", "matplotlib", "plotly", "jinja2", "rich", "typer")


def loaded_by(code: str) -> set[str]:
    """Return the names of the modules a fresh interpreter holds after running `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_import_loads_nothing_heavy() -> None:
    loaded = loaded_by("import rightrate")
    assert "rightrate" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert [name for name in loaded if name.startswith("rightrate.")] == []


def test_names_that_are_light_stay_light() -> None:
    code = "import rightrate as rr; rr.Task, rr.Training, rr.Objective, rr.TaskInfo, rr.errors; dir(rr)"
    loaded = loaded_by(code)
    assert "rightrate.tasks.task" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_schedules_need_numpy_alone() -> None:
    loaded = loaded_by("import rightrate as rr; rr.schedules.Cosine(total_steps=10)(3)")
    assert loaded & set(HEAVY) == {"numpy"}


@pytest.mark.parametrize("name", rightrate.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(rightrate, name) is getattr(rightrate, name)
    assert name in dir(rightrate)


def test_star_import_brings_what_all_says() -> None:
    namespace: dict[str, object] = {}
    exec("from rightrate import *", namespace)
    assert set(rightrate.__all__) <= set(namespace)


def test_watch_is_called_and_holds_its_modules_whatever_was_imported_before() -> None:
    code = (
        "import rightrate.watch.detector, rightrate as rr\n"
        "if not callable(rr.watch) or rr.watch.detector.Block is None: raise SystemExit(1)\n"
        "with rr.watch(None, console=False) as w: pass"
    )
    assert "rightrate.watch.watch" in loaded_by(code)


def test_find_is_the_function_whatever_was_imported_before() -> None:
    code = (
        "import rightrate.finder, rightrate.finder.find, rightrate as rr\n"
        "from rightrate.finder import find\n"
        "if rr.find is not find or not callable(find): raise SystemExit(1)"
    )
    loaded_by(code)
    assert isinstance(rightrate.find, FunctionType)


def test_version_is_the_installed_one() -> None:
    assert rightrate.__version__ == version("rightrate")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'rightrate' has no attribute 'lr_find'"):
        _ = rightrate.lr_find
