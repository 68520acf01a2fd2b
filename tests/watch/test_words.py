"""What is said and where: the console, the store, the page, the curves."""

import dataclasses
import io
import json
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import SGD
from typer.testing import CliRunner

import rightrate as rr
from rightrate.cli.app import app
from rightrate.errors import ConfigError, StoreError
from rightrate.report.watch_charts import watch_charts
from rightrate.report.watch_page import watch_page
from rightrate.report.watch_view import WatchView
from rightrate.watch.console import Console
from rightrate.watch.history import Curve
from rightrate.watch.sinks import ConsoleSink, StoreSink, joined
from tests.watch.loops import network, quiet, train


def run(store: Path | None = None) -> Any:
    """Return a watched run with a skip, a roll-back and a scheduler."""
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    with quiet(optimizer, model=model, mode="act", total_steps=200, name="<b>toy</b>", store=store) as w:
        train(
            model, optimizer, 200, w=w, scheduler=scheduler,
            change=lambda step, loss: loss * float("nan") if 90 <= step < 93 else loss,
        )  # fmt: skip
        w.validate(torch.tensor(0.5, requires_grad=True))
    return w


def test_a_line_at_most_every_few_seconds() -> None:
    stream, now = io.StringIO(), [0.0]
    sink = ConsoleSink(Console(stream, clock=lambda: now[0]), advise=True)
    for step in range(100):
        now[0] = 0.1 * step
        sink.tell("finding", {"step": step, "text": f"say {step}\x1b[31m", "advice": "Do it."})
        sink.tell("steps", {})
    sink.close()
    lines = stream.getvalue().splitlines()
    assert lines == [
        "rightrate: step 0: say 0 [31m Do it.",
        "rightrate: step 50: say 50 [31m Do it. (and 49 more)",
        "rightrate: step 99: say 99 [31m Do it. (and 48 more)",
    ]


def test_observing_gives_no_advice() -> None:
    stream = io.StringIO()
    ConsoleSink(Console(stream), advise=False).tell("finding", {"step": 1, "text": "x" * 400, "advice": "A"})
    assert stream.getvalue() == "rightrate: step 1: " + "x" * 309 + "...\n"


def test_a_curve_by_hand() -> None:
    curve = Curve(limit=2)
    for step, value in enumerate([4.0, 2.0, float("nan"), 1.0, 7.0]):
        curve.add(step, value)
    told = [(p.step, p.mean, p.low, p.high, p.broken) for p in curve.points()]
    assert told == [(0, 3.0, 2.0, 4.0, 0), (2, 1.0, 1.0, 1.0, 1), (4, 7.0, 7.0, 7.0, 0)]
    again = Curve(limit=2)
    again.load_state_dict(json.loads(json.dumps(curve.state_dict())))
    assert again.points() == curve.points()


def test_a_curve_is_the_same_value_by_value_and_in_blocks() -> None:
    values = [float(step % 13) if step % 50 else math.nan for step in range(5_000)]
    one, other = Curve(limit=64), Curve(limit=64)
    for step, value in enumerate(values):
        one.add(step, value)
    for begin in range(0, 5_000, 32):
        other.extend(range(begin, min(begin + 32, 5_000)), values[begin : begin + 32])
    assert one.points() == other.points()


def test_two_summaries_are_one() -> None:
    one = {"from": 0, "step": 1, "count": 2, "broken": 1, "loss": 1.0, "low": 0.5, "high": 3.0, "lr": 0.1}
    two = {"from": 2, "step": 7, "count": 6, "broken": 0, "loss": 2.0, "low": 1.0, "high": 2.5, "lr": 0.2}
    assert joined(one, two) == {
        "from": 0, "step": 7, "count": 8, "broken": 1, "loss": 1.75, "low": 0.5, "high": 3.0, "lr": 0.2,
    }  # fmt: skip
    none = {**two, "count": 0, "loss": None, "low": None, "high": None}
    assert joined(none, none)["loss"] is None


