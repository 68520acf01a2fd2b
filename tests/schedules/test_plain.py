"""Schedules as JSON: what is written, and what is refused."""

import json
import math
from typing import Any

import pytest

from rightrate.errors import ConfigError
from rightrate.schedules import (
    Constant,
    Cosine,
    Linear,
    LinearWarmup,
    MultiStep,
    Piecewise,
    Scaled,
    Schedule,
    Sequence,
    from_dict,
    scaled,
)

COSINE = {"name": "cosine", "peak": 0.5, "total_steps": 9, "warmup_steps": 2, "floor": 0.1}


@pytest.mark.parametrize(
    ("schedule", "data"),
    [
        (Cosine(peak=0.5, total_steps=9, warmup_steps=2, floor=0.1), COSINE),
        (
            Piecewise(until=(4, 7), values=(0.1, 0.01)),
            {"name": "piecewise", "until": [4, 7], "values": [0.1, 0.01]},
        ),
        (
            LinearWarmup(total_steps=3),
            {"name": "warmup", "peak": 1.0, "total_steps": 3, "start": None},
        ),
        (
            scaled(Constant(total_steps=2) + Cosine(peak=0.5, total_steps=9, warmup_steps=2, floor=0.1), 3),
            {
                "name": "scaled",
                "schedule": {
                    "name": "sequence",
                    "parts": [{"name": "constant", "peak": 1.0, "total_steps": 2, "warmup_steps": 0}, COSINE],
                },
                "factor": 3.0,
            },
        ),
    ],
    ids=repr,
)
def test_json_by_hand(schedule: Schedule, data: dict[str, Any]) -> None:
    assert schedule.to_dict() == data
    assert from_dict(data) == schedule
    assert json.dumps(schedule.to_dict()) == json.dumps(data)


def test_fields_left_out_have_their_defaults():
    assert from_dict({"name": "multi_step", "total_steps": 9, "milestones": [3]}) == MultiStep(
        total_steps=9, milestones=(3,)
    )


NESTED = {"name": "sequence", "parts": [COSINE, {"name": "scaled", "schedule": {"name": "cos"}, "factor": 2}]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            [COSINE],
            r'^from_dict\(data\) must be a dictionary with a "name" and fields, got \[\{.* to_dict\(\) ma',
        ),
        ("cosine", r'^from_dict\(data\) must be a dictionary with a "name" and fields, got \'cosine\'\.'),
        (
            {},
            r'^from_dict\(data\["name"\]\) must be one of constant, linear, cosine, .*per_epoch, got None\.$',
        ),
        (
            {"name": ["cosine"]},
            r'^from_dict\(data\["name"\]\) must be one of constant, .*, got \[\'cosine\'\]',
        ),
        ({"name": "Cosine"}, r"must be one of constant, linear, cosine, .*, got 'Cosine'\."),
        (
            {**COSINE, "flor": 0.1},
            r"^A field of 'cosine' in from_dict\(data\) must be one of 'peak', .* got 'flor'\.",
        ),
        ({**COSINE, 3: 0.1}, r"^A field of 'cosine' in from_dict\(data\) must be one of 'peak', .* got 3\."),
        (
            {"name": "step", "total_steps": 9},
            r"must be complete, with 'every_steps' for 'step', got \{'name'",
        ),
        ({**COSINE, "peak": 0}, r"^Cosine\(peak=\.\.\.\) must be a finite number > 0, got 0\."),
        (
            {**COSINE, "total_steps": 9.0},
            r"^Cosine\(total_steps=\.\.\.\) must be an integer >= 1, got 9\.0\.",
        ),
        (
            {**COSINE, "floor": [0.1]},
            r"^Cosine\(floor=\.\.\.\) must be a finite number in \[0, 1\], got \(0\.1,\)",
        ),
        ({**COSINE, "floor": math.nan}, r"^Cosine\(floor=\.\.\.\) must be a finite number .* got nan\."),
        (
            NESTED,
            r'^from_dict\(data\["parts"\]\[1\]\["schedule"\]\["name"\]\) must be one of .*, got \'cos\'\.',
        ),
        (
            {"name": "scaled", "schedule": {"name": "step", "total_steps": 3}, "factor": 2},
            r'^from_dict\(data\["schedule"\]\) must be complete, with \'every_steps\' for \'step\'',
        ),
        (
            {"name": "scaled", "schedule": "cosine", "factor": 2},
            r"^Scaled\(schedule=\.\.\.\) must be a schedule, got 'cosine'\.",
        ),
        (
            {"name": "sequence", "parts": []},
            r"^Sequence\(parts=\.\.\.\) must be a tuple of schedules, got \(\)",
        ),
    ],
)
def test_other_data_is_refused(data: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace(" to_dict", r" schedule\.to_dict")):
        from_dict(data)


def test_schedules_without_a_public_name_cannot_be_written():
    class Mine(Linear):
        pass

    message = (
        r"^to_dict\(schedule\) must be made of schedules of this package, got .*Mine\(peak=.* names: constan"
    )
    with pytest.raises(ConfigError, match=message):
        Mine(total_steps=3).to_dict()
    with pytest.raises(ConfigError, match=message):
        Sequence(parts=(Scaled(schedule=Mine(total_steps=3), factor=2),)).to_dict()
