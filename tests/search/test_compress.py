"""Schedules squeezed into probes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.schedules import Constant, Cosine, Linear
from rightrate.search.compress import compress, warmup_of

SHAPES = (Constant, Cosine, Linear)


@st.composite
def runs(draw):
    total = draw(st.integers(1, 400))
    warmup = draw(st.integers(0, total - 1))
    shape = draw(st.sampled_from(SHAPES))(total_steps=total, warmup_steps=warmup)
    return shape(np.arange(total)), warmup, draw(st.integers(1, total))


def test_without_warmup_the_values_are_those_at_evenly_spaced_steps():
    values = np.linspace(1.0, 0.0, 101)
    squeezed = compress(values, 26)
    assert squeezed == pytest.approx(values[[round(i * 100 / 25) for i in range(26)]])


def test_a_warmup_keeps_its_steps():
    """400 of 1,600 steps: whole in a probe of 800, cut to a half where a probe is shorter."""
    values = Cosine(total_steps=1600, warmup_steps=400)(np.arange(1600))
    long = compress(values, 1000)
    assert long[:400] == pytest.approx(values[:400])
    assert long[400] == 1.0
    assert long[-1] == values[-1]
    short = compress(values, 200)
    assert warmup_of(short) == 100
    assert short[0] == values[0]
    assert (np.diff(short[:101]) > 0).all()
    # Compressed with all the rest it would be 50 steps long.
    assert warmup_of(short) != 50


@given(runs())
def test_what_every_compressed_schedule_is(run):
    values, warmup, steps = run
    squeezed = compress(values, steps)
    assert squeezed.shape == (steps,)
    assert set(squeezed) <= set(values)
    assert squeezed.max() == values.max()
    if steps >= 2:
        assert warmup_of(squeezed) == min(warmup, steps // 2) or steps == len(values)
    if steps - min(warmup, steps // 2) >= 2:
        assert squeezed[-1] == values[-1]
    kept = squeezed[: warmup_of(squeezed)]
    assert (np.diff(kept) >= 0).all()
    after = squeezed[warmup_of(squeezed) :]
    assert (np.diff(after) <= 1e-12).all()


@given(runs())
def test_a_run_of_full_length_is_not_changed_and_not_shared(run):
    values, _, _ = run
    whole = compress(values, len(values))
    assert np.array_equal(whole, values)
    whole[:] = -1
    assert values.max() == 1


def test_a_schedule_that_only_rises():
    values = np.linspace(0.1, 1.0, 100)
    assert warmup_of(values) == 99
    squeezed = compress(values, 10)
    assert squeezed[:5] == pytest.approx(values[[0, 24, 49, 74, 98]], abs=0.01)
    assert squeezed[5:] == pytest.approx([1.0] * 5)
