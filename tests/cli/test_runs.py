"""`rightrate runs`: list, show, compare, export, delete; and where `rightrate find` remembers."""

import json
import sqlite3
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from rightrate.cli.app import app
from rightrate.cli.memory import Memory
from rightrate.errors import ConfigError
from rightrate.report.watch_view import WatchView
from rightrate.store import open_study


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def record(store, steps, lr, *, finish=True):
    trials = [{"lr": lr / 2, "metrics": {"loss": 0.5}}, {"lr": lr, "metrics": {"loss": float("nan")}}]
    asked = {"settings": {"steps": steps, "seed": 0}, "fingerprint": {"model": "ab" * 32}}
    with open_study(store, kind="find", name="dig\x1b[31mits", **asked, say=str) as study:
        study.journal.finish("engine", {"threads": 1})
        study.journal.finish("action 0", {"trials": trials})
        if finish:
            study.finish({"answer": {"lr": lr, "status": "found", "message": f"Use {lr}."}})
        study.note("A note.")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Two finished studies and one that stopped; the default store of the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIGHTRATE_STORE", "mine.db")
    path = tmp_path / "mine.db"
    record(path, 100, 0.25)
    record(path, 200, 0.125)
    record(path, 300, 1.0, finish=False)
    return path


def test_the_list(store):
    done = run("runs", "list")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["study", "1", "2", "3"]
    assert lines[1].endswith("lr 0.25, found")
    assert "find" in lines[1]
    assert "finished" in lines[1]
    assert "stopped" in lines[3]
    assert "dig\\x1b[31mits" in lines[1], "a name cannot colour a terminal"
    plain = json.loads(run("runs", "list", "--json", "-").stdout)
    assert [study["answer"]["lr"] for study in plain] == [0.25, 0.125, None]


def test_one_study(store):
    shown = run("runs", "show", 2).stdout
    assert "Study 2: find dig\\x1b[31mits, finished" in shown
    assert "steps          200" in shown
    assert "Use 0.125." in shown
    assert "- A note." in shown
    assert "worked on by" not in shown
    assert "last worked on by  process " in run("runs", "show", 3).stdout
    plain = json.loads(run("runs", "show", 2, "--json", "-").stdout)
    assert plain["record"]["answer"]["lr"] == 0.125
    assert plain["pieces"][1]["value"]["trials"][1]["metrics"]["loss"] is None


def test_studies_side_by_side(store):
    lines = run("runs", "compare", 1, 2).stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["steps", "100", "200"],
        ["status", "found", "found"],
        ["learning", "rate", "0.25", "0.125"],
    ]
    plain = json.loads(run("runs", "compare", 1, 3, "--json", "-").stdout)
    assert [side["differs"] for side in plain] == [{"steps": 100}, {"steps": 300}]
    assert plain[1]["answer"]["lr"] is None


def test_exports(store, tmp_path):
    text = run("runs", "export", 1).stdout
    assert text.splitlines() == [
        "study,piece,lr,metrics.loss",
        "1,action 0,0.125,0.5",
        "1,action 0,0.25,nan",
    ]
    assert run("runs", "export", 1, "-o", "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text() == text
    assert json.loads(run("runs", "export", 1, "--format", "json").stdout)["settings"]["steps"] == 100
    assert run("runs", "export", 1, "--format", "parquet", "-o", "out.parquet").exit_code == 0
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert frame["lr"].tolist() == [0.125, 0.25]


def test_parquet_without_pyarrow_says_what_to_install(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run("runs", "export", 1, "--format", "parquet", "-o", "out.parquet")
    assert done.exit_code == 2
    assert "Parquet needs pyarrow; install it with: pip install 'rightrate[parquet]'." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", 9), "There is no study 9 in"),
        (("export", 1, "--format", "xml"), "--format must be one of 'csv', 'json', 'parquet', got 'xml'"),
        (("export", 1, "--format", "parquet"), "--output must be a file where --format is parquet"),
        (("list", "--store", "none.db"), "There is no store"),
        (("delete", 9, "--yes"), "There is no study 9 in"),
    ],
)
def test_mistakes(arguments, said, store):
    done = run("runs", *arguments)
    assert done.exit_code == 2
    assert f"error: {said}" in done.stderr
    assert "Traceback" not in done.stderr


def test_deleting(store):
    asked = run("runs", "delete", 1)
    assert asked.exit_code == 2
    assert "Nothing was deleted." in asked.stderr
    assert run("runs", "delete", 1, 3, "--yes").stdout == "Study 1 is deleted.\nStudy 3 is deleted.\n"
    assert [study["number"] for study in json.loads(run("runs", "list", "--json", "-").stdout)] == [2]
    record(store, 400, 2.0)
    assert json.loads(run("runs", "list", "--json", "-").stdout)[-1]["number"] == 4, "no number is used twice"
    assert run("runs", "delete", 2, 4, "--yes").exit_code == 0
    assert run("runs", "list").stdout == "mine.db has no studies.\n"


