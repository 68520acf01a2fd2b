import json
import math
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.search.record import (
    Answer,
    Cliff,
    Cost,
    Curve,
    Fit,
    GoodRange,
    Levels,
    Provenance,
    Record,
    Settings,
    Trial,
)

CURVE = Curve(steps=(0, 1), lr=(0.1, 0.1), train=(2.3, math.nan), valid_steps=(2,), valid=(math.inf,))
RECORD = Record(
    settings=Settings(
        task="digits",
        description="an MLP",
        optimizer="adamw",
        schedule="cosine",
        steps=2000,
        budget=1.0,
        objective="loss",
        direction="min",
        notes=("one note",),
    ),
    answer=Answer(
        lr=0.01,
        good=GoodRange(low=0.005, high=0.02),
        cliff=Cliff(max_stable=0.1, lowest_failed=0.2, steps=500, schedule="cosine"),
        status="found",
        message="Use 0.01.",
        reasons=("It is measured.",),
    ),
    trials=(
        Trial(lr=0.1, seed=0, steps=2, rung=0, kind="probe", metrics={"loss": -math.inf}, curve=CURVE),
        Trial(lr=0.2, seed=0, steps=2, rung=-1, kind="range"),
    ),
    levels=Levels(untrained=2.3),
    fit=Fit(lr=(0.01,), value=(0.1,), low=(0.05,), high=(0.15,)),
    cost=Cost(steps={"range": 60, "probe": 1800}, run_equivalents=0.9, seconds={"train": 3.0, "total": 4.5}),
    provenance=Provenance(versions={"torch": "2"}, seed=0, device="cpu", threads=2, engine="serial: forced"),
)


def test_the_answer_is_at_the_top() -> None:
    plain = RECORD.to_dict()
    shown = {name: plain[name] for name in ("lr", "low", "high", "tolerance", "max_stable", "status")}
    assert shown == {
        "lr": 0.01,
        "low": 0.005,
        "high": 0.02,
        "tolerance": 0.02,
        "max_stable": 0.1,
        "status": "found",
    }
    assert (plain["message"], plain["reasons"]) == ("Use 0.01.", ["It is measured."])


def test_everything_else_is_below_its_name() -> None:
    plain = RECORD.to_dict()
    assert plain["cliff"]["lowest_failed"] == 0.2
    assert plain["cost"]["steps"] == 1860
    assert plain["cost"]["steps_by_kind"] == {"range": 60, "probe": 1800}
    assert plain["cost"]["seconds"] == 4.5
    assert plain["cost"]["seconds_by_kind"] == {"train": 3.0, "total": 4.5}
    assert plain["settings"]["notes"] == ["one note"]
    assert plain["levels"] == {"untrained": 2.3, "best": None}
    assert plain["fit"]["high"] == [0.15]
    assert plain["provenance"]["engine"] == "serial: forced"


def test_it_is_plain_json_and_what_is_not_finite_is_null() -> None:
    plain = RECORD.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    first, second = plain["trials"]
    assert first["metrics"] == {"loss": None}
    assert first["curve"]["train"] == [2.3, None]
    assert first["curve"]["valid"] == [None]
    assert second["kind"] == "range"
    assert second["metrics"] == {}


@given(st.floats(), st.dictionaries(st.text(), st.floats()))
def test_any_number_and_any_name_is_plain_json(level: float, metrics: dict[str, float]) -> None:
    trial = replace(RECORD.trials[0], metrics=metrics)
    plain = replace(RECORD, levels=Levels(untrained=level), trials=(trial,)).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["levels"]["untrained"] == (level if math.isfinite(level) else None)


def test_no_answer_is_null() -> None:
    none = Answer(lr=None, good=GoodRange(), cliff=Cliff(), status="diverged", message="Nothing trains.")
    plain = replace(RECORD, answer=none).to_dict()
    assert [plain[name] for name in ("lr", "low", "high", "max_stable")] == [None] * 4


def test_a_record_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError, match="lr"):
        RECORD.answer.lr = 1.0
