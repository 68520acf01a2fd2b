import json
import math
from itertools import accumulate
from typing import Any

import jax
import numpy as np
import optax
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import ReduceLROnPlateau

from rightrate.errors import ConfigError
from rightrate.schedules.adaptive import ReduceOnPlateau
from rightrate.testing import check_control

settings_of_a_control = st.builds(
    ReduceOnPlateau,
    direction=st.sampled_from(["min", "max"]),
    factor=st.floats(min_value=0.01, max_value=0.99),
    patience=st.integers(min_value=0, max_value=4),
    threshold=st.sampled_from([0.0, 1e-4, 0.07]),
    threshold_kind=st.sampled_from(["relative", "absolute"]),
    cooldown=st.integers(min_value=0, max_value=3),
    lowest=st.sampled_from([0.0, 1e-3, 0.5]),
)
anything = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20)


def rates(control: ReduceOnPlateau, values: list[float], lr: float = 1.0) -> list[float]:
    """Return the rate after each value; the state goes through JSON every time."""
    state = control.init(lr)
    made = []
    for value in values:
        lr, state = control.update(json.loads(json.dumps(state, allow_nan=False)), value)
        assert state["lr"] == lr
        made.append(lr)
    return made


@given(settings_of_a_control, anything)
def test_conformance(control: ReduceOnPlateau, values: list[float]) -> None:
    check_control(control, values)


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        # One bad observation is borne, the second reduces, and the count starts again.
        ({"patience": 1}, [1.0, 1.0, 1.0, 1.0, 1.0], [1, 1, 0.1, 0.1, 0.01]),
        ({"patience": 0, "factor": 0.5}, [1.0, 2.0, 0.9, 0.95], [1, 0.5, 0.5, 0.25]),
        ({"patience": 0, "direction": "max"}, [1.0, 2.0, 1.5], [1, 1, 0.1]),
        # An improvement by 5 % of 2 is 0.1: 1.9 is not below 1.9, 1.85 is.
        ({"patience": 0, "threshold": 0.05}, [2.0, 1.9], [1, 0.1]),
        ({"patience": 0, "threshold": 0.05}, [2.0, 1.85], [1, 1]),
        ({"patience": 0, "threshold": 0.05, "threshold_kind": "absolute"}, [2.0, 1.94, 1.9], [1, 1, 0.1]),
        # Below zero an improvement is still further down: 5 % of 2 below -2 is -2.1.
        ({"patience": 0, "threshold": 0.05}, [-2.0, -2.05], [1, 0.1]),
        ({"patience": 0, "threshold": 0.05}, [-2.0, -2.15], [1, 1]),
        ({"patience": 0, "threshold": 0.05}, [-2.0, -1.95], [1, 0.1]),
        ({"patience": 0, "threshold": 0.05, "direction": "max"}, [-2.0, -1.95], [1, 0.1]),
        ({"patience": 0, "threshold": 0.05, "direction": "max"}, [-2.0, -1.85], [1, 1]),
        ({"patience": 0, "threshold": 0.05, "threshold_kind": "absolute"}, [-2.0, -2.06], [1, 1]),
        # Around zero the relative threshold is none.
        ({"patience": 0, "threshold": 0.05}, [0.0, -1e-9, 0.0], [1, 1, 0.1]),
        # What is not finite is one more bad observation, and never the best.
        ({"patience": 0}, [math.nan, 5.0, math.nan], [0.1, 0.1, 0.01]),
        ({"patience": 0}, [5.0, -math.inf, 4.0], [1, 0.1, 0.1]),
        ({"patience": 0, "direction": "max"}, [5.0, math.inf, 6.0], [1, 0.1, 0.1]),
        # After a reduction two observations do not count.
        ({"patience": 0, "cooldown": 2}, [1.0, 1.0, 1.0, 1.0, 1.0], [1, 0.1, 0.1, 0.1, 0.01]),
        # An improvement is seen while it cools down.
        ({"patience": 0, "cooldown": 1}, [1.0, 1.0, 0.5, 0.7], [1, 0.1, 0.1, 0.01]),
        ({"patience": 0, "lowest": 0.05}, [1.0, 1.0, 1.0, 1.0], [1, 0.1, 0.05, 0.05]),
    ],
)
def test_decisions_by_hand(options: dict[str, Any], values: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(rates(ReduceOnPlateau(**options), values), expected, rtol=1e-12)


def test_a_rate_below_the_lowest_is_left_alone():
    assert rates(ReduceOnPlateau(patience=0, lowest=0.5), [1.0, 1.0], lr=0.1) == [0.1, 0.1]


def test_the_state_by_hand():
    control = ReduceOnPlateau(patience=1, cooldown=3)
    state = control.init(0.1)
    assert state == {"lr": 0.1, "best": None, "waited": 0, "cooling": 0}
    _, state = control.update(state, torch.tensor(2.0))
    assert state == {"lr": 0.1, "best": 2.0, "waited": 0, "cooling": 0}
    _, state = control.update(state, 3.0)
    assert state == {"lr": 0.1, "best": 2.0, "waited": 1, "cooling": 0}
    lr, state = control.update(state, 3.0)
    assert lr == pytest.approx(0.01)
    assert state == {"lr": lr, "best": 2.0, "waited": 0, "cooling": 3}


def rates_of_torch(control: ReduceOnPlateau, values: list[float], **options: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = ReduceLROnPlateau(
        optimizer,
        mode=control.direction,
        factor=control.factor,
        patience=control.patience,
        threshold=control.threshold,
        threshold_mode={"relative": "rel", "absolute": "abs"}[control.threshold_kind],
        cooldown=control.cooldown,
        min_lr=control.lowest,
        **{"eps": 0.0, **options},
    )
    made = []
    for value in values:
        scheduler.step(value)
        made.append(optimizer.param_groups[0]["lr"])
    return made


# Quarters up to 10: none is another one less 7 %, so that no comparison hangs on how a product is rounded.
quarters = st.integers(min_value=1, max_value=40).map(lambda number: number / 4)


@given(settings_of_a_control, st.lists(quarters | st.just(math.nan), min_size=1, max_size=40))
@settings(max_examples=300)
def test_the_same_decisions_as_torch_above_zero(control: ReduceOnPlateau, values: list[float]) -> None:
    values = [1.0, *values]
    np.testing.assert_allclose(rates(control, values), rates_of_torch(control, values), rtol=1e-12)


def test_torch_takes_a_slow_rise_below_zero_for_improvement_and_ours_does_not():
    control = ReduceOnPlateau(patience=3)
    rising = list(accumulate([-1.0] + [0.00005] * 30))
    assert rates_of_torch(control, rising)[-1] == 1.0
    assert rates(control, rising)[-1] < 1e-6


def test_torch_freezes_small_rates_and_ours_does_not():
    control = ReduceOnPlateau(patience=0)
    values = [1.0] * 12
    assert rates_of_torch(control, values, eps=1e-8)[-1] == pytest.approx(1e-8)
    assert rates(control, values)[-1] == pytest.approx(1e-11)


def test_optax_reduces_one_observation_earlier():
    def rates_of_optax(patience: int, values: list[float]) -> list[float]:
        transform = optax.contrib.reduce_on_plateau(factor=0.5, patience=patience, cooldown=2)
        state, made = transform.init({"w": jax.numpy.zeros(1)}), []
        for value in values:
            _, state = transform.update({"w": jax.numpy.ones(1)}, state, value=value)
            made.append(float(state.scale))
        return made

    values = [1.0, 0.5, *[0.5] * 9, 0.25, *[0.25] * 6]
    for patience in (1, 2, 4):
        ours = rates(ReduceOnPlateau(factor=0.5, patience=patience - 1, cooldown=2), values)
        assert ours == rates_of_optax(patience, values)
        assert ours != rates(ReduceOnPlateau(factor=0.5, patience=patience, cooldown=2), values)


LONG = [*[1.0] * 8, 0.97, *[0.97] * 8]


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "max"},
        {"factor": 0.2},
        {"patience": 2},
        {"threshold": 0.5},
        {"threshold_kind": "relative"},
        {"cooldown": 2},
        {"lowest": 0.05},
    ],
)
def test_every_field_matters(changes: dict[str, Any]) -> None:
    options = {"patience": 3, "threshold": 0.01, "threshold_kind": "absolute", "factor": 0.1}
    values = [10.0, *[10.0] * 3, 9.95, *[9.95] * 6] if "threshold_kind" in changes else LONG
    before, after = ReduceOnPlateau(**options), ReduceOnPlateau(**{**options, **changes})
    assert rates(before, values) != rates(after, values)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "down"}, r"\(direction=\.\.\.\) must be one of 'min', 'max', got 'down'\."),
        ({"factor": 0.0}, r"\(factor=\.\.\.\) must be a finite number in \(0, 1\], got 0\.0\."),
        ({"factor": 1.0}, r"\(factor=\.\.\.\) must be less than 1, got 1\.0\."),
        ({"patience": -1}, r"\(patience=\.\.\.\) must be an integer >= 0, got -1\."),
        ({"threshold": -1e-4}, r"\(threshold=\.\.\.\) must be a finite number >= 0, got -0\.0001\."),
        (
            {"threshold_kind": "rel"},
            r"\(threshold_kind=\.\.\.\) must be one of 'relative', 'absolute', got 'rel'",
        ),
        ({"cooldown": 1.5}, r"\(cooldown=\.\.\.\) must be an integer >= 0, got 1\.5\."),
        ({"lowest": math.nan}, r"\(lowest=\.\.\.\) must be a finite number >= 0, got nan\."),
    ],
)
def test_bad_fields_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^ReduceOnPlateau{message}"):
        ReduceOnPlateau(**options)


def test_bad_rates_and_observations_are_refused():
    control = ReduceOnPlateau()
    with pytest.raises(
        ConfigError, match=r"^ReduceOnPlateau\.init\(lr\) must be a finite number > 0, got 0\."
    ):
        control.init(0)
    for wrong in (None, "1.0", True, [1.0, 2.0]):
        with pytest.raises(
            ConfigError, match=r"^ReduceOnPlateau\.update\(observation\) must be one number, got"
        ):
            control.update(control.init(0.1), wrong)
