import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightrate.tasks.csv.parsing import as_dates, as_numbers, as_times_of_day, as_timestamps


@given(st.lists(st.floats(-1e90, 1e90), min_size=1))
def test_numbers_survive_being_written(values):
    np.testing.assert_array_equal(as_numbers(pd.Series([repr(value) for value in values])), values)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,234", "12,345,678.5"], [1234, 12345678.5]),
        (["€ 5", "7 EUR"], [5, 7]),
        (["3,14", "-2,5", "7"], [3.14, -2.5, 7]),
        (["1"] * 30 + ["n.k."], [1] * 30 + [np.nan]),
        (["1"] * 30 + ["inf"], [1] * 30 + [np.nan]),
        (["1", "1e300"], [1, 1e100]),
        (["1", None], [1, np.nan]),
    ],
)
def test_numbers_in_many_spellings(cells, expected):
    np.testing.assert_allclose(as_numbers(pd.Series(cells)), expected)


@pytest.mark.parametrize("cells", [["a", "b"], ["1", "b"], ["2024-01-01"], [None, None], ["1,2,3"]])
def test_what_is_no_column_of_numbers(cells):
    assert as_numbers(pd.Series(cells, dtype="str")) is None


@pytest.mark.parametrize(
    ("cells", "layout", "last"),
    [
        (["2024-01-02", "2024-12-31"], "ISO8601", "2024-12-31"),
        (["2024-01-02T03:04:05Z"], "ISO8601", "2024-01-02 03:04:05"),
        (["01/02/2024", "12/31/2024"], "%m/%d/%Y", "2024-12-31"),
        (["01/02/2024", "31/12/2024"], "%d/%m/%Y", "2024-12-31"),
        (["01/02/2024"] * 2000 + ["31/12/2024"], "%d/%m/%Y", "2024-12-31"),
        (["31.12.2024 17:30"], "%d.%m.%Y %H:%M", "2024-12-31 17:30"),
        (["31-Dec-2024"], "%d-%b-%Y", "2024-12-31"),
        (["Dec 31, 2024"], "%b %d, %Y", "2024-12-31"),
    ],
)
def test_dates_in_many_spellings(cells, layout, last):
    dates, found = as_dates(pd.Series(cells))
    assert found == layout
    assert dates.iloc[-1] == pd.Timestamp(last, tz="UTC")


@pytest.mark.parametrize("cells", [["13:45"], ["a-b-c"], ["12"], ["99/99/9999"], [None]])
def test_what_is_no_date(cells):
    assert as_dates(pd.Series(cells, dtype="str")) is None


def test_times_of_day():
    np.testing.assert_allclose(as_times_of_day(pd.Series(["06:30", None])), [6.5, np.nan])
    assert as_times_of_day(pd.Series(["06:30", "noon"])) is None


@pytest.mark.parametrize("number", [20240131.0, 1706659200.0, 1706659200000.0])
def test_timestamps_as_numbers(number):
    dates = as_timestamps("created_at", np.array([number, np.nan]))
    assert dates[0] == pd.Timestamp("2024-01-31", tz="UTC")
    assert pd.isna(dates[1])
    assert as_timestamps("price", np.array([number])) is None


def test_other_numbers_are_no_timestamps():
    assert as_timestamps("date", np.array([1.0, 2.0])) is None
    assert as_timestamps("date", np.array([20249999.0])) is None
