"""The matplotlib figure and the notebook snippet."""

import base64
import io
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from rightrate import report
from rightrate.report.picture import svg
from rightrate.search.record import Cliff, Fit, GoodRange, Levels, Record

Make = Callable[..., Record]


def texts(record: Record) -> list[str]:
    axes = report.figure(record).axes[0]
    return [text.get_text().strip() for text in axes.texts]


def test_shows_the_answer(make_record: Make) -> None:
    record = make_record()
    assert texts(record) == ["training fails", "still trains at 0.21", "0.012 recommended", "untrained: 2.3"]
    axes = report.figure(record).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "validation loss after training"
    assert any(list(line.get_xdata()) == [0.012, 0.012] for line in axes.lines)


def test_no_global_setting_is_changed(make_record: Make) -> None:
    before = dict(mpl.rcParams)
    report.figure(make_record()).savefig(io.BytesIO(), format="png")
    svg(report.figure(make_record()))
    assert dict(mpl.rcParams) == before


def test_pyplot_is_not_loaded_and_matplotlib_only_when_drawing() -> None:
    program = (
        "import sys, rightrate.report\n"
        "loaded = {'matplotlib', 'plotly', 'torch', 'pandas', 'sklearn', 'scipy'} & set(sys.modules)\n"
        "sys.exit(str(loaded) if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("shift", [0.0, -5.0, math.nan, math.inf])
def test_odd_values_are_drawn(direction: str, shift: float, make_record: Make) -> None:
    record = make_record(settings={"direction": direction}, fit=Fit())
    trials = tuple(
        replace(trial, metrics={name: number + shift for name, number in trial.metrics.items()})
        for trial in record.trials
    )
    record = replace(record, trials=trials, levels=Levels(untrained=2.3 + shift))
    report.figure(record).savefig(io.BytesIO(), format="png")


def test_an_empty_record_is_drawn(make_record: Make) -> None:
    answer = {"lr": None, "good": GoodRange(), "cliff": Cliff()}
    record = make_record(trials=(), fit=Fit(), answer=answer, levels=Levels(untrained=math.nan))
    report.figure(record).savefig(io.BytesIO(), format="png")
    assert texts(record) == []


def test_untrained_level_outside_is_said(make_record: Make) -> None:
    record = make_record(fit=Fit())
    close = tuple(trial for trial in record.trials if trial.rung == 2 and trial.lr < 0.05)
    assert "untrained: 2.3 (above)" in texts(replace(record, trials=close))


@pytest.mark.parametrize("name", ["$x_$", "精度", "a\nb", "<b>&", "\\frac{"])
def test_any_name_can_be_drawn(name: str, make_record: Make) -> None:
    trials = make_record().trials
    named = tuple(replace(trial, metrics={name: 0.5}) if trial.metrics else trial for trial in trials)
    ElementTree.fromstring(svg(report.figure(make_record(settings={"objective": name}, trials=named))))


def test_svg_is_the_same_every_time(make_record: Make) -> None:
    assert svg(report.figure(make_record())) == svg(report.figure(make_record()))


def test_snippet_has_table_and_picture(make_record: Make) -> None:
    text = report.html_snippet(make_record())
    for part in (
        "0.012",
        "found",
        "0.0058 – 0.026",
        "0.21 (fails at 0.3)",
        "0.99 runs, 25 s",
        "digits, adamw",
    ):
        assert part in text
    image = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', text)
    assert image is not None
    assert ElementTree.fromstring(base64.b64decode(image[1])).tag.endswith("svg")


def test_snippet_escapes(make_record: Make) -> None:
    evil = "<img src=x onerror=alert(1)>{lr}"
    text = report.html_snippet(
        make_record(
            settings={"task": evil, "objective": "loss"}, answer={"message": evil, "reasons": (evil,)}
        )
    )
    assert "<img src=x" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;{lr}") == 3


def test_snippet_without_an_answer(make_record: Make) -> None:
    answer = {"lr": None, "good": GoodRange(), "cliff": Cliff(), "status": "diverged"}
    text = report.html_snippet(make_record(answer=answer))
    assert "no learning rate" in text
    assert "not known" in text
    assert "not measured" in text
