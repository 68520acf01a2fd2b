"""The charts are valid plotly data, for all kinds of records."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import plotly.graph_objects
import pytest

from rightrate.report.charts import charts
from rightrate.search.record import Cliff, Curve, Fit, GoodRange, Levels, Record, Trial

Make = Callable[..., Record]


def painted(node: Any) -> Any:
    """Put a real colour in place of every colour's name."""
    if isinstance(node, dict):
        return {key: painted(item) for key, item in node.items()}
    if isinstance(node, list):
        return [painted(item) for item in node]
    return "#123456" if isinstance(node, str) and node.startswith("@") else node


def checked(record: Record) -> dict[str, Any]:
    """Return the charts after plotly's own validation of every property."""
    made = charts(record)
    for chart in made.values():
        plotly.graph_objects.Figure(data=painted(chart["data"]), layout=painted(chart["layout"]))
        assert chart["height"] > 100
        for axis in ("xaxis", "yaxis"):
            ends = chart["layout"][axis].get("range", [0.0, 1.0])
            assert all(map(math.isfinite, ends))
            assert ends[0] != ends[1]
    return made


def changed(record: Record, change: Callable[[float], float]) -> Record:
    trials = tuple(
        replace(
            trial,
            metrics={name: change(number) for name, number in trial.metrics.items()},
            curve=replace(trial.curve, train=tuple(map(change, trial.curve.train))),
        )
        for trial in record.trials
    )
    return replace(record, trials=trials)


def test_a_full_record_has_all_charts(make_record: Make) -> None:
    assert set(checked(make_record())) == {"objective", "curves", "rounds", "overfit", "range"}


@pytest.mark.parametrize(
    "change",
    [
        lambda x: math.nan,
        lambda x: math.inf,
        lambda x: -x,
        lambda x: x * 1e300,
        lambda x: 0.0,
        lambda x: x - 1.0,
    ],
    ids=["nan", "inf", "negative", "huge", "zero", "mixed"],
)
@pytest.mark.parametrize("fitted", [True, False])
def test_odd_values(change: Callable[[float], float], fitted: bool, make_record: Make) -> None:
    record = changed(make_record(), change)
    made = checked(record if fitted else replace(record, fit=Fit()))
    assert {"objective", "rounds"} <= set(made)


def test_odd_fit(make_record: Make) -> None:
    odd = (math.nan, math.inf, 1e300, -1e300)
    checked(make_record(fit=Fit(lr=(1e-3, 1e-2, 0.1, 1.0), value=odd, low=odd, high=odd)))


@pytest.mark.parametrize("size", [0, 1, 2])
def test_few_trials(size: int, make_record: Make) -> None:
    whole = make_record()
    answer = replace(whole.answer, lr=None, good=GoodRange(), cliff=Cliff())
    made = checked(replace(whole, trials=whole.trials[1 : 1 + size], fit=Fit(), answer=answer))
    assert ("rounds" in made) == (size > 0)


def test_curves_without_points_and_trials_without_metrics(make_record: Make) -> None:
    bare = tuple(Trial(lr=lr, seed=0, steps=5, rung=0, kind="probe", curve=Curve()) for lr in (0.1, 0.2))
    made = checked(make_record(trials=bare, levels=Levels(untrained=math.inf)))
    assert set(made) == {"objective", "rounds"}


def test_marks_of_the_answer_are_at_their_rates(make_record: Make) -> None:
    chart = charts(make_record())["objective"]
    lines = {shape["x0"] for shape in chart["layout"]["shapes"] if shape["type"] == "line"}
    areas = {
        (shape["x0"], round(shape["x1"], 6)) for shape in chart["layout"]["shapes"] if shape["type"] == "rect"
    }
    assert lines == {0.012, 0.21}
    assert (0.0058, 0.026) in areas
    assert 0.3 in {low for low, _ in areas}
    notes = {note["text"]: note["x"] for note in chart["layout"]["annotations"]}
    assert notes["<b>0.012</b> recommended"] == pytest.approx(math.log10(0.012))
    assert notes["still trains at 0.21"] == pytest.approx(math.log10(0.21))


def test_failed_runs_are_marked_at_the_far_end(make_record: Make) -> None:
    for direction, height in (("min", 0.965), ("max", 0.035)):
        record = make_record(settings={"direction": direction})
        marks = [
            line for line in charts(record)["objective"]["data"] if line.get("name") == "failed, or far off"
        ]
        assert set(marks[0]["y"]) == {height}
        assert 3.0 in [pytest.approx(lr) for lr in marks[0]["x"]]


def test_every_judged_trial_is_drawn_once(make_record: Make) -> None:
    record = make_record()
    drawn = [
        lr
        for line in charts(record)["objective"]["data"]
        if line["mode"] == "markers" and line["name"].startswith("Round")
        for lr in line["x"]
    ]
    finite = [
        trial.lr for trial in record.trials if trial.kind == "probe" and math.isfinite(trial.metrics["loss"])
    ]
    assert sorted(drawn) == sorted(finite)
    rows = sum(len(line["x"]) for line in charts(record)["rounds"]["data"])
    assert rows == sum(trial.kind == "probe" for trial in record.trials)


def test_names_are_escaped_for_plotly(make_record: Make) -> None:
    record = make_record(settings={"objective": "<b>%{x}</b>"})
    title = charts(record)["objective"]["layout"]["yaxis"]["title"]["text"]
    assert title == "validation &lt;b&gt;&#37;{x}&lt;/b&gt; after training"


def test_the_log_switch_is_there_only_where_it_makes_sense(make_record: Make) -> None:
    record = make_record()
    assert charts(record)["objective"]["scales"] is not None
    assert charts(record)["curves"]["scales"] is not None
    below = changed(record, lambda x: x - 1.0)
    assert charts(below)["objective"]["scales"] is None
    assert charts(below)["curves"]["scales"] is None


def test_the_nearest_curve_is_bold(make_record: Make) -> None:
    lines = charts(make_record())["curves"]["data"]
    bold = {line["legendgroup"] for line in lines if line["line"]["width"] == 3 and line["visible"]}
    assert len(bold) == 1
    assert 0.009 < float(bold.pop()) < 0.018


def test_the_range_test_shows_its_own_reading_beside_the_answer(make_record: Make) -> None:
    notes = [note["text"] for note in charts(make_record())["range"]["layout"]["annotations"]]
    assert notes[0].startswith("range test says 0.0")
    assert notes[1] == "runs say 0.012"
    zero = Trial(
        lr=1.0, seed=0, steps=1, rung=-1, kind="range", curve=Curve(steps=(0,), lr=(0.0,), train=(1.0,))
    )
    assert "range" not in charts(make_record(trials=(zero,)))
