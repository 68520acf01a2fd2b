"""Schedules as text: what is written, what is read, and where a mistake is."""

import re
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.schedules.strategies import schedules

from rightrate.errors import ConfigError
from rightrate.schedules import (
    NAMES,
    Clipped,
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    Linear,
    LinearWarmup,
    MultiStep,
    OneCycle,
    PerEpoch,
    Piecewise,
    Restarted,
    Rex,
    Scaled,
    Schedule,
    Sequence,
    Shifted,
    Step,
    WarmupStableDecay,
    from_dict,
    parse,
    shape_name,
    to_text,
)

WARM = LinearWarmup(total_steps=3)
COSINE = Cosine(total_steps=9)

CANONICAL: list[tuple[str, Schedule]] = [
    ("cosine(9)", COSINE),
    (
        "cosine(9, peak=0.5, warmup_steps=2, floor=0.1)",
        Cosine(peak=0.5, total_steps=9, warmup_steps=2, floor=0.1),
    ),
    ("warmup(3) + cosine(9)", Sequence(parts=(WARM, COSINE))),
    (
        "warmup(3) + cosine(9) + constant(2, peak=0.1)",
        WARM + COSINE + Constant(peak=0.1, total_steps=2),
    ),
    ("warmup(3, start=0.0)", LinearWarmup(total_steps=3, start=0.0)),
    ("inverse_sqrt(9, timescale_steps=4)", InverseSqrt(total_steps=9, timescale_steps=4)),
    (
        "piecewise(400: 0.1, 700: 0.01, 1000: 0.001)",
        Piecewise(until=(400, 700, 1000), values=(0.1, 0.01, 0.001)),
    ),
    ("multi_step(90, milestones=[30, 60])", MultiStep(total_steps=90, milestones=(30, 60))),
    (
        "exponential(9, decay_steps=4, rate=0.5, staircase=true)",
        Exponential(total_steps=9, decay_steps=4, rate=0.5, staircase=True),
    ),
    (
        "wsd(9, cooldown_steps=4, cooldown='1-sqrt')",
        WarmupStableDecay(total_steps=9, cooldown_steps=4, cooldown="1-sqrt"),
    ),
    ("one_cycle(9, curve='linear')", OneCycle(total_steps=9, curve="linear")),
    ("scaled(cosine(9), factor=0.1)", Scaled(schedule=COSINE, factor=0.1)),
    ("clipped(cosine(9), low=0.1, high=0.8)", Clipped(schedule=COSINE, low=0.1, high=0.8)),
    ("shifted(cosine(9), skip_steps=4)", Shifted(schedule=COSINE, skip_steps=4)),
    ("restarted(warmup(3) + cosine(9), times=2)", Restarted(schedule=WARM + COSINE, times=2)),
    (
        "per_epoch(step(90, every_steps=30), steps_per_epoch=100)",
        PerEpoch(schedule=Step(total_steps=90, every_steps=30), steps_per_epoch=100),
    ),
    ("sequence(cosine(9))", Sequence(parts=(COSINE,))),
    ("sequence(warmup(3) + cosine(9))", Sequence(parts=(WARM + COSINE,))),
    ("sequence(warmup(3) + cosine(9), rex(2))", Sequence(parts=(WARM + COSINE, Rex(total_steps=2)))),
]


