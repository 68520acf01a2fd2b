"""What detectors see."""

import pytest

from rightrate.errors import ConfigError
from rightrate.watch.detector import Block


def test_the_newest_step() -> None:
    assert Block(steps=(3, 7), losses=(1.0, 2.0)).last == 7
    assert Block(steps=(3,), losses=(1.0,), validations=((4, 2.0),)).last == 4
    assert Block(steps=(), losses=()).last == 0


def test_refuses_what_does_not_fit_together() -> None:
    with pytest.raises(ConfigError, match=r"Block\(losses=...\) must be as many as steps \(2\), got 1"):
        Block(steps=(1, 2), losses=(1.0,))
    with pytest.raises(ConfigError, match=r"Block\(steps=...\) must be ascending, got \(2, 2\)"):
        Block(steps=(2, 2), losses=(1.0, 1.0))
