import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.errors import ConfigError
from rightrate.schedules import WarmupStableDecay
from rightrate.schedules.adaptive import CoolDown
from rightrate.testing import check_control

FORMS = ("linear", "1-sqrt", "cosine")
controls = st.builds(
    CoolDown,
    cooldown_steps=st.integers(min_value=1, max_value=5),
    cooldown=st.sampled_from(FORMS),
    floor=st.floats(min_value=0.0, max_value=1.0),
)


def rates(control: CoolDown, lr: float, observations: list[float]) -> list[float]:
    state, found = control.init(lr), []
    for seen in observations:
        lr, state = control.update(state, seen)
        found.append(lr)
    return found


@given(controls, st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_conformance(control: CoolDown, observations: list[float]) -> None:
    check_control(control, observations)


@pytest.mark.parametrize(
    ("form", "floor", "expected"),
    [
        ("linear", 0.0, [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]),
        ("linear", 0.2, [1.0, 0.8, 0.6, 0.4, 0.2, 0.2]),
        ("1-sqrt", 0.0, [1.0, 0.5, 1 - 0.5**0.5, 1 - 0.75**0.5, 0.0, 0.0]),
        ("cosine", 0.0, [1.0, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0.0, 0.0]),
    ],
)
def test_by_hand(form, floor, expected):
    control = CoolDown(cooldown_steps=4, cooldown=form, floor=floor)
    found = rates(control, 0.4, [0, 0, 1, 0, 0, 0, 0, 0])
    assert found == pytest.approx([0.4, 0.4, *(0.4 * part for part in expected)], rel=1e-12, abs=1e-15)


@given(
    st.sampled_from(FORMS),
    st.integers(min_value=1, max_value=9),
    st.integers(min_value=1, max_value=9),
    st.floats(min_value=0.0, max_value=1.0),
)
def test_told_in_time_it_is_warmup_stable_decay(form, stable, cooldown_steps, floor):
    total = stable + cooldown_steps
    known = WarmupStableDecay(
        peak=0.3, total_steps=total, cooldown_steps=cooldown_steps, cooldown=form, floor=floor
    )
    control = CoolDown(cooldown_steps=cooldown_steps, cooldown=form, floor=floor)
    found = rates(control, 0.3, [step + 1 - (stable - 1) for step in range(total - 1)])
    np.testing.assert_allclose([0.3, *found], known(np.arange(total)), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("nothing", [0.0, -1.0, -math.inf, math.nan])
def test_what_does_not_tell(nothing):
    assert rates(CoolDown(cooldown_steps=2), 0.4, [nothing] * 5) == [0.4] * 5


@pytest.mark.parametrize("anything", [0.0, 1.0, -math.inf, math.nan])
def test_once_told_it_is_not_called_back(anything):
    assert rates(CoolDown(cooldown_steps=2), 0.4, [math.inf, *[anything] * 3]) == [0.4, 0.2, 0.0, 0.0]


def test_on_top_of_a_schedule_it_is_a_fraction():
    schedule = WarmupStableDecay(peak=0.3, total_steps=20, warmup_steps=2, cooldown_steps=4)
    parts = [1.0, *rates(CoolDown(cooldown_steps=4), 1.0, [step + 1 - 3 for step in range(7)])]
    found = [schedule(step) * part for step, part in enumerate(parts)]
    assert found == pytest.approx([0.1, 0.2, 0.3, 0.3, 0.3, 0.225, 0.15, 0.075], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cooldown_steps": 0}, r"\(cooldown_steps=\.\.\.\) must be an integer >= 1, got 0\."),
        (
            {"cooldown": "step"},
            r"\(cooldown=\.\.\.\) must be one of 'linear', '1-sqrt', 'cosine', got 'step'",
        ),
        ({"floor": 1.5}, r"\(floor=\.\.\.\) must be a finite number in \[0, 1\], got 1\.5\."),
    ],
)
def test_bad_fields_are_refused(options, message):
    with pytest.raises(ConfigError, match=f"^CoolDown{message}"):
        CoolDown(**{"cooldown_steps": 4, **options})


def test_bad_rates_and_observations_are_refused():
    control = CoolDown(cooldown_steps=4)
    with pytest.raises(ConfigError, match=r"^CoolDown\.init\(lr\) must be a finite number > 0, got 0\."):
        control.init(0)
    with pytest.raises(ConfigError, match=r"^CoolDown\.update\(observation\) must be one number, got True\."):
        control.update(control.init(0.1), True)
