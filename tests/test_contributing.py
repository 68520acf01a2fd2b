"""The code of CONTRIBUTING works as it stands."""

import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from rightrate.schedules import Decay, FloatArray
from rightrate.search.space import Space
from rightrate.testing import check_schedule, check_strategy

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the names of an empty module, for blocks to run in."""
    module = ModuleType("contributing")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return vars(module)


def run(code: str, names: dict[str, Any]) -> None:
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)


def test_the_strategy_finds_the_valley(names: dict[str, Any]) -> None:
    for block in BLOCKS[:2]:
        run(block, names)
    observations = names["observations"]
    assert len(observations) == 12
    confirmed = [seen.lr for seen in observations if seen.rung == 1]
    grid = np.geomspace(1e-5, 1.0, 9)
    assert confirmed == pytest.approx(sorted(sorted(grid, key=lambda lr: abs(np.log10(lr / 0.01)))[:3]))
    assert sum(seen.steps for seen in observations) <= names["space"].allowance


def test_the_strategy_survives_a_world_where_nothing_trains(names: dict[str, Any]) -> None:
    run(BLOCKS[0], names)
    space = Space(low=1e-5, high=1.0, steps=7, budget=1.0, seed=0, decays=False, untrained=0.0)
    assert check_strategy(names["Coarse"](), space, lambda lr, steps, seed: math.nan) == ()
    assert len(check_strategy(names["Coarse"](rates=3), space, lambda lr, steps, seed: math.nan)) == 4


def test_the_schedule_conforms(names: dict[str, Any]) -> None:
    names |= {"dataclass": dataclass, "np": np, "Decay": Decay, "FloatArray": FloatArray}
    run(BLOCKS[2], names)
    check_schedule(names["Sqrt"](total_steps=100, warmup_steps=10))
