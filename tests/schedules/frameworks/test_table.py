import re

import numpy as np
import pytest
from hypothesis import assume, given
from tests.schedules.strategies import schedules

from rightrate.errors import ConfigError, MissingExtraError
from rightrate.schedules import Constant, Cosine, Linear, Piecewise, Schedule
from rightrate.schedules.frameworks.table import MOST_STEPS, needed, piecewise, table


@given(schedules().filter(lambda schedule: schedule.total_steps <= 5000))
def test_a_table_holds_every_rate(schedule: Schedule) -> None:
    rates = table(schedule)
    steps = np.arange(schedule.total_steps + 5)
    np.testing.assert_array_equal(rates[np.minimum(steps, len(rates) - 1)], schedule(steps))
    assert len(rates) == 1 or rates[-1] != rates[-2]


def test_a_table_ends_where_rates_no_longer_change() -> None:
    assert table(Constant(total_steps=10, warmup_steps=3)).tolist() == [0.25, 0.5, 0.75, 1.0]
    assert table(Linear(total_steps=2)).tolist() == [1.0, 0.5]
    assert table(Constant(peak=3.0, total_steps=1)).tolist() == [3.0]
    assert table(Linear(total_steps=1, floor=0.3) + Constant(peak=2.0, total_steps=7)).tolist() == [1.0, 2.0]


def test_a_long_table_is_made_in_blocks() -> None:
    schedule = Cosine(peak=0.3, total_steps=2**21 + 3, warmup_steps=2**20 - 1)
    rates = table(schedule)
    places = [0, 2**20 - 2, 2**20 - 1, 2**20, 2**21 - 1, 2**21, 2**21 + 2]
    assert len(rates) == schedule.total_steps
    assert rates[places].tolist() == [schedule(place) for place in places]


def test_a_run_too_long_for_a_table_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"\(total_steps=\.\.\.\) must be at most 33554432, got 33554433\. .*"
    ):
        table(Constant(total_steps=MOST_STEPS + 1))


@given(schedules().filter(lambda schedule: schedule.total_steps <= 5000))
def test_piecewise_has_the_rates_it_is_made_from(schedule: Schedule) -> None:
    steps = np.arange(schedule.total_steps)
    assume(schedule(steps).any())  # a warm-up of one step may have no rate above 0
    made = piecewise(schedule(steps))
    assert made.total_steps == schedule.total_steps
    np.testing.assert_array_equal(made(steps), schedule(steps))


def test_piecewise_is_as_short_as_can_be() -> None:
    made = piecewise(np.array([0.2, 0.2, 0.1, 0.2, 0.2, 0.2]))
    assert made == Piecewise(until=(2, 3, 6), values=(0.2, 0.1, 0.2))
    assert piecewise(np.array([0.2])) == Piecewise(until=(1,), values=(0.2,))


def test_a_missing_package_names_the_command() -> None:
    message = re.escape(
        "schedule.f() needs nowhere.to_be, which is not installed. Install it with: pip install x"
    )
    with pytest.raises(MissingExtraError, match=f"^{message}$"):
        needed("nowhere.to_be", "pip install x", of="schedule.f()")


def test_a_package_that_breaks_is_not_called_missing(tmp_path, monkeypatch) -> None:
    (tmp_path / "half_installed.py").write_text("import what_it_needs\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs") as caught:
        needed("half_installed", "pip install half", of="schedule.f()")
    assert not isinstance(caught.value, MissingExtraError)
