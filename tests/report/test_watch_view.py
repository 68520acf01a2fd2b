"""A watched run as plain data: what is no such run is refused with a sentence."""

import copy
from typing import Any

import pytest

from rightrate.errors import StoreError
from rightrate.report.watch_view import WatchView

RUN: dict[str, Any] = {
    "about": {
        "name": "run",
        "mode": "observe",
        "optimizer": "SGD",
        "step": 2,
        "total_steps": None,
        "multiplier": 1.0,
    },
    "curves": {"loss": [{"step": 0, "mean": 1.0, "low": None, "high": 2}]},
    "findings": [{"step": 1, "since": 0, "verdict": "spike", "text": "t", "advice": "a", "confidence": 0.8}],
    "acts": [{"step": 1, "kind": "skip", "reason": "r", "text": "t", "before": 1.0, "after": 1.0}],
    "edits": [{"step": 1, "who": "other code", "before": 0.1, "after": None}],
    "notes": [{"step": 1, "text": "t"}],
}


def test_what_was_written_down_comes_back() -> None:
    assert WatchView.from_dict(RUN).to_dict() == RUN


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        ((), [], "the record of a watched run must be a mapping, got 'list'"),
        (("about",), 3, "the record of a watched run, 'about' must be of type Mapping, got 'int'"),
        (("about", "name"), None, "about, 'name' must be of type str, got 'NoneType'"),
        (("curves", "loss"), "x", r"curves\['loss'\] must be a list, got 'str'"),
        (("curves", "loss", 0, "mean"), "x", r"curves\['loss'\], 'mean' must be of type"),
        (("findings",), {}, "'findings' must be of type list, got 'dict'"),
        (("findings", 0), 7, "findings must be a mapping, got 'int'"),
        (("findings", 0, "confidence"), "<b>", "findings, 'confidence' must be of type"),
        (("notes", 0, "step"), None, "notes, 'step' must be of type int, got 'NoneType'"),
    ],
)
def test_what_is_no_watched_run_is_refused(path: tuple[Any, ...], value: Any, match: str) -> None:
    hostile = copy.deepcopy(RUN)
    if path:
        place = hostile
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    with pytest.raises(StoreError, match=match):
        WatchView.from_dict(hostile if path else value)
