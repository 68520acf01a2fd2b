import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.errors import DataError
from rightrate.tasks.csv.splitting import split_at_random, split_by_time

rows = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None])), min_size=2, max_size=80)


@given(rows, st.integers(0, 2**31), st.booleans(), st.floats(0.1, 0.5))
def test_identical_rows_stay_on_one_side_and_both_sides_have_rows(drawn, seed, classes, fraction):
    features = pd.DataFrame(drawn, columns=["x", "y"])
    strata = np.random.default_rng(seed).integers(0, 2, len(features)) if classes else None
    if len(set(drawn)) < 2:
        with pytest.raises(DataError, match=r"different from each other, got 'the same in every row'"):
            split_at_random(features, strata, fraction, seed)
        return
    valid = split_at_random(features, strata, fraction, seed)
    assert valid.any()
    assert not valid.all()
    inside = {row for row, held_out in zip(drawn, valid, strict=True) if held_out}
    outside = {row for row, held_out in zip(drawn, valid, strict=True) if not held_out}
    assert not inside & outside


@given(st.integers(0, 2**31), st.integers(100, 400))
def test_classes_are_divided_alike(seed, count):
    strata = (np.random.default_rng(seed).random(count) < 0.1).astype(np.int64)
    valid = split_at_random(pd.DataFrame({"x": np.arange(count)}), strata, 0.25, seed)
    for label in np.unique(strata):
        assert abs(valid[strata == label].sum() - 0.25 * (strata == label).sum()) <= 1


def test_the_seed_decides():
    features = pd.DataFrame({"x": np.arange(50)})
    first, again, other = (split_at_random(features, None, 0.2, seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_a_class_with_one_row_is_trained_on():
    strata = np.array([0] * 9 + [1])
    for seed in range(20):
        assert not split_at_random(pd.DataFrame({"x": np.arange(10)}), strata, 0.5, seed)[9]


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=5, max_size=60), st.floats(0.1, 0.5))
def test_by_time_the_last_rows_are_held_out_and_moments_stay_together(days, fraction):
    moments = pd.to_datetime(pd.Series(days, dtype="float64"), unit="D", origin="2024-01-01", utc=True)
    valid = split_by_time(moments, fraction)
    known = sorted({day for day in days if day is not None})
    if len(known) < 2:
        assert valid is None
        return
    inside = {day for day, held_out in zip(days, valid, strict=True) if held_out}
    outside = {day for day, held_out in zip(days, valid, strict=True) if not held_out} - {None}
    assert None not in inside
    assert min(inside) > max(outside)
