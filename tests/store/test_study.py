"""Opening studies: the same question, another question, another process, and what is remembered."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.store.questions import opened

from rightrate.errors import ConfigError, HeldError, StoreError
from rightrate.store import Forgetful, open_study, stored_journal, studies
from rightrate.store import identity as identities
from rightrate.store.owner import Owner, StudyLock
from rightrate.store.reader import reading


@pytest.fixture
def store(tmp_path):
    return tmp_path / "runs.db"


def test_the_same_question_goes_on_where_it_stopped(store):
    sentences = []
    with opened(store, sentences.append) as study:
        journal = study.journal
        assert journal.finished("engine") is None
        assert journal.resume("action 0") is None
        journal.finish("engine", {"threads": 1})
        journal.checkpoint("action 0", {"step": 3})
    assert sentences == []
    assert studies(store)[0].status == "stopped"
    with opened(store, sentences.append) as study:
        assert study.journal.finished("engine") == {"threads": 1}
        assert study.journal.resume("action 0") == {"step": 3}
        assert study.record is None
    assert sentences == ["Going on where study 1 of runs.db stopped, 1 piece finished; --fresh starts anew."]


def test_a_finished_study_has_its_answer_and_is_one_file(store):
    with opened(store) as study:
        study.journal.checkpoint("action 0", {"step": 3})
        study.journal.finish("action 0", [1], {"step": 4})
        study.finish({"lr": 0.1})
        assert study.record == {"lr": 0.1}
    assert [path.name for path in store.parent.iterdir()] == ["runs.db"]
    sentences = []
    with opened(store, sentences.append) as study:
        assert study.record == {"lr": 0.1}
        assert study.journal.resume("action 0") == {"step": 4}
    (said,) = sentences
    assert said.startswith("This is the answer of study 1 of runs.db, finished on ")
    assert said.endswith("; --fresh starts anew.")


def test_checkpoints_that_outlived_the_answer_go_when_it_is_asked_for_again(store, monkeypatch):
    with monkeypatch.context() as killed, opened(store) as study:
        killed.setattr(study._checkpoints, "clear", lambda: None)
        study.journal.checkpoint("action 0", {"step": 3})
        study.finish({"lr": 0.1})
    assert len(list(store.parent.glob("runs.db-checkpoints/*/*.safetensors"))) == 1
    with opened(store, print) as study:
        assert study.record == {"lr": 0.1}
    assert [path.name for path in store.parent.iterdir()] == ["runs.db"]


def test_fresh_begins_another_study_and_is_gone_on_with(store):
    with opened(store) as study:
        study.finish(1)
    with opened(store, pytest.fail, fresh=True) as study:
        assert (study.number, study.record) == (2, None)
        study.journal.finish("piece", 2)
    with opened(store) as study:
        assert study.journal.finished("piece") == 2
    assert [listed.status for listed in studies(store)] == ["finished", "stopped"]


def test_another_question_is_another_study_and_what_changed_is_said(store):
    with opened(store):
        pass
    sentences = []
    other = {"settings": {"steps": 20, "seed": 1}, "fingerprint": {"model": "cd"}}
    with opened(store, sentences.append, **other) as study:
        assert study.number == 2
    assert sentences == [
        "Study 1 of runs.db asked something else about digits: the model is another; steps was 10 and is 20; "
        "only one of them has seed. A new one begins."
    ]
    with opened(store, pytest.fail, name="wine") as study:
        assert study.number == 3
    with opened(store, settings={"steps": 10}) as study:
        assert study.number == 1


def test_the_order_of_settings_does_not_matter(store):
    with opened(store, settings={"a": 1, "b": 2}):
        pass
    with opened(store, settings={"b": 2, "a": 1}) as study:
        assert study.number == 1


def test_other_versions_are_said(store, monkeypatch):
    with opened(store):
        pass
    now = {**identities.versions(), "torch": "9.9"}
    monkeypatch.setattr("rightrate.store.study.versions", lambda: now)
    sentences = []
    with opened(store, sentences.append):
        pass
    assert sentences == [
        f"The rest may differ in the last digits: it began with torch {torch.__version__} then, 9.9 now."
    ]


def test_without_a_store_nothing_is_remembered(tmp_path, capsys):
    with opened(None, None) as study:
        assert isinstance(study.journal, Forgetful)
        study.append("log", [{"a": 1}])
        assert study.rows("log") == []
        study.note("A note.")
        study.finish(3)
        assert (study.number, study.record) == (0, 3)
    assert capsys.readouterr().err == "A note.\n"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_data_is_refused(store):
    with pytest.raises(ConfigError, match=r"open_study\(settings=...\) must be plain JSON data, got 'dict'"):
        opened(store, settings={"model": object()}).__enter__()
    with opened(store) as study:
        with pytest.raises(ConfigError, match="What 'piece' came to must be plain JSON data"):
            study.journal.finish("piece", {"value": torch.ones(1)})
        with pytest.raises(ConfigError, match=r"state\['f'\] must be a tensor, an array"):
            study.journal.checkpoint("piece", {"f": print})
        with pytest.raises(ConfigError, match=r"Study.append\(rows=...\) must be plain JSON data"):
            study.append("log", [{"a": 1}, {"b": {1, 2}}])
        assert study.rows("log") == []


def test_rows_can_be_followed(store):
    with opened(store) as study:
        study.append("log", [{"step": 1}, {"step": 2}])
        first = study.rows("log")
        study.append("log", [{"step": 3}])
        study.append("other", [{"step": 9}])
        assert [event.values["step"] for event in study.rows("log", after=first[-1].number)] == [3]


def test_all_logs_of_a_study_are_read_in_the_order_they_came(store):
    with opened(store) as study:
        study.append("one", [{"step": 1}])
        study.append("two", [{"step": 2}])
        study.append("one", [{"step": 3}])
    with reading(store) as reader:
        assert [event.values["step"] for event in reader.log(1)] == [1, 2, 3]
    with sqlite3.connect(store) as database:
        database.execute("UPDATE event SET content = '[4]' WHERE stream = 'two'")
    message = r"A row of a log must be a mapping, got \[4\]"
    with reading(store) as reader, pytest.raises(StoreError, match=message):
        reader.log(1)


def test_checkpoints_are_due_by_time_and_cost_little_of_it(store, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stored_journal.time, "monotonic", lambda: now[0])
    with opened(store) as study:
        journal = study.journal
        assert not journal.due()
        now[0] = 20.0
        assert journal.due()
        monkeypatch.setattr(
            journal._checkpoints, "write", lambda key, content: now.__setitem__(0, now[0] + 3.0)
        )
        journal.checkpoint("piece", {})
        now[0] += 99.0
        assert not journal.due(), "it took 3 s, which may be 3 % of the time"
        now[0] += 1.0
        assert journal.due()


def test_a_study_is_one_process_s_and_the_second_says_whose(store):
    with opened(store) as study:
        with pytest.raises(HeldError) as caught:
            opened(store).__enter__()
        said = str(caught.value)
        assert said.startswith(f"Study 1 of runs.db is held by process {os.getpid()} on ")
        assert ", since 20" in said
        assert said.endswith("Wait for it, stop it, or begin another study with --fresh.")
        assert studies(store)[0].status == "running"
        study.journal.finish("piece", 1)
        with opened(store, fresh=True) as other:
            assert other.number == 2


HOLDER = """
import sys
from rightrate.store import open_study
asked = dict(kind="find", name="digits", settings={"steps": 10}, fingerprint={"model": "ab"})
with open_study(sys.argv[1], **asked) as study:
    study.journal.finish("piece", 1)
    print("working", flush=True)
    sys.stdin.readline()
