"""Schedules beside each other: rows, curves, and the page."""

import io
import json
import re
from typing import Any

import numpy as np
import pytest

from rightrate.errors import ConfigError
from rightrate.report.curves import LOWEST
from rightrate.report.preview import LETTERS, Preview
from rightrate.schedules import Cosine, Linear, Schedule, parse

PLAIN = parse("warmup(4) + linear(8)")


def of(*texts: str, lr: float = 1.0) -> Preview:
    return Preview(shapes=tuple(parse(text) for text in texts), lr=lr)


def rows(made: Preview) -> list[tuple[Any, ...]]:
    return [(row.step, *row.rates, ", ".join(row.notes)) for row in made.rows()]


def test_rows_by_hand() -> None:
    assert rows(of("warmup(4) + linear(8)", lr=0.5)) == [
        (0, 0.1, "first step"),
        (3, 0.4, "turn"),
        (4, 0.5, "peak"),
        (5, 0.4375, "middle"),
        (11, 0.0625, "last step"),
        (12, 0.0625, "after the end"),
    ]


def test_rows_of_two_say_whose_they_are() -> None:
    assert rows(of("linear(4)", "piecewise(2: 1, 6: 0.5)")) == [
        (0, 1.0, 1.0, "first step"),
        (1, 0.75, 1.0, "a: middle"),
        (2, 0.5, 0.5, "b: turn"),
        (3, 0.25, 0.5, "a: last step"),
        (4, 0.25, 0.5, "a: after the end"),
        (5, 0.25, 0.5, "b: last step"),
        (6, 0.25, 0.5, "b: after the end"),
    ]


def test_one_step_is_first_and_last() -> None:
    assert rows(of("constant(1)")) == [(0, 1.0, "first step"), (1, 1.0, "after the end")]


def test_some_of_many_turns_are_shown() -> None:
    made = of("step(1000, every_steps=10, factor=0.9)")
    assert made.turns_left_out
    assert [row.step for row in made.rows()] == [0, 10, 20, 30, 40, 50, 499, 990, 999, 1000]
    assert not of("rex(9)").turns_left_out


def test_the_figure_draws_each_schedule_and_what_is_held() -> None:
    made = of("linear(4)", "cosine(8)", lr=0.5).figure()
    (axes,) = made.axes
    first, held, second, _ = axes.lines
    np.testing.assert_array_equal(first.get_xydata(), [[0, 0.5], [1, 0.375], [2, 0.25], [3, 0.125]])
    np.testing.assert_array_equal(held.get_xydata(), [[3, 0.125], [8, 0.125]])  # round(1.04 * 8)
    assert (held.get_linestyle(), second.get_label()) == (":", "b  cosine(8)")
    assert (axes.get_yscale(), axes.get_ylim()[0]) == ("linear", 0.0)
    assert of("cosine(8)", lr=0.5).figure().axes[0].get_title(loc="left") == "cosine(8), lr 0.5"
    assert of("cosine(8)").figure().axes[0].get_title(loc="left") == "cosine(8)"


@pytest.mark.parametrize(("texts", "columns"), [(3, 1), (4, 2)])
def test_short_names_stand_in_two_columns(texts: int, columns: int) -> None:
    (legend,) = of(*["cosine(8)"] * texts).figure().legends
    assert legend._ncols == columns
    long = "multi_step(100, milestones=[10, 20, 30, 40, 50, 60, 70])"
    assert of(long, *["cosine(8)"] * texts).figure().legends[0]._ncols == 1


def test_dollars_are_no_formulas() -> None:
    class Mine(Linear):
        def __repr__(self) -> str:
            return "$\\bad$"

    several = Preview(shapes=(Mine(total_steps=3),) * 2)
    assert several.names[0][1] == "$\\bad$"
    for made in (several, Preview(shapes=(Mine(total_steps=3),))):
        made.figure().savefig(io.BytesIO())


def test_a_logarithmic_figure_goes_down_to_a_share_of_the_peak() -> None:
    (axes,) = of("one_cycle(4000, floor=0)", lr=0.5).figure("log").axes
    assert axes.get_yscale() == "log"
    assert axes.get_ylim() == pytest.approx((0.5 * LOWEST / 1.5, 0.5 * 1.5))


