import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from rightrate.descent import Until
from rightrate.errors import ConfigError


def test_the_larger_limit_counts() -> None:
    until = Until(absolute=1e-3, relative=1e-2)
    assert until.limit(1.0) == 1e-2
    assert until.limit(0.01) == 1e-3


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("steps", 0, r"Until\(steps=...\) must be an integer >= 1, got 0"),
        ("absolute", -1.0, r"Until\(absolute=...\) must be a finite number >= 0, got -1.0"),
        ("relative", 2.0, r"Until\(relative=...\) must be a finite number in \[0, 1\], got 2.0"),
    ],
)
def test_mistakes(field: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Until(**{field: value})


def test_numbers_of_other_libraries_are_kept_as_pythons() -> None:
    until = Until(steps=np.int64(5), absolute=np.float32(0.5), relative=np.float32(0.25))
    assert json.loads(json.dumps(asdict(until))) == {"steps": 5, "absolute": 0.5, "relative": 0.25}