def test_the_store_is_followed_and_the_report_is_written_from_it(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    w = run(store)
    assert not w.notes
    shown = CliRunner().invoke(app, ["watch", str(store)])
    assert shown.exit_code == 0, shown.output
    assert "act: rollback (multiplier 1 to 0.2" in shown.output
    assert shown.output.splitlines()[-2].startswith("<b>toy</b>: step 196, loss ")
    assert shown.output.splitlines()[-1] == "<b>toy</b>: ended"
    lines = CliRunner().invoke(app, ["watch", str(store), "--json", "--once"]).output.splitlines()
    told = [json.loads(line) for line in lines]
    assert {"steps", "act", "validation"} <= {row["what"] for row in told}
    page = tmp_path / "watch.html"
    assert CliRunner().invoke(app, ["watch", str(store), "--once", "--report", str(page)]).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;toy&lt;/b&gt;" in text
    assert "<b>toy</b>" not in text
    assert WatchView.from_dict(json.loads(json.dumps(w.view().to_dict()))).acts == w.view().acts


def test_a_run_that_was_killed_is_told_as_one_and_has_a_page(tmp_path: Path) -> None:
    store, page = tmp_path / "runs.db", tmp_path / "watch.html"
    code = f"""
import os
import rightrate as rr
w = rr.watch(None, store={str(store)!r}, name="killed", total_steps=400, console=False).__enter__()
for step in range(105):
    w.record(step=step, loss=1.0 / (step + 1) if step != 40 else float("nan"), lr=0.1)
    w._feed._sinks[-1]._writing and w._feed._sinks[-1]._writing.result()
w._feed._sinks[-1]._write()
w._feed._sinks[-1]._writing.result()
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    shown = CliRunner().invoke(app, ["watch", str(store), "--report", str(page)])
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[-1] == "killed: cut off: its process is gone, and it had not ended"
    text = page.read_text(encoding="utf-8")
    assert "The run was cut off" in text
    assert "The loss is nan at step 40." in text
    assert "105 of 400 steps" in text


def test_a_run_that_goes_on_has_no_page_yet(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with rr.watch(None, store=store, console=False):
        done = CliRunner().invoke(app, ["watch", str(store), "--once", "--report", str(tmp_path / "w.html")])
    assert done.exit_code == 2
    assert "must be of a run that has ended" in done.output


def test_a_run_whose_losses_are_not_observed_is_not_called_healthy() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = SGD([weight], lr=0.1)
    with quiet(optimizer) as w:
        for _ in range(1_100):
            weight.grad = torch.ones(1)
            optimizer.step()
    assert w.step == 1_100
    assert len(w._stepping.rows) <= 1_024
    assert [note.text for note in w.notes] == [
        "RuntimeError: the losses of 1,024 steps were not observed; call w.observe(loss) in the loop"
    ]
    assert "It saw no losses" in w.summary()
    assert "no losses seen" in watch_page(w.view())


def test_the_rate_that_is_told_is_the_newest_one() -> None:
    with quiet(None) as w:
        for step in range(3_000):
            w.record(step=step, loss=1.0, lr=1.0 - step / 3_000)
    assert w.lr == pytest.approx(1 / 3_000)
    assert "lr 3.33e-4" in w.summary()
    assert "3.33e-4" in watch_page(w.view())


def test_a_long_log_makes_a_page_of_few_points() -> None:
    rows = [
        {"what": "steps", "from": i, "step": i, "loss": 1.0, "low": 0.5, "high": 2.0 + (i == 7), "lr": 0.1}
        for i in range(5_000)
    ]
    view = WatchView.from_log("long", {}, rows)
    assert len(view.curves["loss"]) == 1_667
    assert view.curves["loss"][2] == {"step": 6, "mean": 1.0, "low": 0.5, "high": 3.0}
    assert view.last_rate == 0.1
    with pytest.raises(StoreError, match="log of a watched run"):
        WatchView.from_log("odd", {}, [{"what": "steps", "from": "a"}])


def test_training_does_not_wait_for_a_store_that_is_locked() -> None:
    free, written = threading.Event(), []

    def append(stream: str, rows: list[Any]) -> None:
        free.wait()
        written.extend(rows)

    sink = StoreSink(append, clock=lambda: 0.0, seconds=0.0)
    for step in range(2_000):
        sink.tell("note", {"step": step, "text": "a"})
        sink.tell("steps", {"from": step, "step": step, "count": 0, "broken": 1, "lr": 0.1})
    assert written == []
    free.set()
    sink.close()
    assert [row["step"] for row in written if row["what"] == "note"] == [0, *range(1_000, 2_000)]
    steps = [(row["from"], row["step"], row["broken"]) for row in written if row["what"] == "steps"]
    assert len(steps) <= 9
    assert [first for first, _, _ in steps] == [0, *(last + 1 for _, last, _ in steps[:-1])]
    assert steps[-1][1] == 1_999
    assert sum(broken for _, _, broken in steps) == 2_000


def test_what_could_not_be_written_is_noted_and_the_run_goes_on() -> None:
    def append(stream: str, rows: list[Any]) -> None:
        raise OSError("the disk is full")

    with quiet(None) as w:
        w._feed.add_sink(StoreSink(append))
        for step in range(64):
            w.record(step=step, loss=1.0, lr=0.1)
    assert [note.text for note in w.notes] == ["OSError: the disk is full"]


def test_a_store_without_a_watched_run(tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    with rr.watch(None, store=store, console=False):
        pass
    done = CliRunner().invoke(app, ["watch", str(store), "--run", "7"])
    assert done.exit_code == 2
    assert "There is no watched run 7" in done.output
    assert CliRunner().invoke(app, ["watch", str(tmp_path / "no.db")]).exit_code == 2


def test_the_summary_and_the_charts() -> None:
    w = run()
    text = w.summary()
    assert text.startswith("<b>toy</b>: 196 of 200 steps, loss ")
    assert "The watcher multiplies the rate by 0.2." in text
    assert "step 90: skip: the step was not taken: the gradient is not finite" in text
    charts = watch_charts(w.view())
    assert {"loss", "rate", "norms"} <= set(charts)
    names = [line.get("name") for line in charts["rate"]["data"]]
    assert names == [
        "applied rate",
        "changed by others",
        "watcher: rollback",
    ]  # which hides skips of its step
    elsewhere = dataclasses.replace(w.view(), acts=[*w.view().acts, {**w.view().acts[0], "step": 10}])
    marks = {line.get("name"): line["x"] for line in watch_charts(elsewhere)["rate"]["data"]}
    assert marks["watcher: skip"] == [10]
    finding = {"step": 40, "since": 32, "verdict": "too_high", "text": "<i>", "advice": "", "confidence": 0.9}
    view = WatchView(about=w.view().about, findings=[finding])
    (line,) = watch_charts(view)["findings"]["data"]
    assert line["x"] == [32, 40]
    assert line["text"][0] == "step 40: &lt;i&gt;"


def test_the_page_begins_with_why_a_run_is_lost(tmp_path: Path) -> None:
    def row(step: int, verdict: str, text: str) -> dict[str, Any]:
        return {
            "step": step,
            "since": 0,
            "verdict": verdict,
            "text": text,
            "advice": "",
            "confidence": 0.9,
            "evidence": {},
        }

    findings = [row(3, "diverging", "It rose."), row(9, "dead_layers", "No gradient.")]
    about = quiet(None).view().about
    first = watch_page(WatchView(about=about, findings=findings))
    assert '<p class="message">It rose.</p>' in first
    newest = watch_page(WatchView(about=about, findings=[*findings[1:], row(12, "spike", "It jumped.")]))
    assert '<p class="message">It jumped.</p>' in newest


def test_an_empty_run_has_a_page(tmp_path: Path) -> None:
    with quiet(None) as w:
        pass
    assert w.save_report(tmp_path / "watch.html").read_text(encoding="utf-8").count("saw no losses") == 1


@pytest.mark.parametrize(
    ("path", "match"),
    [(".", r"save_report\(path=\.\.\.\) must be a file"), ("no/watch.html", "in a folder that exists")],
)
def test_a_report_that_cannot_be_written(path: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=match):
        quiet(None).save_report(tmp_path / path)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"mode": "help"}, r"watch\(mode=\.\.\.\) must be one of 'observe', 'advise', 'act', got 'help'"),
        ({"total_steps": 0}, r"watch\(total_steps=\.\.\.\) must be an integer >= 1, got 0"),
        ({"full_batch": 3}, r"watch\(full_batch=\.\.\.\) must be True or False, got 3"),
        ({"adversarial": 1}, r"watch\(adversarial=\.\.\.\) must be True, False or None, got 1"),
        ({"chance_loss": float("nan")}, r"watch\(chance_loss=\.\.\.\) must be a finite number, got nan"),
        ({"optimizer": "adam"}, r"watch\(optimizer=\.\.\.\) must be an optimizer of torch, .* got 'adam'"),
        ({"acting": 3}, r"watch\(acting=\.\.\.\) must be a rightrate\.watch\.Acting, got 3"),
        ({"measure": {}}, r"watch\(measure=\.\.\.\) must be a rightrate\.watch\.Measure, got \{\}"),
        ({"model": 3}, r"watch\(model=\.\.\.\) must be a torch\.nn\.Module, got 3"),
        ({"store": 5}, r"watch\(store=\.\.\.\) must be the path of a file, got 5"),
        ({"name": 5}, r"watch\(name=\.\.\.\) must be a string, got 5"),
        ({"optimizer": [None]}, r"watch\(optimizer=\.\.\.\) must be an optimizer of torch, .* got None"),
    ],
)
def test_what_cannot_be_asked(given: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        rr.watch(**given)


def test_measuring_needs_two_steps_in_a_row() -> None:
    with pytest.raises(
        ConfigError, match=r"Measure\(gradients_every=\.\.\.\) must be an integer >= 2, got 1"
    ):
        rr.watch.Measure(gradients_every=1)
