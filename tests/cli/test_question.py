from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from rightrate.cli.question import Question
from rightrate.errors import ConfigError
from rightrate.schedules import Cosine, LinearWarmup
from rightrate.tasks.task import Task, TaskInfo, Training

DATA = TensorDataset(torch.zeros(8, 2), torch.zeros(8, dtype=torch.long))
TASK = Task(
    model=torch.nn.Linear(2, 2),
    train=DATA,
    loss=torch.nn.functional.cross_entropy,
    training=Training(batch_size=4, clip_norm=2.0),
    info=TaskInfo(steps=100),
)
SEARCH = {
    "steps": None,
    "epochs": None,
    "budget": 1.0,
    "objective": None,
    "tolerance": 0.02,
    "seed": 0,
    "engine": "auto",
}


def question(**changes: Any) -> Question:
    given: dict[str, Any] = {
        "spec": "digits",
        "target": None,
        "optimizer": None,
        "optimizer_options": {},
        "schedule": "constant",
        "warmup_steps": 0,
        "training": {},
    }
    search = {**SEARCH, **{name: changes.pop(name) for name in list(changes) if name in SEARCH}}
    return Question(**{**given, **changes, "search": search})


def test_what_is_not_said_is_the_tasks_own() -> None:
    arguments = question().arguments(TASK)
    assert arguments.pop("model") == TASK
    assert arguments == {"optimizer": None, "optimizer_options": {}, "schedule": "constant", **SEARCH}


def test_options_reach_find() -> None:
    asked = question(
        optimizer="sgd",
        optimizer_options={"momentum": 0.9, "weight_decay": 0.1},
        schedule="cosine",
        warmup_steps=10,
        training={"batch_size": 2, "device": "cpu"},
        steps=50,
        budget=2.0,
        objective="loss",
        tolerance=0.1,
        seed=3,
        engine="serial",
    )
    asked.check()
    arguments = asked.arguments(TASK)
    assert arguments.pop("model").training == Training(batch_size=2, clip_norm=2.0, device="cpu")
    assert arguments == {
        "optimizer": "sgd",
        "optimizer_options": {"momentum": 0.9, "weight_decay": 0.1},
        "schedule": Cosine(total_steps=50, warmup_steps=10),
        "steps": 50,
        "epochs": None,
        "budget": 2.0,
        "objective": "loss",
        "tolerance": 0.1,
        "seed": 3,
        "engine": "serial",
    }


@pytest.mark.parametrize("steps", [None, 50])
def test_a_text_becomes_a_schedule(steps: int | None) -> None:
    asked = question(schedule="warmup(10) + cosine(40)", steps=steps)
    asked.check()
    arguments = asked.arguments(TASK)
    assert arguments["schedule"] == LinearWarmup(total_steps=10) + Cosine(total_steps=40)
    assert arguments["steps"] == steps


def test_a_warmup_is_part_of_the_tasks_own_length() -> None:
    shape = question(schedule="cosine", warmup_steps=10).arguments(TASK)["schedule"]
    assert shape == Cosine(total_steps=100, warmup_steps=10)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_devices_that_are_there(device: str) -> None:
    question(training={"device": device}).check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "cosin"}, "--schedule must be one of 'constant', 'linear', 'cosine', .*, got 'cosin'"),
        (
            {"schedule": "step"},
            r"--schedule must be a name that needs .* Write it out: 'step\(1000, every_st",
        ),
        (
            {"schedule": "cosin(9)"},
            r"--schedule at position 1 must be the name of .* Did you mean 'cosine'\?",
        ),
        (
            {"schedule": "0.1 * rex(9)"},
            r"--schedule must be a shape with peak 1, .* multiply the whole by 10,",
        ),
        (
            {"schedule": "rex(9)", "warmup_steps": 2},
            r"--warmup must be left out here, got 2\. Write the warm-up into the schedule, such as 'warmup\(",
        ),
        (
            {"schedule": "rex(9)", "steps": 10},
            r"--steps must be the schedule's 9 steps, got 10\. Leave it out, .* --schedule is 'rex\(9\)'\.",
        ),
        ({"warmup_steps": -1}, "--warmup must be an integer >= 0, got -1"),
        ({"budget": 0.0}, "--budget must be a finite number > 0, got 0.0"),
        ({"budget": float("nan")}, "--budget must be a finite number > 0, got nan"),
        ({"tolerance": 0.6}, "--tolerance must be a finite number in .0, 0.5., got 0.6"),
        ({"seed": -1}, "--seed must be an integer >= 0, got -1"),
        ({"engine": "fast"}, "--engine must be one of 'auto', 'serial', 'stacked', got 'fast'"),
        (
            {"steps": 1, "epochs": 2.0},
            r"--steps and --epochs must be given as one of the two, got \(1, 2.0\)",
        ),
        ({"steps": 0}, "--steps must be an integer >= 1, got 0"),
        ({"epochs": -1.0}, "--epochs must be a finite number > 0, got -1.0"),
        ({"optimizer": "adamm"}, "--optimizer must be one of 'sgd', .*, got 'adamm'. Or the path of a class"),
        (
            {"optimizer": "no_such_package.Adam"},
            "--optimizer must be a class that can be imported, .* No module",
        ),
        (
            {"optimizer": "torch.optim.Adam", "optimizer_options": {"momentum": 0.9}},
            "--momentum must be left out for the optimizer 'torch.optim.Adam', got 0.9. It takes: params,",
        ),
        (
            {"optimizer": "adam", "optimizer_options": {"momentum": 0.9}},
            "--momentum must be left out for the optimizer 'adam', got 0.9. "
            "These take it: sgd, momentum, nesterov, rmsprop.",
        ),
        (
            {"training": {"device": "gpu\x1b"}},
            "--device must be 'auto' or a device of this machine, got 'gpu",
        ),
        ({"training": {"device": "cuda:99"}}, "--device must be .*, got 'cuda:99'. torch says: "),
    ],
)
def test_what_is_wrong_for_every_task(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        question(**changes).check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"optimizer_options": {"momentum": 0.9}},
            "--momentum must be left out for the optimizer 'adamw', got 0.9",
        ),
        ({"warmup_steps": 100}, "--warmup must be less than the run's 100 steps, got 100"),
        ({"warmup_steps": 5, "epochs": 2.0}, "--steps must be given where --warmup is, got None"),
        ({"training": {"batch_size": 0}}, "--batch-size must be an integer >= 1, got 0"),
    ],
)
def test_what_does_not_go_with_the_task(changes: dict[str, Any], message: str) -> None:
    asked = question(**changes)
    asked.check()
    with pytest.raises(ConfigError, match=message):
        asked.arguments(TASK)


def test_a_loader_keeps_its_batch_size() -> None:
    task = Task(model=TASK.model, train=DataLoader(DATA), loss=TASK.loss)
    with pytest.raises(ConfigError, match="--batch-size must be left out for this task, got 4"):
        question(training={"batch_size": 4}).arguments(task)
