"""The same rates as Keras's schedules, and where they differ."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rightrate.schedules import (
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    Linear,
    LinearWarmup,
    Piecewise,
    Polynomial,
    Schedule,
)

PEAK = 0.3
STEPS = 60
RUN = {"peak": PEAK, "total_steps": STEPS}

GRID: list[tuple[Schedule, str, dict[str, Any]]] = [
    *[
        (
            kind(**RUN, decay_steps=steps, rate=rate, staircase=staircase),
            name,
            {
                "initial_learning_rate": PEAK,
                "decay_steps": steps,
                "decay_rate": rate,
                "staircase": staircase,
            },
        )
        for kind, name in ((Exponential, "ExponentialDecay"), (InverseTime, "InverseTimeDecay"))
        for steps in (1, 7, 20)
        for rate in (0.5, 0.9)
        for staircase in (False, True)
    ],
    *[
        (
            Polynomial(**RUN, power=power, floor=floor),
            "PolynomialDecay",
            {
                "initial_learning_rate": PEAK,
                "decay_steps": STEPS,
                "end_learning_rate": PEAK * floor,
                "power": power,
            },
        )
        for power in (0.5, 1.0, 2.0)
        for floor in (0.0, 0.1)
    ],
    *[
        (
            Cosine(**RUN, floor=floor),
            "CosineDecay",
            {"initial_learning_rate": PEAK, "decay_steps": STEPS, "alpha": floor},
        )
        for floor in (0.0, 0.1)
    ],
    (
        LinearWarmup(peak=PEAK, total_steps=12, start=0.1) + Cosine(peak=PEAK, total_steps=48),
        "CosineDecay",
        {"initial_learning_rate": 0.03, "decay_steps": 48, "warmup_target": PEAK, "warmup_steps": 12},
    ),
    *[
        (
            CosineRestarts(**RUN, cycle_steps=cycle, growth=growth, floor=0.1),
            "CosineDecayRestarts",
            {"initial_learning_rate": PEAK, "first_decay_steps": cycle, "t_mul": float(growth), "alpha": 0.1},
        )
        for cycle, growth in ((7, 1), (10, 2))
    ],
]
BOUNDARIES = {"boundaries": [20, 40], "values": [0.3, 0.2, 0.1]}
RESTARTS = {"initial_learning_rate": PEAK, "first_decay_steps": 8}
END = {"initial_learning_rate": PEAK, "decay_steps": 10, "end_learning_rate": 0.0}

PROGRAM = """
import json, sys
import keras
asked = json.load(sys.stdin)
made = [getattr(keras.optimizers.schedules, name)(**options) for name, options in asked["schedules"]]
print(json.dumps([[float(schedule(step)) for step in range(asked["steps"])] for schedule in made]))
"""


@pytest.fixture(scope="module")
def rates_of_keras() -> list[list[float]]:
    """Return the rates of all schedules; Keras takes a process of its own."""
    asked = [[name, options] for _, name, options in GRID]
    asked += [["CosineDecayRestarts", RESTARTS]]
    asked += [["PiecewiseConstantDecay", BOUNDARIES], ["PolynomialDecay", END]]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps({"schedules": asked, "steps": STEPS}),
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("index", range(len(GRID)), ids=[repr(ours) for ours, _, _ in GRID])
def test_the_same_rates_as_keras(index: int, rates_of_keras: list[list[float]]) -> None:
    ours = GRID[index][0](np.arange(STEPS))
    np.testing.assert_allclose(
        ours, rates_of_keras[index], rtol=3e-6, atol=1e-8
    )  # float32, several operations


def test_a_boundary_belongs_to_what_goes_before_in_keras(rates_of_keras: list[list[float]]) -> None:
    theirs = rates_of_keras[-2]
    assert theirs[19:22] == pytest.approx([0.3, 0.3, 0.2])
    assert Piecewise(until=(20, 40, 60), values=(0.3, 0.2, 0.1))(np.arange(19, 22)) == pytest.approx(
        [0.3, 0.2, 0.2]
    )
    later = Piecewise(until=(21, 41, 60), values=(0.3, 0.2, 0.1))
    np.testing.assert_allclose(later(np.arange(STEPS)), theirs, rtol=1e-6)


@pytest.mark.parametrize("kind", [Exponential, InverseTime])
def test_keras_goes_on_falling_and_ours_holds(kind: Any, rates_of_keras: list[list[float]]) -> None:
    long = kind(**RUN, decay_steps=7, rate=0.9)
    theirs = rates_of_keras[[ours for ours, _, _ in GRID].index(long)]
    short = kind(peak=PEAK, total_steps=20, decay_steps=7, rate=0.9)
    np.testing.assert_allclose(short(np.arange(20)), theirs[:20], rtol=3e-6)
    assert theirs[59] < 0.7 * theirs[19]
    assert short(59) == short(19)


def test_cycles_double_unasked_in_keras(rates_of_keras: list[list[float]]) -> None:
    theirs = rates_of_keras[-3]
    ours = CosineRestarts(**RUN, cycle_steps=8, growth=2)
    np.testing.assert_allclose(ours(np.arange(STEPS)), theirs, rtol=3e-6, atol=1e-8)
    assert CosineRestarts(**RUN, cycle_steps=8)(16) == PEAK > 2 * theirs[20]


def test_keras_reaches_the_end_one_step_after_the_last_and_ours_holds_the_last(
    rates_of_keras: list[list[float]],
) -> None:
    theirs = rates_of_keras[-1]
    ours = Linear(peak=PEAK, total_steps=10)
    np.testing.assert_allclose(ours(np.arange(10)), theirs[:10], rtol=1e-6)
    assert theirs[10:] == [0.0] * 50
    assert ours(10) == pytest.approx(PEAK / 10)
