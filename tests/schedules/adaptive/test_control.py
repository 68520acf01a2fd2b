"""What holds for every control."""

import json

import numpy as np
import pytest

from rightrate.schedules.adaptive import BackOff, Control, CoolDown, Hypergradient, ReduceOnPlateau

SINGLE, THREE = np.float32(0.3), np.int64(3)


@pytest.mark.parametrize(
    "control",
    [
        ReduceOnPlateau(factor=SINGLE, patience=np.int64(0), threshold=SINGLE, cooldown=THREE, lowest=SINGLE),
        Hypergradient(rate=SINGLE, lowest=SINGLE, highest=np.float32(0.9)),
        CoolDown(cooldown_steps=THREE, floor=SINGLE),
        BackOff(factor=SINGLE, recover_steps=THREE, lowest=SINGLE),
    ],
    ids=lambda control: type(control).__name__,
)
def test_numbers_of_other_libraries_leave_plain_states(control: Control) -> None:
    state = control.init(np.float32(0.5))
    for seen in (np.float32(1.0), np.array(2.0), 3.0, -1.0):
        lr, state = control.update(state, seen)
        assert type(lr) is float
        assert json.loads(json.dumps(state)) == state
    assert "np." not in repr(control)