@pytest.mark.parametrize(("text", "schedule"), CANONICAL, ids=[text for text, _ in CANONICAL])
def test_text_by_hand(text: str, schedule: Schedule) -> None:
    assert parse(text) == schedule
    assert to_text(schedule) == schedule.text() == text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0.1 * cosine(9)", "cosine(9, peak=0.1)"),
        ("cosine(9)*0.1", "cosine(9, peak=0.1)"),
        ("2 * 0.5 * cosine(9) * .25", "cosine(9, peak=0.25)"),
        ("0.5 * (warmup(3) + cosine(9))", "warmup(3, peak=0.5) + cosine(9, peak=0.5)"),
        ("warmup(3) + 0.5 * cosine(9)", "warmup(3) + cosine(9, peak=0.5)"),
        ("(warmup(3) + cosine(9)) + rex(2)", "warmup(3) + cosine(9) + rex(2)"),
        ("((cosine(9)))", "cosine(9)"),
        ("cosine(total_steps=9, )", "cosine(9)"),
        ("cosine(floor=0.1, total_steps=9)", "cosine(9, floor=0.1)"),
        ("cosine(1_000, peak=1e-3)", "cosine(1000, peak=0.001)"),
        ("cosine(2e3, peak=5e0)", "cosine(2000, peak=5.0)"),
        (" cosine\n(\t9 ) ", "cosine(9)"),
        ("wsd(9, cooldown_steps=4, cooldown=cosine)", "wsd(9, cooldown_steps=4, cooldown='cosine')"),
        ('wsd(9, cooldown_steps=4, cooldown="1-sqrt")', "wsd(9, cooldown_steps=4, cooldown='1-sqrt')"),
        ("inverse_sqrt(9, timescale_steps=None)", "inverse_sqrt(9)"),
        (
            "exponential(9, decay_steps=4, rate=0.5, staircase=False)",
            "exponential(9, decay_steps=4, rate=0.5)",
        ),
        (
            "per_epoch(step(90, every_steps=30), 100)",
            "per_epoch(step(90, every_steps=30), steps_per_epoch=100)",
        ),
        ("restarted(times=2, schedule=cosine(9))", "restarted(cosine(9), times=2)"),
        ("piecewise(until=[4, 7], values=[0.1, 1])", "piecewise(4: 0.1, 7: 1.0)"),
        ("piecewise(4: 2 * 0.5,)", "piecewise(4: 1.0)"),
        ("sequence(parts=[cosine(9), rex(2)])", "cosine(9) + rex(2)"),
        ("sequence(cosine(9), rex(2))", "cosine(9) + rex(2)"),
    ],
)
def test_other_ways_to_write_it(text: str, same: str) -> None:
    assert parse(text).text() == same


@pytest.mark.parametrize(("text", "schedule"), CANONICAL, ids=[text for text, _ in CANONICAL])
def test_lr_multiplies_every_rate(text: str, schedule: Schedule) -> None:
    assert parse(text, lr=3e-4) == schedule * 3e-4 != schedule


@given(schedules())
def test_text_and_schedule_are_the_same(schedule: Schedule) -> None:
    text = to_text(schedule)
    assert parse(text) == schedule
    assert to_text(parse(text)) == text
    assert from_dict(parse(text).to_dict()) == schedule


words = st.sampled_from(
    [*NAMES, *"()[],:=+*", "'", '"', "0.1", "9", "-1", "1e3", "floor", "start", "none", "true", " ", "$", "_"]
)


@given(st.lists(words, max_size=12).map("".join) | st.text(max_size=12))
def test_whatever_is_written_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text)
    except ConfigError as error:
        place = re.match(r"parse\(text\) at position (\d+)", str(error))
        assert place is not None
        assert 1 <= int(place[1]) <= len(text) + 1


