import math
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.schedules.strategies import schedules

from rightrate.errors import ConfigError
from rightrate.schedules import (
    BY_LENGTH,
    NAMES,
    Constant,
    Cosine,
    Linear,
    LinearWarmup,
    OneCycle,
    Piecewise,
    Rex,
    Schedule,
    by_name,
    parse,
    resolve,
    shape_values,
)
from rightrate.schedules._arguments import example
from rightrate.schedules.resolve import from_text, is_text


@pytest.mark.parametrize(("name", "kind"), [("constant", Constant), ("linear", Linear), ("cosine", Cosine)])
def test_names_become_shapes_of_the_run(name: str, kind: type[Schedule]) -> None:
    assert resolve(name, total_steps=30) == kind(peak=1.0, total_steps=30)
    assert NAMES[name] is kind


def test_shapes_and_functions_come_back_as_they_are() -> None:
    shape = Cosine(total_steps=10, warmup_steps=2, floor=0.1)
    assert resolve(shape, total_steps=99) is shape
    assert resolve(math.sqrt, total_steps=99) is math.sqrt


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            "cosinus",
            r"must be one of 'constant', 'linear', 'cosine', 'one_cycle', .*, got 'cosinus'\. Or write one",
        ),
        (
            Linear(peak=0.1, total_steps=5),
            r"must be a shape with peak 1, got Linear\(peak=0\.1.* The search looks for the peak",
        ),
        (
            0.1,
            r"must be a name, a text, a Schedule or a function of the step, got 0\.1\. Names: con",
        ),
        (None, r"must be a name, a text, a Schedule or a function of the step, got None\."),
    ],
)
def test_other_things_are_refused(schedule: object, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^find\(schedule=\.\.\.\) " + message):
        resolve(schedule, total_steps=10)


@given(schedules(), st.integers(min_value=1, max_value=50))
def test_values_of_a_schedule_are_its_rates(schedule: Schedule, total_steps: int) -> None:
    assume(schedule(np.arange(total_steps)).any())
    values = shape_values(schedule, total_steps)
    assert values.dtype == np.float64
    assert values.tolist() == [schedule(step) for step in range(total_steps)]


def test_values_of_a_function_are_asked_one_step_at_a_time() -> None:
    asked = []

    def halves(step: int) -> float:
        asked.append(step)
        return 0.5**step

    np.testing.assert_array_equal(shape_values(halves, 3), [1.0, 0.5, 0.25])
    assert asked == [0, 1, 2]
    assert all(type(step) is int for step in asked)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (lambda step: 1.0 - step, r"^schedule\(2\) must be finite and >= 0 at every step, got -1\.0\.$"),
        (lambda step: math.inf, r"^schedule\(0\) must be finite and >= 0 at every step, got inf\.$"),
        (
            lambda step: math.nan if step else 1.0,
            r"^schedule\(1\) must be finite and >= 0 at every step, got nan\.$",
        ),
        (lambda step: 0.0, r"^schedule must be above zero at some step, got 0\.0\.$"),
    ],
)
def test_rates_that_cannot_be_are_refused(shape: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        shape_values(shape, 5)


def test_a_function_of_absolute_rates_is_refused():
    with pytest.raises(ConfigError, match=r"a function whose largest value is 1, got 0\.001\. Divide"):
        shape_values(lambda step: 0.001 * (1 - step / 600), 600)


def test_names_that_need_more_than_a_length_say_what():
    with pytest.raises(
        ConfigError,
        match=r"^find\(schedule=\.\.\.\) must be a name that needs no more than a length, got 'step'\. "
        r"Write it out: 'step\(1000, every_steps=\.\.\.\)'\.$",
    ):
        resolve("step", total_steps=10)
    with pytest.raises(
        ConfigError, match=r"got 'scaled'\. Write it out: 'scaled\(cosine\(1000\), factor=\.\.\.\)'\.$"
    ):
        resolve("scaled", total_steps=10)


@pytest.mark.parametrize("name", BY_LENGTH)
def test_every_name_by_length_is_a_shape_of_that_length(name: str) -> None:
    shape = resolve(name, total_steps=30)
    assert (type(shape), shape.peak, shape.total_steps) == (NAMES[name], 1.0, 30)
    assert shape_values(shape, 30).max() > 0.8


def test_names_by_length_are_those_without_further_fields():
    assert set(BY_LENGTH) == {
        *("constant", "linear", "cosine", "one_cycle", "rex", "polynomial", "inverse_sqrt"),
        *("warmup", "exponential_warmup", "cosine_warmup"),
    }


def test_every_example_of_how_to_write_a_name_is_of_that_name():
    values = {"milestones": "[30]", "cooldown_steps": "30"}
    for name, kind in NAMES.items():
        text = re.sub(r"(\w+)=\.\.\.", lambda found: f"{found[1]}={values.get(found[1], '1')}", example(name))
        assert type(parse(text)) is kind


def test_texts_become_shapes():
    text = "warmup(200) + cosine(1800, floor=0.01)"
    wanted = LinearWarmup(total_steps=200) + Cosine(total_steps=1800, floor=0.01)
    assert resolve(text, total_steps=99) == wanted
    assert from_text("--schedule", text) == wanted
    assert not is_text(wanted)
    rounded = from_text("--schedule", "49 * cosine(9, peak=0.020408163265306)")
    assert rounded.peak != 1.0
    assert resolve(rounded, total_steps=9) is rounded


def test_a_text_that_is_no_shape_says_what_to_multiply_by():
    message = (
        r"^--schedule must be a shape with peak 1, got 'piecewise\(400: 0\.02, 700: 0\.01\)'\. "
        r"The search looks for the peak: multiply the whole by 50, its peak is 0\.02\.$"
    )
    with pytest.raises(ConfigError, match=message):
        from_text("--schedule", "piecewise(400: 0.02, 700: 0.01)")
    shape = from_text("--schedule", "50 * piecewise(400: 0.02, 700: 0.01)")
    assert (shape(0), shape(400)) == (1.0, 0.5)


@pytest.mark.parametrize("peak", [0.3, 7.0, 3e-4, 0.1 + 0.2])
def test_what_it_says_to_multiply_by_makes_a_shape(peak: float) -> None:
    given = Piecewise(until=(4, 7), values=(peak, peak / 3))
    for schedule in (given, given.text()):
        with pytest.raises(ConfigError, match="must be a shape with peak 1") as raised:
            resolve(schedule, total_steps=7)
        factor = str(raised.value).split("multiply the whole by ")[1].split(",")[0]
        assert resolve(f"{factor} * {given.text()}", total_steps=7)(0) == pytest.approx(1.0, rel=1e-11)


def test_a_text_with_a_mistake_names_the_argument():
    with pytest.raises(
        ConfigError, match=r"^find\(schedule=\.\.\.\) at position 1 must be the name .* 'cosine'"
    ):
        resolve("cosin(9)", total_steps=9)


def test_names_take_a_warmup():
    made = by_name("--schedule", "rex", total_steps=9, warmup_steps=2)
    assert made == Rex(total_steps=9, warmup_steps=2)
    assert by_name("--schedule", "one_cycle", total_steps=9) == OneCycle(total_steps=9)
    message = (
        r"^--schedule must be a schedule with a warm-up, got 'one_cycle'\. OneCycle .* warmup_steps is 2\.$"
    )
    with pytest.raises(ConfigError, match=message):
        by_name("--schedule", "one_cycle", total_steps=9, warmup_steps=2)
