import random
import sys
from pathlib import Path

import pytest

from rightrate.errors import TaskError
from rightrate.tasks import Task, load_script, opened_script

TASK = """
import torch
from rightrate.tasks import Task

def mean_square(output, target):
    return ((output - target) ** 2).mean()

def task():
    data = torch.zeros(4, 2), torch.zeros(4, 1)
    return Task(model=lambda: torch.nn.Linear(2, 1), train=data, loss=mean_square)

ready = task()
"""


def written(folder, content, name="train.py"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(tmp_path):
    paths, modules, writes = list(sys.path), dict(sys.modules), sys.dont_write_bytecode
    cached = set(sys.path_importer_cache)
    same = sys.path
    yield
    assert sys.path is same
    assert sys.path == paths
    assert sys.dont_write_bytecode == writes
    assert {name: sys.modules.get(name) for name in modules} == modules
    new = set(sys.modules) - set(modules)
    assert not [name for name in new if str(tmp_path) in str(getattr(sys.modules[name], "__file__", ""))]
    assert not [path for path in set(sys.path_importer_cache) - cached if str(tmp_path) in path]
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize("name", ["task", "ready"])
def test_a_task_or_a_function_that_returns_one(tmp_path, name):
    task = load_script(f"{written(tmp_path, TASK)}:{name}")
    assert isinstance(task, Task)
    assert task.model().in_features == 2
    assert task.info.name == f"train.py:{name}"


def test_a_name_of_its_own_is_kept(tmp_path):
    content = TASK + "\nfrom dataclasses import replace\nfrom rightrate.tasks import TaskInfo\n"
    content += "own = replace(ready, info=TaskInfo(name='mine'))\n"
    assert load_script(f"{written(tmp_path, content)}:own").info.name == "mine"


def test_a_relative_path(tmp_path, monkeypatch):
    written(tmp_path, TASK)
    monkeypatch.chdir(tmp_path)
    assert load_script("train.py:task").info.name == "train.py:task"


def test_neighbours_are_importable_and_packages_too(tmp_path):
    written(tmp_path, TASK, "parts.py")
    written(tmp_path, "from parts import task", "kit/__init__.py")
    written(tmp_path, "import kit.deep\nfrom kit import task", "train.py")
    written(tmp_path, "", "kit/deep.py")
    assert isinstance(load_script(f"{tmp_path}/train.py:task"), Task)


def test_modules_of_the_same_name_from_elsewhere_are_neither_used_nor_lost(tmp_path):
    for place in ("one", "two"):
        written(tmp_path / place, TASK + f"where = {place!r}", "shared_parts.py")
        written(
            tmp_path / place,
            "import shared_parts\ntask = shared_parts.ready\nimport dataclasses\n"
            "task = dataclasses.replace(task, metrics={shared_parts.where: max})",
            "train.py",
        )
    with opened_script(f"{tmp_path}/one/train.py:task") as one:
        outer = sys.modules["shared_parts"]
        assert list(load_script(f"{tmp_path}/two/train.py:task").metrics) == ["two"]
        assert sys.modules["shared_parts"] is outer
        assert list(one.metrics) == ["one"]


def test_installed_modules_stay_even_where_a_neighbour_has_their_name(tmp_path):
    written(tmp_path, "raise RuntimeError('must not be imported')", "random.py")
    load_script(f"{written(tmp_path, 'import random' + TASK)}:task")
    assert sys.modules["random"] is random


def test_within_the_block_late_imports_work(tmp_path):
    written(tmp_path, "value = 5", "late_part.py")
    content = TASK + "\ndef lately():\n    import late_part\n    return late_part.value\n"
    content += "import dataclasses\nready = dataclasses.replace(ready, model=lately)\n"
    with opened_script(f"{written(tmp_path, content)}:ready") as task:
        assert task.model() == 5
        assert Path(sys.modules["train"].__file__).parent == tmp_path
    with pytest.raises(ModuleNotFoundError, match="late_part"):
        load_script(f"{tmp_path}/train.py:ready").model()


@pytest.mark.parametrize("spec", ["train.py", "train.py:", ":task", "train.py:two words", "train.py:3"])
def test_what_is_no_file_and_name(spec):
    with pytest.raises(
        TaskError, match=r"a Python file, a colon and a name in it, got .*Write 'train.py:task'"
    ):
        load_script(spec)


def test_no_such_file_names_the_closest(tmp_path):
    written(tmp_path, TASK)
    with pytest.raises(
        TaskError, match=r"an existing Python file, got .*trian.py'. Did you mean 'train.py'\?"
    ):
        load_script(f"{tmp_path}/trian.py:task")
    with pytest.raises(TaskError, match=r"got .*zzz.py'. The folder is '.*none'"):
        load_script(f"{tmp_path}/none/zzz.py:task")


def test_a_file_that_is_not_python(tmp_path):
    with pytest.raises(
        TaskError, match=r"must be a Python file, got 'train.text'. Its name has to end in .py"
    ):
        load_script(f"{written(tmp_path, TASK, 'train.text')}:task")


def test_no_such_name(tmp_path):
    path = written(tmp_path, TASK)
    with pytest.raises(
        TaskError, match=r"a task in 'train.py' must be defined there, got 'tusk'. Did you mean 'task'"
    ):
        load_script(f"{path}:tusk")
    with pytest.raises(TaskError, match=r"got 'qqqqq'. Did you mean 'ready'\?"):
        load_script(f"{path}:qqqqq")
    with pytest.raises(TaskError, match=r"got 'qqqqq'. Define it, or name another."):
        load_script(f"{written(tmp_path, 'x = 1', 'other.py')}:qqqqq")


@pytest.mark.parametrize(("content", "received"), [("thing = 3", "3"), ("def thing():\n    return 4", "4")])
def test_something_else_than_a_task(tmp_path, content, received):
    with pytest.raises(
        TaskError, match=rf"train.py:thing must be a rightrate.Task or a function .*got {received}\."
    ):
        load_script(f"{written(tmp_path, content)}:thing")


@pytest.mark.parametrize(
    ("content", "cause", "message"),
    [
        (
            "\nimport parts_of_this\n1 / 0",
            ModuleNotFoundError,
            "importing it, got .ModuleNotFoundError.*at line 2",
        ),
        ("x = (", SyntaxError, "importing it, got .SyntaxError"),
        ("import sys\nsys.exit(3)", SystemExit, "importing it, got .SystemExit: 3 at line 2"),
        ("def task():\n    raise ValueError('mine')", ValueError, "calling task.*ValueError: mine at line 2"),
    ],
)
def test_an_exception_in_the_file_is_chained(tmp_path, content, cause, message):
    with pytest.raises(TaskError, match=message) as caught:
        load_script(f"{written(tmp_path, content)}:task")
    assert isinstance(caught.value.__cause__, cause)


def test_a_failing_neighbour_leaves_nothing_behind(tmp_path):
    written(tmp_path, "import json\nraise KeyError('deep')", "broken_part.py")
    with pytest.raises(TaskError, match=r"KeyError: 'deep' at line 1"):
        load_script(f"{written(tmp_path, 'import broken_part')}:task")
    assert "broken_part" not in sys.modules
