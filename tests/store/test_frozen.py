"""Frozen dataclasses as plain data and back."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from rightrate.errors import StoreError
from rightrate.population.calibrate import Calibration
from rightrate.population.verdict import Verdict
from rightrate.store.frozen import from_plain, to_plain


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    at: tuple[int, float] = (0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Whole:
    kind: Literal["a", "b"]
    rates: tuple[float, ...]
    best: float | None = None
    parts: tuple[Part, ...] = ()
    named: Mapping[str, Part] = field(default_factory=dict)
    more: Any = None


WHOLE = Whole(
    kind="a",
    rates=(1.0, math.inf),
    parts=(Part(name="x", at=(3, 0.5)),),
    named={"y": Part(name="y")},
    more=[1, {"z": None}],
)


def test_what_is_written_is_read():
    assert from_plain(Whole, json.loads(json.dumps(to_plain(WHOLE)))) == WHOLE
    verdict = Calibration(verdict=Verdict(form="A", chunk=4), member_steps=3, seconds=0.5, step_seconds=0.1)
    assert from_plain(Calibration, to_plain(verdict)) == verdict


def test_what_is_new_in_a_dataclass_takes_its_default():
    assert from_plain(Whole, {"kind": "b", "rates": [1]}) == Whole(kind="b", rates=(1.0,))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "c"}, r"Whole.kind must be one of \('a', 'b'\), got 'c'"),
        ({"rates": 3}, "Whole.rates must be a list, got 3"),
        ({"rates": ["high"]}, r"Whole.rates\[0\] must be a number, got 'high'"),
        ({"rates": [True]}, r"Whole.rates\[0\] must be a number, got True"),
        ({"parts": [{"name": 3}]}, r"Whole.parts\[0\].name must be of type str, got 3"),
        ({"parts": [{"name": "x", "at": [1]}]}, r"Whole.parts\[0\].at must be 2 items"),
        ({"parts": [[]]}, r"Whole.parts\[0\] must be a mapping"),
        ({"named": []}, "Whole.named must be a mapping"),
        ({"rates": None}, "Whole.rates must be a list, got None"),
        ({"parts": [{}]}, r"Whole.parts\[0\] cannot be read: .*'name'"),
    ],
)
def test_what_does_not_fit_is_named(change, said):
    with pytest.raises(StoreError, match=said):
        from_plain(Whole, {**to_plain(WHOLE), **change})
