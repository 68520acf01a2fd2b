"""Which steps of a schedule are drawn, and how."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from rightrate.report.curves import LOWEST, drawn, lowest, plot, sampled
from rightrate.schedules import Schedule, parse


@pytest.mark.parametrize("total_steps", [1, 2, 4000, 4001, 1_000_000])
def test_curves_have_every_turn(total_steps: int) -> None:
    shape = parse(f"constant({total_steps}) + 0.5 * linear({total_steps})")
    steps = sampled(shape)
    assert set(shape.marks()) <= set(steps.tolist())
    assert len(steps) <= 4000
    assert np.all(np.diff(steps) > 0)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("restarted(cosine(1000), 1e6)", 0.0, 1.0),  # a multiple of every even grid of ten steps
        ("triangular(1e9, half_cycle_steps=512, floor=0.25)", 0.25, 1.0),
        ("restarted(step(3, every_steps=1, factor=0.5), 1e8)", 0.25, 1.0),
    ],
)
def test_waves_that_are_too_short_to_draw_are_a_band(text: str, low: float, high: float) -> None:
    shape = parse(text)
    steps = sampled(shape)
    parts = np.array_split(np.arange(len(steps)), 100)
    rates = shape(steps)
    assert max(float(rates[part].min()) for part in parts) <= low + 0.1
    assert min(float(rates[part].max()) for part in parts) >= high - 0.1


def test_a_smooth_curve_of_many_steps_is_drawn_as_it_is() -> None:
    shape = parse("cosine(1e9)")
    steps = sampled(shape)
    between = np.linspace(0, 1e9 - 1, 7777).round()
    np.testing.assert_allclose(np.interp(between, steps, shape(steps)), shape(between), atol=1e-5)


def test_a_run_and_what_is_held_after_it() -> None:
    run, held = drawn(parse("linear(4)"), 8)
    np.testing.assert_array_equal(run, [[0, 1, 2, 3], [1.0, 0.75, 0.5, 0.25]])
    np.testing.assert_array_equal(held, [[3, 8], [0.25, 0.25]])


def test_a_logarithmic_axis_starts_at_the_least_rate_or_at_a_share_of_the_largest() -> None:
    assert lowest([parse("piecewise(2: 0, 4: 0.5)"), parse("constant(3, peak=0.2)")]) == 0.2
    assert lowest([parse("linear(1e6)")]) == LOWEST


@pytest.mark.parametrize(
    ("schedules", "across", "up"),
    [
        ([parse("linear(10)") * 3e-4], ["0", "2", "4", "6", "8", "10"], ["0", "1e-4", "2e-4", "3e-4"]),
        ([parse("linear(2000)")], ["0", "500", "1,000", "2,000"], ["0.2", "0.4"]),
        ([parse("linear(1e9)")], ["200M", "1B"], ["0.2", "0.4"]),
    ],
)
def test_numbers_on_the_axes(schedules: list[Schedule], across: list[str], up: list[str]) -> None:
    axes = Figure().add_subplot()
    plot(axes, schedules, ["one"], "linear")
    assert set(across) <= {label.get_text() for label in axes.get_xticklabels()}
    assert set(up) <= {label.get_text() for label in axes.get_yticklabels()}


def test_a_logarithmic_axis_within_a_decade_has_numbers() -> None:
    axes = Figure().add_subplot()
    plot(axes, [parse("linear(10, floor=0.4)")], ["one"], "log")
    assert {"0.5", "1"} <= {label.get_text() for label in axes.get_yticklabels()}


def test_few_steps_have_dots() -> None:
    axes = Figure().add_subplot()
    plot(axes, [parse("linear(40)"), parse("linear(41)")], ["few", "more"], "linear")
    assert [axes.lines[index].get_marker() for index in (0, 2)] == ["o", ""]