def mistake(text: str) -> tuple[str, str]:
    """Return what is said of a text, and the word the caret points to."""
    with pytest.raises(ConfigError, match=r"^parse\(text\) at position \d+") as caught:
        parse(text)
    said, shown, caret = str(caught.value).split("\n")
    start = len(caret) - 1
    assert caret == " " * start + "^"
    assert said.startswith(f"parse(text) at position {start - 4 + 1}")
    assert shown == "    " + text
    return said.split("position ")[1].split(maxsplit=1)[1], shown[start:]


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("", "must be a schedule or a number, got the end of the text. Such as cosine(1800).", ""),
        ("cosin(100)", "must be the name of a schedule, got 'cosin'. Did you mean 'cosine'?", "cosin(100)"),
        ("rex(3)+Wsd(9)", "must be the name of a schedule, got 'Wsd'. Did you mean 'wsd'?", "Wsd(9)"),
        (
            "LinearWarmup(9)",
            "must be the name of a schedule, got 'LinearWarmup'. Did you mean 'warmup'?",
            None,
        ),
        (
            "zzz(9)",
            "must be the name of a schedule, got 'zzz'. Names: constant, linear, cosine, cosine_r",
            None,
        ),
        ("cosine", "must be a schedule, got 'cosine'. Write its fields after it: cosine(1000).", None),
        (
            "rex(3) + step",
            "must be a schedule, got 'step'. Write its fields after it: step(1000, every_steps=...).",
            "step",
        ),
        (
            "scaled",
            "must be a schedule, got 'scaled'. Write its fields after it: scaled(cosine(1000), f",
            None,
        ),
        ("piecewise", "Write its fields after it: piecewise(400: 0.1, 700: 0.01).", None),
        ("3", "must be a schedule, got 3. Such as cosine(1800).", None),
        ("rex(3) + 3", "must be a schedule, got 3. Such as cosine(1800).", "3"),
        ("'rex' * 3", "must be a schedule or a number, got 'rex'. Such as cosine(1800).", None),
        ("true * rex(3)", "must be a schedule or a number, got True.", None),
        ("rex(3) * rex(9)", "must be a number, got Rex(peak=1.0, total_steps=9", None),
        ("rex(3) rex(9)", "must be '+', '*' or the end, got 'rex'.", "rex(9)"),
        ("rex(3", "must be ',' or ')', got the end of the text.", ""),
        ("rex(3 9)", "must be ',' or ')', got '9'.", "9)"),
        ("rex(3, , )", "must be a schedule or a number, got ','. Such as", ", )"),
        ("(rex(3)", "must be ')', '+' or '*', got the end of the text.", ""),
        (
            "multi_step(9, milestones=(3, 6))",
            "must be a schedule, got 3. A list is written [30, 60].",
            "3, 6))",
        ),
        ("multi_step(9, milestones=[3 6])", "must be ',' or ']', got '6'.", "6])"),
        ("rex(3) $", "must be a number, a name or a mark, got '$'. Between words stand ( ) [ ]", "$"),
        ("wsd(9, cooldown='cos)", 'must be a number, a name or a mark, got "\'". Close the quotes.', "'cos)"),
        (
            "wsd(9, cooldown=1-sqrt)",
            "got '-'. Nothing is subtracted; a text such as '1-sqrt' stands in quotes.",
            "-sqrt)",
        ),
        ("rex(9) / 2", "got '/'. Multiply instead, as in 0.5 * cosine(1800).", "/ 2"),
        (
            "piecewise(4=1)",
            "must be ',' or ')', got '='. A name stands before '='; a step and its rate",
            "=1)",
        ),
        (
            "step(30, every=3)",
            "must be a field of 'step', got 'every'. Did you mean 'every_steps'? step takes peak, to",
            "every=3)",
        ),
        (
            "rex(30, zzz=3)",
            "must be a field of 'rex', got 'zzz'. rex takes peak, total_steps, warmup",
            "zzz=3)",
        ),
        ("rex(30, 3)", "must be a name, '=' and a value, got 3. rex takes peak, total_steps,", "3)"),
        ("rex(30: 3)", "must be a value, or a name, '=' and a value, got 30: 3. Pairs of", "30: 3)"),
        (
            "piecewise(3: 1, 4)",
            "must be a value, or a name, '=' and a value, got 3: 1. Pairs of a",
            "3: 1, 4)",
        ),
        (
            "piecewise(30, 3)",
            "must be STEP: RATE, got 30. Write a step and its rate: piecewise(400: 0",
            "30, 3)",
        ),
        ("rex(9, floor=0.1, floor=1)", "gives floor of 'rex' again.", "floor=1)"),
        ("rex(9, total_steps=9)", "gives total_steps of 'rex' again.", "total_steps=9)"),
        (
            "rex(3) + step(30)",
            "must be complete, with 'every_steps' for 'step', got 'step(30)'. W",
            "step(30)",
        ),
        ("piecewise(4: 1, 4: 2)", "must be a step above 4 before ':', got 4. A rate holds until", "4: 2)"),
        ("piecewise(1.5: 1)", "must be a step above 0 before ':', got 1.5.", "1.5: 1)"),
        ("piecewise(4: 1, 5: -1)", "must be a rate >= 0 after ':', got -1.", "5: -1)"),
        ("piecewise(4: 1, 5: nan)", "must be a rate >= 0 after ':', got 'nan'.", "5: nan)"),
        ("piecewise(4: 1e999)", "must be a rate >= 0 after ':', got inf.", "4: 1e999)"),
        ("piecewise()", "with 'until' for 'piecewise', got 'piecewise()'. Write piecewise(400: 0.1,", None),
        (
            "scaled(rex(9))",
            "with 'factor' for 'scaled', got 'scaled(rex(9))'. Write scaled(cosine(1000),",
            None,
        ),
        ("rex(9, floor=2)", "Rex(floor=...) must be a finite number in [0, 1], got 2.", "floor=2)"),
        ("rex(1.5e3)", "Rex(total_steps=...) must be an integer >= 1, got 1500.0. Count", "1.5e3)"),
        ("rex(3) + 0 * rex(9)", "Rex * factor must be a finite number > 0, got 0.0.", "0 * rex(9)"),
        ("rex(9) * -1", "Rex * factor must be a finite number > 0, got -1.0.", "-1"),
        ("restarted(3, 3)", "Restarted(schedule=...) must be a schedule, got 3.", "3, 3)"),
        ("rex(9, floor=none)", "Rex(floor=...) must be a finite number in [0, 1], got None.", "floor=none)"),
        ("sequence()", "Sequence(parts=...) must be a tuple of schedules, got ().", None),
        ("rex(9223372036854775808)", "must be at most 9223372036854775807, got 9223372036854775808.", None),
        ("(" * 51 + "rex(9)", "must be nested at most 50 deep, got '('.", "(rex(9)"),
    ],
)
def test_mistakes_are_pointed_to(text: str, message: str, at: str | None) -> None:
    said, pointed = mistake(text)
    assert message in said
    if at is not None:
        assert pointed == at