"""


def test_a_dead_owner_s_study_is_taken_over_at_once(store, tried):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "working\n"
        with pytest.raises(HeldError, match=f"held by process {holder.pid} on "):
            opened(store).__enter__()
        assert studies(store)[0].status == "running"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert studies(store)[0].status == "stopped"
        with opened(store) as study:
            assert study.journal.finished("piece") == 1
    assert studies(store)[0].owner.pid == os.getpid()
    tried(
        "a second process on the same study",
        2,
        "it says who holds it (pid, host, since when) and stops; after "
        "a `SIGKILL` of the first it goes on at once",
    )


def test_two_processes_that_begin_the_same_at_once_have_one_study(store):
    with opened(store, name="other"):
        pass
    with opened(store) as study:
        place = identities.begun(
            study._database,
            identities.Asked.of("find", "digits", {"steps": 10}, {"model": "ab"}),
            fresh=False,
        )
        assert place.number == study.number


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path):
    path = tmp_path / "study" / "lock"
    first, second = StudyLock(path), StudyLock(path)
    assert first.take()
    assert first.is_held()
    assert not second.take()
    path.unlink()
    first.release()
    assert not first.is_held()
    assert second.take()
    second.release()


def test_an_owner_is_read_back_or_refused():
    owner = Owner(pid=12, host="here", since=1.5)
    assert Owner.read(owner.text()) == owner
    assert Owner.read(None) is None
    with pytest.raises(StoreError, match="An owner must be pid, host and since"):
        Owner.read('{"pid": "many"}')


def test_the_words_of_a_study_go_to_stderr_by_default(store, capsys):
    with opened(store, None) as study:
        study.note("Said.")
    assert capsys.readouterr().err == "Said.\n"


def test_a_relative_store_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with opened("runs.db") as study:
        monkeypatch.chdir(tmp_path / "elsewhere")
        study.journal.checkpoint("piece", {"a": 1})
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == []
    assert len(list(Path(tmp_path).glob("runs.db-checkpoints/*/*.safetensors"))) == 1


def test_open_study_is_what_the_package_offers():
    assert open_study.__module__ == "rightrate.store.study"
