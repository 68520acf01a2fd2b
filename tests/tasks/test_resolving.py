import sys

import pytest

from rightrate import tasks
from rightrate.errors import TaskError
from rightrate.tasks import resolve, resolved

SCRIPT = """
import torch
from rightrate.tasks import Task
data = torch.zeros(4, 2), torch.zeros(4, 1)
task = Task(model=torch.nn.Linear(2, 1), train=data, loss=lambda output, target: (output - target).mean())
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "Table.CSV"
    path.write_text("x,y\n" + "".join(f"{row / 7},{'ab'[row % 2]}\n" for row in range(40)))
    return str(path)


def test_the_three_kinds(tmp_path, table):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    assert resolve("wine").info.name == "wine"
    assert resolve(table, target="y").info.name == "Table.CSV"
    assert resolve(f"{script}:task").info.name == "train.py:task"


def test_the_seed_reaches_the_task(table):
    for spec, target in (("wine", None), (table, "y")):
        first, other = (resolve(spec, target=target, seed=seed).valid[0] for seed in (0, 1))
        assert first.shape != other.shape or (first != other).any()


def test_resolved_keeps_the_modules_of_a_script(tmp_path, table):
    script = tmp_path / "own_task_of_mine.py"
    script.write_text(SCRIPT)
    with resolved(f"{script}:task") as task:
        assert task.info.name == "own_task_of_mine.py:task"
        assert "own_task_of_mine" in sys.modules
    assert "own_task_of_mine" not in sys.modules
    with resolved(table, target="y") as task:
        assert task.info.name == "Table.CSV"


def test_neither_of_the_three():
    with pytest.raises(
        TaskError, match=r"a built-in one \('digits', .*or 'file.py:name', got 'Wines'. Did you mean 'wine'"
    ):
        resolve("Wines")
    with pytest.raises(TaskError, match=r"got 'zzzzzz'\.$"):
        resolve("zzzzzz")


def test_a_target_only_for_tables(table):
    with pytest.raises(TaskError, match=r"The target must be left out for the task 'wine', got 'x'"):
        resolve("wine", target="x")
    with (
        pytest.raises(TaskError, match=r"left out for the task 'train.py:task', got 'x'"),
        resolved("train.py:task", target="x"),
    ):
        pass
    columns = r"the name of the column to predict, got None. It has 'x', 'y'\. .*--target COLUMN"
    with pytest.raises(TaskError, match=columns):
        resolve(table)
    with pytest.raises(TaskError, match=r"an existing CSV file, got 'no such file'"):
        resolve("no.csv")


def test_everything_public_is_there_and_nothing_else():
    assert all(hasattr(tasks, name) for name in tasks.__all__)
    assert set(tasks.__all__) <= set(dir(tasks))
    with pytest.raises(AttributeError, match=r"module 'rightrate.tasks' has no attribute 'nothing'"):
        _ = tasks.nothing
    with pytest.raises(AttributeError, match=r"module 'rightrate.tasks.csv' has no attribute 'nothing'"):
        _ = tasks.csv.nothing