def test_a_long_text_is_shown_around_the_place():
    text = " +\n ".join(["rex(1000)"] * 40 + ["rx(1000)"] + ["rex(1000)"] * 40)
    with pytest.raises(ConfigError, match="got 'rx'") as caught:
        parse(text)
    _, shown, caret = str(caught.value).split("\n")
    assert shown.startswith("    ...")
    assert shown.endswith("...")
    assert len(shown) == 110
    assert shown[len(caret) - 1 :].startswith("rx(1000) +  rex(1000)")


@pytest.mark.parametrize("text", [None, 3, b"rex(9)", COSINE])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(ConfigError, match=r"^parse\(text\) must be a text, got .* Such as 'warmup\(200\) \+"):
        parse(text)


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), "1"])
def test_lr_must_be_positive(lr: object) -> None:
    with pytest.raises(ConfigError, match=r"^parse\(lr=\.\.\.\) must be a finite number > 0, got "):
        parse("rex(9)", lr=lr)


def test_schedules_without_a_public_name_have_no_text():
    class Mine(Linear):
        pass

    with pytest.raises(
        ConfigError, match=r"^to_text\(schedule\) must be made of schedules of this package, got .*Mine"
    ):
        Scaled(schedule=Mine(total_steps=3), factor=2).text()


@dataclass(frozen=True, kw_only=True, repr=False)
class Own(Constant):
    """A schedule of one's own has no text."""

    def __repr__(self):
        return "my own"


def test_what_people_are_told_a_schedule_is():
    assert shape_name(Cosine(total_steps=10)) == "cosine(10)"
    assert shape_name(Own(total_steps=10)) == "my own"
    assert shape_name(len) == "len"
    assert shape_name(lambda step: 1.0) == "function"
    assert shape_name(partial(pow, 2)) == "partial"
