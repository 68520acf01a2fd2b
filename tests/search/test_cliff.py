"""Where training starts to fail."""

import numpy as np
import pytest
from tests.search.recorded import space

from rightrate.search.cliff import find_cliff
from rightrate.search.record import Cliff
from rightrate.search.rungs import rungs_of
from rightrate.search.space import Observation

UNTRAINED = 2.0


def rungs(**lengths):
    """From `at100={rate: value}` to the rungs of those lengths."""
    seen = [
        Observation(lr=lr, steps=int(name[2:]), seed=0, rung=0, value=value)
        for name, values in lengths.items()
        for lr, value in values.items()
    ]
    return rungs_of(seen, space(untrained=UNTRAINED))


def test_between_the_last_that_trained_and_the_first_that_failed():
    found = find_cliff(rungs(at100={0.01: 1.0, 0.1: 0.5, 1.0: 0.8, 3.0: np.nan, 10.0: np.nan}), "cosine", 0)
    assert found == Cliff(max_stable=1.0, lowest_failed=3.0, steps=100, schedule="cosine")


def test_ending_untrained_is_failing_too():
    found = find_cliff(rungs(at100={0.1: 0.5, 1.0: 0.8, 3.0: 1.99}), "constant", 0)
    assert (found.max_stable, found.lowest_failed) == (1.0, 3.0)


def test_failures_to_start_are_not_the_cliff():
    found = find_cliff(rungs(at100={1e-6: 2.0, 1e-5: 2.0, 0.1: 0.5, 1.0: 0.8, 3.0: np.nan}), "constant", 0)
    assert (found.max_stable, found.lowest_failed) == (1.0, 3.0)


def test_a_rate_that_trained_above_a_failure_does_not_count():
    found = find_cliff(rungs(at100={0.1: 0.5, 1.0: np.nan, 3.0: 0.9}), "constant", 0)
    assert (found.max_stable, found.lowest_failed) == (0.1, 1.0)


def test_the_longest_length_that_saw_both_sides():
    short, long = {0.1: 1.0, 1.0: 1.2, 3.0: np.nan}, {0.01: 0.6, 0.1: 0.5, 0.3: np.nan}
    found = find_cliff(rungs(at50=short, at200=long), "constant", 0)
    assert (found.max_stable, found.lowest_failed, found.steps) == (0.1, 0.3, 200)
    found = find_cliff(rungs(at50=short, at200={0.01: 0.6, 0.1: 0.5}), "constant", 0)
    assert (found.max_stable, found.lowest_failed, found.steps) == (1.0, 3.0, 50)


def test_a_longer_run_above_it_makes_a_bound_of_it():
    found = find_cliff(rungs(at50={0.1: 1.0, 0.3: np.nan}, at200={0.1: 0.6, 1.0: 0.5}), "constant", 0)
    assert (found.max_stable, found.lowest_failed, found.steps) == (1.0, None, 200)
    assert found.note == "Nothing failed at 200 steps; the largest rate tried there, 1, is a lower bound."


def test_nothing_failed():
    found = find_cliff(rungs(at100={0.1: 0.5, 1.0: 0.8}), "linear", 0)
    assert (found.max_stable, found.lowest_failed, found.schedule) == (1.0, None, "linear")
    assert "lower bound" in found.note


def test_nothing_trained():
    found = find_cliff(rungs(at100={0.1: np.nan, 1.0: np.nan}), "constant", 0)
    assert found.max_stable is None
    assert found.note == "No rate was measured to train at the longest length."


@pytest.mark.parametrize(("warmup", "steps"), [(10, 100), (50, 100), (51, None), (100, None)])
def test_no_cliff_is_read_from_probes_that_cut_the_warmup(warmup, steps):
    found = find_cliff(rungs(at100={0.1: 0.5, 1.0: np.nan}), "constant", warmup)
    if steps:
        assert (found.max_stable, found.steps) == (0.1, steps)
    else:
        assert found.max_stable is found.lowest_failed is None
        assert f"no probe was long enough for the {warmup} steps of warm-up" in found.note


def test_only_probes_that_hold_the_warmup_count():
    long = {0.1: 0.5, 0.3: np.nan}
    found = find_cliff(rungs(at50={0.01: 0.5, 0.03: np.nan}, at200=long), "constant", 60)
    assert (found.max_stable, found.steps) == (0.1, 200)