def chart(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    made: dict[str, Any] = json.loads(found[1])
    return made["schedules"]


def test_the_page_holds_everything() -> None:
    page = of("piecewise(2: 1, 6: 0.5)", "cosine(8)", lr=0.5).page()
    lines = chart(page)["data"]
    named = [line["name"] for line in lines if line["showlegend"]]
    assert named == ["a  piecewise(2: 1.0, 6: 0.5)", "b  cosine(8)"]
    assert (lines[0]["y"], lines[0]["line"]["dash"]) == ([0.5, 0.5, 0.25, 0.25, 0.25, 0.25], "solid")
    assert (lines[1]["x"], lines[1]["y"], lines[1]["line"]["dash"]) == ([5, 8], [0.25, 0.25], "dot")
    text = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    for part in ("Keras PiecewiseConstantDecay", "a: last step", "0.25</td>", "lr 0.5</span>"):
        assert part in text
    assert "b = parse(&#34;cosine(8)&#34;, lr=0.5)" in text
    assert "://" not in re.sub(r'src="data:image[^"]*"', "", text)
    assert "default-src &#39;none&#39;" in page
    assert page == of("piecewise(2: 1, 6: 0.5)", "cosine(8)", lr=0.5).page()


def test_the_page_starts_with_the_axis_that_is_asked_for() -> None:
    made = of("linear(4, floor=0.5)", lr=0.5)
    start = {axis: chart(made.page(axis)) for axis in ("linear", "log")}
    assert (chart(made.page())["scale"], start["log"]["scale"]) == ("linear", "log")
    assert start["log"]["scales"] == start["linear"]["scales"]
    assert start["log"]["scales"]["linear"] == {"yaxis.type": "linear", "yaxis.range": [0.0, 0.525]}
    ends = np.log10([0.3125 / 1.5, 0.5 * 1.5])
    assert start["log"]["scales"]["log"]["yaxis.range"] == pytest.approx(ends, rel=1e-5)
    stills = [re.search(r'src="(data:image[^"]*)"', made.page(axis))[1] for axis in ("linear", "log")]
    assert stills[0] != stills[1]


def test_the_page_of_one_is_named_after_it() -> None:
    page = of("cosine(8)").page()
    assert not any(line["showlegend"] for line in chart(page)["data"])
    assert "<title>cosine(8)</title>" in page
    assert "schedule = parse(&#34;cosine(8)&#34;)\n" not in page
    assert "schedule = parse(&#34;cosine(8)&#34;)</code>" in page


def test_schedules_of_the_users_own_are_shown_as_python_prints_them() -> None:
    class Mine(Linear):
        pass

    made = Preview(shapes=(Mine(total_steps=3),))
    assert made.names == (("a", repr(Mine(total_steps=3))),)
    assert made.differences() == ()


def test_differences_are_said_once() -> None:
    found = [item.theirs for item in of("cosine(3)", "warmup(3) + cosine(4)").differences()]
    assert found == [
        *("torch CosineAnnealingLR", "Keras CosineDecay", "optax warmup_cosine_decay_schedule"),
        *("transformers get_cosine_schedule_with_warmup", "torch LinearLR"),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shapes": ()}, r"^Preview\(shapes=\.\.\.\) must be 1 to 10 schedules, got \(\)\.$"),
        (
            {"shapes": (PLAIN,) * (len(LETTERS) + 1)},
            r"^Preview\(shapes=\.\.\.\) must be 1 to 10 schedules, got \(S",
        ),
        (
            {"shapes": (PLAIN,), "lr": 0.0},
            r"^Preview\(lr=\.\.\.\) must be a finite number > 0, got 0\.0\.$",
        ),
    ],
)
def test_mistakes(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Preview(**settings)


@pytest.mark.parametrize("schedule", [PLAIN, Cosine(total_steps=5)])
def test_the_rate_multiplies(schedule: Schedule) -> None:
    made = Preview(shapes=(schedule,), lr=0.25)
    assert made.schedules == (schedule * 0.25,)
    assert made.names[0][1] == schedule.text()
