"""The lines to paste are run, and give the rates the schedule gives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rightrate import report
from rightrate.schedules import Constant, Cosine, Linear, Rex, Schedule, resolve
from rightrate.search.record import Record

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"momentum": 0, "nesterov": False}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9, "nesterov": False}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "adadelta": (torch.optim.Adadelta, {}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "nadam": (torch.optim.NAdam, {}),
    "radam": (torch.optim.RAdam, {}),
    "adamax": (torch.optim.Adamax, {}),
    "sgd(momentum=0.5, weight_decay=0.01)": (torch.optim.SGD, {"momentum": 0.5, "weight_decay": 0.01}),
    "torch.optim.AdamW(betas=(0.8, 0.9), lr=7.0)": (torch.optim.AdamW, {"betas": (0.8, 0.9)}),
}

SHAPES = {"constant": Constant, "linear": Linear, "cosine": Cosine}


def run(record: Record) -> dict[str, Any]:
    """Run the lines beside a tiny model, and return what they define."""
    names: dict[str, Any] = {"model": torch.nn.Linear(2, 1)}
    exec(report.code(record), names)
    return names


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_builds_the_optimizer_at_the_answer(name: str, make_record: Callable[..., Record]) -> None:
    record = make_record(settings={"optimizer": name, "schedule": "constant"}, answer={"lr": 0.0123456789})
    made = run(record)["optimizer"]
    kind, options = OPTIMIZERS[name]
    assert type(made) is kind
    assert made.param_groups[0]["lr"] == 0.0123456789
    assert {key: made.param_groups[0][key] for key in options} == options


@pytest.mark.parametrize(
    "shape",
    [
        *[cls(total_steps=12) for cls in SHAPES.values()],
        *[cls(total_steps=12, warmup_steps=4) for cls in SHAPES.values()],
        Cosine(total_steps=12, warmup_steps=1, floor=0.1),
        Linear(total_steps=12, floor=0.25),
    ],
    ids=repr,
)
def test_applies_the_rates_of_the_schedule(shape: Schedule, make_record: Callable[..., Record]) -> None:
    record = make_record(
        settings={"optimizer": "sgd", "schedule": repr(shape), "steps": 12}, answer={"lr": 0.3}
    )
    names = run(record)
    applied = []
    for _ in range(14):
        applied.append(names["optimizer"].param_groups[0]["lr"])
        names["optimizer"].step()
        if "scheduler" in names:
            names["scheduler"].step()
    np.testing.assert_allclose(applied, 0.3 * shape(np.arange(14)), rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "warmup(4) + cosine(8)",
        "wsd(12, cooldown_steps=4, cooldown='1-sqrt')",
        "piecewise(4: 1.0, 8: 0.1, 12: 0.01)",
        "clipped(multi_step(12, milestones=[3, 6]), low=0.2)",
        "rex",
        "Rex(peak=1.0, total_steps=12, warmup_steps=2, floor=0.0)",
        "cosine(12, warmup_steps=3, floor=0.1)",
    ],
)
def test_every_schedule_of_this_package_can_be_pasted(text: str, make_record: Callable[..., Record]) -> None:
    record = make_record(settings={"optimizer": "sgd", "schedule": text, "steps": 12}, answer={"lr": 0.3})
    names = run(record)
    shape = Rex(total_steps=12, warmup_steps=2) if text.startswith("Rex") else resolve(text, total_steps=12)
    applied = []
    for _ in range(14):
        applied.append(names["optimizer"].param_groups[0]["lr"])
        names["optimizer"].step()
        names["scheduler"].step()
    np.testing.assert_allclose(applied, 0.3 * shape(np.arange(14)), rtol=1e-12)
    assert ("rightrate" in report.code(record)) == (not isinstance(shape, Cosine))


@pytest.mark.parametrize("name", SHAPES)
def test_a_schedule_by_name_takes_the_length_of_the_run(
    name: str, make_record: Callable[..., Record]
) -> None:
    by_name = report.code(make_record(settings={"schedule": name, "steps": 345}))
    by_shape = report.code(
        make_record(settings={"schedule": repr(SHAPES[name](total_steps=345)), "steps": 9})
    )
    assert by_name == by_shape
    assert ("345" in by_name) == (name != "constant")


def test_constant_needs_no_scheduler(make_record: Callable[..., Record]) -> None:
    lines = report.code(make_record(settings={"schedule": repr(Constant(total_steps=5))}))
    assert "scheduler" not in lines
    assert "math" not in lines


@pytest.mark.parametrize(
    "text",
    [
        "Lion",
        "functools.partial(<class 'Lion'>)",
        "sgd(0.9)",
        "sgd(**options)",
        "x\nimport os; os.abort()",
        "x\u2028\r\x00raise",
        "(" * 5000,
        "",
    ],
)
def test_what_only_the_user_has_stays_a_comment(text: str, make_record: Callable[..., Record]) -> None:
    record = make_record(settings={"optimizer": text, "schedule": text})
    lines = report.code(record).splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        "import torch",
        "lr = 0.012",
        "optimizer = YourOptimizer(model.parameters(), lr=lr)",
    ]
    compile(report.code(record), "pasted", "exec")


@pytest.mark.parametrize(
    "text",
    [
        "Cosine(total_steps='x')",
        "Cosine(power=2)",
        "Step(gamma=0.1)",
        "Rex(peak=0.1, total_steps=9)",
        "rex(9",
    ],
)
def test_an_unknown_schedule_stays_a_comment(text: str, make_record: Callable[..., Record]) -> None:
    lines = report.code(make_record(settings={"schedule": text}))
    assert f"# your own schedule: {text}" in lines
    assert "scheduler" not in run(make_record(settings={"schedule": text}))


def test_no_answer_gives_no_code(make_record: Callable[..., Record]) -> None:
    lines = report.code(make_record(answer={"lr": None, "message": "Nothing\ntrains."})).splitlines()
    assert lines == ["# There is no learning rate to use.", "# Nothing trains."]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "pytorch_optimizer.Lion",
            ["from pytorch_optimizer import Lion", "optimizer = Lion(model.parameters(), lr=lr)"],
        ),
        (
            "a.b.Adam(betas=(0.9, 0.99))",
            ["from a.b import Adam", "optimizer = Adam(model.parameters(), lr=lr, betas=(0.9, 0.99))"],
        ),
        ("torch.optim.Adam", ["optimizer = torch.optim.Adam(model.parameters(), lr=lr)"]),
    ],
)
def test_an_optimizer_given_by_its_path_is_imported_from_there(
    text: str, lines: list[str], make_record: Callable[..., Record]
) -> None:
    written = report.code(make_record(settings={"optimizer": text, "schedule": "constant"})).splitlines()
    assert [line for line in written if line][2:] == lines
