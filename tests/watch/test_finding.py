"""What a finding holds."""

import math

import pytest

from rightrate.errors import ConfigError
from rightrate.watch.finding import Finding


def finding(**changes):
    given = {
        "verdict": "spike",
        "step": 9,
        "since": 7,
        "text": "It rose.",
        "advice": "Wait.",
        "confidence": 0.5,
    }
    return Finding(**{**given, **changes})


def test_is_plain_data_and_a_sentence() -> None:
    one = finding(evidence={"z": 8, "scale": math.inf, "rate": math.nan})
    assert one.to_dict() == {
        "verdict": "spike",
        "step": 9,
        "since": 7,
        "text": "It rose.",
        "advice": "Wait.",
        "confidence": 0.5,
        "evidence": {"z": 8.0},
    }
    assert str(one) == "It rose. Wait."


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ConfigError, match=r"Finding\(confidence=...\) must be .* got 1.5"):
        finding(confidence=1.5)
    with pytest.raises(ConfigError, match=r"Finding\(since=...\) must be at most step=9, got 10"):
        finding(since=10)
