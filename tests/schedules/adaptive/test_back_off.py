import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.errors import ConfigError
from rightrate.schedules.adaptive import BackOff
from rightrate.testing import check_control

controls = st.builds(
    BackOff,
    factor=st.floats(min_value=1e-300, max_value=0.999),
    recover_steps=st.integers(min_value=1, max_value=5),
    lowest=st.sampled_from([0.0, 0.01, 10.0]),
)


def rates(control: BackOff, lr: float, observations: list[float]) -> list[float]:
    state, found = control.init(lr), []
    for seen in observations:
        lr, state = control.update(state, seen)
        found.append(lr)
    return found


@given(controls, st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_conformance(control: BackOff, observations: list[float]) -> None:
    check_control(control, observations)


@given(controls, st.lists(st.sampled_from([1.0, math.nan, 0.0]), max_size=20))
def test_it_is_never_above_the_full_rate_and_comes_back(control: BackOff, observations: list[float]) -> None:
    found = rates(control, 0.1, [*observations, *[0.0] * control.recover_steps])
    assert max(found) <= 0.1
    assert found[-1] == 0.1


def test_by_hand():
    control = BackOff(factor=1 / 16, recover_steps=4)
    found = rates(control, 0.8, [0, 1, 0, 0, 0, 0, 0])
    assert found == pytest.approx([0.8, 0.05, 0.1, 0.2, 0.4, 0.8, 0.8], rel=1e-12)


def test_an_alarm_on_the_way_back_by_hand():
    # A sixteenth, an eighth, then a sixteenth of that, 2 ** -7, and back in steps of 2 ** (7 / 4).
    control = BackOff(factor=1 / 16, recover_steps=4)
    found = rates(control, 1.0, [1, 0, 1, 0, 0, 0, 0])
    expected = [2**-4, 2**-3, 2**-7, 2**-5.25, 2**-3.5, 2**-1.75, 1.0]
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("alarm", [1e-300, 1.0, math.inf, -math.inf, math.nan])
def test_alarms(alarm):
    assert rates(BackOff(), 0.1, [alarm])[0] == 0.05


@pytest.mark.parametrize("fine", [0.0, -1e-300, -1e308])
def test_no_alarms(fine):
    assert rates(BackOff(), 0.1, [fine] * 3) == [0.1] * 3


def test_the_lowest_rate():
    assert rates(BackOff(factor=0.1, lowest=0.02), 0.1, [1, 1, 1]) == [0.02, 0.02, 0.02]
    assert rates(BackOff(factor=0.1, lowest=0.2), 0.1, [1, 0]) == [0.1, 0.1]


def test_every_field_counts():
    alarms = [1, 0, 1, 1, 0]
    base = rates(BackOff(), 0.1, alarms)
    for other in (BackOff(factor=0.4), BackOff(recover_steps=99), BackOff(lowest=0.04)):
        assert rates(other, 0.1, alarms) != base


def test_it_keeps_a_run_alive_through_a_steep_stretch():
    """Gradient descent at 0.5 on a curvature of 1, which is 8 for steps 10 to 29: stable below 2 / 8."""

    def farthest(control: BackOff | None) -> float:
        place, lr = 1.0, 0.5
        state = control.init(lr) if control else None
        before, found = 1.0, []
        for step in range(60):
            curvature = 8.0 if 10 <= step < 30 else 1.0
            place = place - lr * curvature * place + 1e-3
            if control and state:
                lr, state = control.update(state, abs(place) - 1.5 * before)
            before = max(abs(place), 1e-2)
            found.append(abs(place))
        return max(found[10:])

    assert farthest(None) > 1e6
    assert farthest(BackOff(factor=0.25, recover_steps=40)) < 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 0.0}, r"\(factor=\.\.\.\) must be a finite number in \(0, 1\], got 0\.0\."),
        ({"factor": 1.0}, r"\(factor=\.\.\.\) must be less than 1, got 1\.0\."),
        ({"recover_steps": 0}, r"\(recover_steps=\.\.\.\) must be an integer >= 1, got 0\."),
        ({"lowest": -1.0}, r"\(lowest=\.\.\.\) must be a finite number >= 0, got -1\.0\."),
    ],
)
def test_bad_fields_are_refused(options, message):
    with pytest.raises(ConfigError, match=f"^BackOff{message}"):
        BackOff(**options)


def test_bad_rates_and_observations_are_refused():
    with pytest.raises(ConfigError, match=r"^BackOff\.init\(lr\) must be a finite number > 0, got nan\."):
        BackOff().init(math.nan)
    with pytest.raises(ConfigError, match=r"^BackOff\.update\(observation\) must be one number, got 'x'\."):
        BackOff().update(BackOff().init(0.1), "x")