def test_a_damaged_study_can_be_deleted(store):
    with sqlite3.connect(store) as database:
        database.execute("UPDATE piece SET value = '{}' WHERE study = 1")
    assert "is damaged" in run("runs", "show", 1).stderr
    assert run("runs", "delete", 1, "--yes").stdout == "Study 1 is deleted.\n"


def test_a_study_that_is_worked_on_is_not_deleted(store):
    asked = {"settings": {"steps": 300, "seed": 0}, "fingerprint": {"model": "ab" * 32}}
    with open_study(store, kind="find", name="dig\x1b[31mits", **asked, say=str):
        assert "running" in run("runs", "list").stdout
        done = run("runs", "delete", 3, "--yes")
    assert done.exit_code == 2
    assert "Study 3 of mine.db is held by process" in done.stderr


def test_find_remembers_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RIGHTRATE_STORE")
    command = ("find", "wine", "--steps", "60", "--engine", "serial")
    first = run(*command)
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]
    second = run(*command)
    assert second.stdout == first.stdout
    assert "This is the answer of study 1 of runs.db" in second.stderr
    assert "This is the answer" not in run(*command, "--no-store").stderr
    assert "This is the answer" not in run(*command, "--fresh").stderr
    assert len(json.loads(run("runs", "list", "--json", "-").stdout)) == 2


def test_where_a_command_remembers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chosen = Memory.chosen
    assert chosen("a.db", no_store=False, fresh=True) == Memory(store="a.db", fresh=True)
    assert chosen(None, no_store=True, fresh=False) == Memory(store=None)
    assert chosen(None, no_store=False, fresh=False) == Memory(store=None), "RIGHTRATE_STORE is empty here"
    monkeypatch.setenv("RIGHTRATE_STORE", "b.db")
    assert chosen(None, no_store=False, fresh=False) == Memory(store="b.db")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert (
        chosen(None, no_store=False, fresh=False).note
        == "b.db cannot be written here, so nothing is remembered."
    )
    with pytest.raises(
        ConfigError, match=r"--store and --no-store must be given as one of the two, got 'a.db'"
    ):
        chosen("a.db", no_store=True, fresh=False)


def watched(store):
    """Put a watched run with a log into a store, finished; return its number."""
    asked = {"settings": {"mode": "observe"}, "fingerprint": {"model": "ab"}}
    with open_study(store, kind="watch", name="mine", **asked, say=str) as study:
        study.append("watch", [{"what": "steps", "from": 0, "step": 9, "loss": 0.5}])
        study.append(
            "watch", [{"what": "finding", "step": 9, "text": "Too high.", "evidence": {"loss": 0.5}}]
        )
        about = {"name": "mine", "mode": "observe", "optimizer": "sgd", "total_steps": None, "step": 10}
        about |= {"chance_loss": None, "multiplier": 1.0, "stop_reason": None}
        study.finish(WatchView(about=about).to_dict())
        return study.number


def test_the_log_of_a_watched_run_is_exported(store):
    number = watched(store)
    rows = run("runs", "export", number).stdout.splitlines()
    assert rows[0] == "study,at,what,from,step,loss,text,evidence.loss"
    assert [row.split(",")[2:] for row in rows[1:]] == [
        ["steps", "0.0", "9", "0.5", "nan", "nan"],
        ["finding", "nan", "9", "nan", "Too high.", "0.5"],
    ]
    plain = json.loads(run("runs", "export", number, "--format", "json").stdout)
    assert [row["values"]["what"] for row in plain["log"]] == ["steps", "finding"]


@pytest.mark.parametrize("kind", ["find", "compare", "tune", "watch"])
def test_the_report_of_a_finished_study(kind, store, tmp_path):
    import rightrate as rr

    path = tmp_path / "own.db"
    asked = {"steps": 20, "engine": "serial", "store": path, "say": str}
    if kind == "find":
        rr.find("wine", **asked)
    elif kind == "compare":
        rr.compare("wine", lrs=0.1, seeds=1, **asked)
    elif kind == "tune":
        rr.tune("wine", "grid", low=0.01, high=1e9, **asked)
    else:
        watched(path)
    done = run("runs", "show", 1, "--store", path, "--report", tmp_path / "page.html")
    assert (done.exit_code, done.stdout.split(": ")[1].split()[0]) == (0, kind)
    assert "<!DOCTYPE html>" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (3, "--report must be of a study that is finished, got 'study 3, which is stopped'."),
        (1, "Record.answer"),
    ],
)
def test_what_has_no_report(number, said, store, tmp_path):
    done = run("runs", "show", number, "--report", tmp_path / "page.html")
    assert (done.exit_code, list(tmp_path.glob("*.html"))) == (2, [])
    assert said in done.stderr
