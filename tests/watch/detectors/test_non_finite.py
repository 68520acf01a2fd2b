"""Losses that are not finite."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from rightrate.watch.detector import Block
from rightrate.watch.detectors.non_finite import NonFinite

DETECTOR = NonFinite()


def seen(losses, first=0):
    return Block(steps=tuple(range(first, first + len(losses))), losses=tuple(losses))


def test_says_where_it_began_and_only_once() -> None:
    (finding,), state = DETECTOR.update(DETECTOR.init(), seen([1.0, 2.0, math.nan, math.inf], first=5))
    assert (finding.verdict, finding.since, finding.step) == ("non_finite", 7, 8)
    assert finding.evidence == {"non_finite_losses": 2.0}
    assert DETECTOR.update(state, seen([math.nan], first=9))[0] == ()
    assert DETECTOR.update(state, seen([1.0] * 31 + [-math.inf], first=9))[0] == ()
    again, _ = DETECTOR.update(state, seen([1.0] * 32 + [-math.inf], first=9))
    assert [one.since for one in again] == [41]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=64), st.integers(0, 64))
def test_blocks_may_be_cut_anywhere_and_states_survive_json(losses, cut) -> None:
    whole, end = DETECTOR.update(DETECTOR.init(), seen(losses))
    first, state = DETECTOR.update(DETECTOR.init(), seen(losses[:cut]))
    state = json.loads(json.dumps(state, allow_nan=False))
    rest, parted = DETECTOR.update(state, seen(losses[cut:], first=len(losses[:cut])))
    assert [one.since for one in whole] == [one.since for one in (*first, *rest)]
    assert end == parted
    assert bool(whole) == any(not math.isfinite(loss) for loss in losses)
