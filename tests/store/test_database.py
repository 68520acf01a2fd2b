"""Stores that are new, old, of others, hostile, full, or not to be written."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.store.questions import QUESTION, opened

from rightrate.errors import StoreError
from rightrate.store import database, schema, studies
from rightrate.store.reader import reading

VERSION_1 = Path(__file__).parent / "version-1.db"


@pytest.fixture
def store(tmp_path):
    """A store with one finished study."""
    path = tmp_path / "runs.db"
    with opened(path) as study:
        study.journal.finish("piece", {"value": 1})
        study.finish({"answer": {"lr": 0.5}})
    return path


def changed(store, statements):
    connection = sqlite3.connect(store)
    connection.executescript(statements)
    connection.close()


def test_it_is_one_file_in_write_ahead_mode_that_names_itself(store):
    assert [path.name for path in store.parent.iterdir()] == ["runs.db"]
    connection = sqlite3.connect(store)
    found = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "application_id", "user_version")
    ]
    connection.close()
    assert found == ["wal", 0x72726174, len(schema.MIGRATIONS)]


def test_a_store_of_version_1_opens(tmp_path):
    """The file was written by the first version and is never written again."""
    store = tmp_path / "old.db"
    shutil.copy(VERSION_1, store)
    with reading(VERSION_1) as reader:
        before = reader.study(1)
    sentences = []
    with opened(store, sentences.append) as study:
        assert study.record == {"answer": {"lr": 0.5, "status": "found"}} == before.record
        assert study.journal.finished("action 0") == {"trials": [{"lr": 0.5, "metrics": {"loss": 1.25}}]}
        assert study.journal.resume("action 0")["weights"].tolist() == [1.0, 2.0]
        assert [event.values for event in study.rows("log")] == [{"step": 1}]
    assert [piece.key for piece in before.pieces] == ["action 0"]
    assert before.notes == ["A note."]
    assert before.settings == QUESTION["settings"]


def test_an_older_store_is_brought_to_the_present_version(tmp_path, monkeypatch):
    store = tmp_path / "old.db"
    shutil.copy(VERSION_1, store)
    later = ("ALTER TABLE study ADD COLUMN label TEXT", "CREATE INDEX study_label ON study (label)")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, later))
    assert [study.number for study in studies(store)] == [1], "read as it is, without writing"
    with opened(store) as study:
        assert study.record["answer"]["lr"] == 0.5
    connection = sqlite3.connect(store)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    assert connection.execute("SELECT label FROM study").fetchall() == [(None,)]
    connection.close()
    assert [study.number for study in studies(store)] == [1]


def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    store = tmp_path / "old.db"
    shutil.copy(VERSION_1, store)
    broken = ("ALTER TABLE study ADD COLUMN label TEXT", "CREATE nonsense")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(StoreError, match="syntax error"), opened(store):
        pass
    monkeypatch.undo()
    with opened(store) as study:
        assert study.record["answer"]["lr"] == 0.5


def test_a_newer_store_is_refused_with_a_sentence(store, tried):
    changed(store, "PRAGMA user_version = 99")
    for attempt in (lambda: studies(store), lambda: opened(store).__enter__()):
        with pytest.raises(
            StoreError, match=r"is a store of version 99, and this rightrate reads versions up to"
        ):
            attempt()
    tried(
        "a store of a newer version", 2, "refused with a sentence; one of version 1 opens and is brought up"
    )


HOSTILE = {
    "a trigger": (
        "CREATE TRIGGER evil AFTER UPDATE ON study BEGIN DELETE FROM piece; END",
        "it has a trigger 'evil', which no store has",
    ),
    "a view in place of a table": (
        "DROP TABLE note; CREATE VIEW note AS SELECT 1 AS id, 1 AS study, 0.0 AS at, 'x' AS content",
        "it has a view 'note', which no store has",
    ),
    "a table that computes": (
        "DROP TABLE note; CREATE TABLE note (id INTEGER, study INTEGER, at REAL,"
        " content TEXT GENERATED ALWAYS AS (hex(zeroblob(1000))))",
        "its table 'note' is not that of a store",
    ),
    "one table too few": ("DROP TABLE event", "it has no 'event'"),
    "one table too many": ("CREATE TABLE more (a)", "it has a table 'more'"),
    "a blob where a text must be": ("UPDATE study SET name = x'00ff'", "must be a text, got b"),
    "a blob as what a piece came to": ("UPDATE piece SET value = x'07'", "must be a text, got b"),
    "a text where a number must be": ("UPDATE study SET began = 'soon'", "must be a number, got 'soon'"),
    "text that is no JSON": ("UPDATE study SET settings = '{'", "must be JSON"),
    "a mapping that is a list": ("UPDATE study SET settings = '[]'", "must be a mapping"),
    "JSON nested a hundred thousand deep": (
        "UPDATE study SET settings = replace(hex(zeroblob(50000)), '00', '[[')",
        "must be JSON",
    ),
    "a text of 100 MiB": ("UPDATE study SET name = hex(zeroblob(52428800))", "too big"),
    "a name that leads to another folder": (
        "UPDATE study SET record = NULL, uid = '../../elsewhere'",
        "must be letters and digits",
    ),
    "an owner that is none": ("UPDATE study SET owner = '[1]'", "must be pid, host and since"),
    "text that is not UTF-8": ("UPDATE study SET name = CAST(x'ff00ff' AS TEXT)", "Could not decode"),
}


def everything_in(store):
    with reading(store) as reader:
        return [reader.study(study.number) for study in reader.studies()]


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_store_is_refused_and_not_changed(what, store, tried):
    statements, said = HOSTILE[what]
    changed(store, statements)
    before = store.read_bytes()
    with pytest.raises(StoreError) as caught:
        everything_in(store)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 500
    assert store.read_bytes() == before
    tried(f"a hostile store: {what}", 1, "refused with a sentence, nothing written")


@pytest.mark.parametrize("what", [name for name in HOSTILE if "table" in name or "trigger" in name])
def test_a_search_does_not_go_on_in_a_hostile_store(what, store):
    changed(store, HOSTILE[what][0])
    with pytest.raises(StoreError, match="is not opened"), opened(store):
        pass


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"just some text, long enough", "is not a store: it is no SQLite database"), (b"", "is empty")],
)
def test_what_is_no_store_is_refused(content, said, tmp_path):
    path = tmp_path / "runs.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=said):
        studies(path)


def test_the_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "other.db"
    changed(path, "CREATE TABLE mail (text)")
    for attempt in (lambda: studies(path), lambda: opened(path).__enter__()):
        with pytest.raises(StoreError, match="is a database of another program"):
            attempt()


def test_a_store_that_is_not_there(tmp_path):
    with pytest.raises(StoreError, match="There is no store"):
        studies(tmp_path / "none.db")
    with pytest.raises(StoreError, match="there is no folder"), opened(tmp_path / "none" / "runs.db"):
        pass
    with pytest.raises(StoreError, match="cannot be read"):
        studies(tmp_path)


def test_half_a_store_is_refused(store):
    store.write_bytes(store.read_bytes()[: 3 * 4096 + 100])
    with pytest.raises(StoreError, match=r"SQLite says|is damaged"):
        studies(store)


def test_a_store_on_a_medium_that_cannot_be_written_is_read(store, monkeypatch, tried):
    """As root every file can be written, so what SQLite then says is played."""
    connected = database._connected
    uris = []

    def unwritable(uri):
        uris.append(uri)
        if uri.endswith("?mode=ro"):
            return _Unopenable()
        return connected(uri)

    monkeypatch.setattr(database, "_connected", unwritable)
    assert [study.status for study in studies(store)] == ["finished"]
    assert uris[-1].endswith("?immutable=1")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StoreError, match="cannot be written to"), opened(store):
        pass
    tried(
        "a store that is read-only",
        2,
        "`runs list` and `runs show` read it; a search says that it cannot write",
    )


class _Unopenable:
    def execute(self, query):
        raise sqlite3.OperationalError("unable to open database file")

    def close(self):
        pass


FULL = """
import resource, signal, sys
from rightrate.errors import StoreError
from rightrate.store import open_study, stored_journal
stored_journal._packed = bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
asked = dict(kind="find", name="digits", settings={"steps": 10}, fingerprint={"model": "ab"})
with open_study(sys.argv[1], **asked, say=print) as study:
    study.journal.finish("first", {"value": 1})
    study.journal.checkpoint("second", b"old")
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    study.journal.checkpoint("second", b"x" * 300_000)
    try:
        study.journal.finish("second", {"value": "x" * 300_000})
    except StoreError as error:
        print(error)
"""


def test_a_full_disk_stops_with_a_sentence_and_loses_nothing(tmp_path, tried):
    store = tmp_path / "runs.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(store)], capture_output=True, text=True, check=True
    )
    checkpoint, transaction = done.stdout.splitlines()
    assert "No checkpoint can be written in" in checkpoint
    assert "(File too large)" in checkpoint
    assert "SQLite says: " in transaction
    assert "make room and run the same command again" in transaction
    with opened(store) as study:
        assert study.journal.finished("first") == {"value": 1}
        assert study.journal.finished("second") is None
        (data,) = (path for path in store.parent.rglob("*.safetensors"))
        assert data.read_bytes() == b"old"
        study.journal.finish("second", {"value": 2})
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 200_000
    tried(
        "a full disk (`RLIMIT_FSIZE`) at a checkpoint and at a transaction",
        2,
        "the checkpoint is left out and the search goes on; the transaction stops with a sentence; all that "
        "was stored before is there, and the search goes on when there is room",
    )


def test_processes_and_threads_that_write_at_once_lose_no_row(tmp_path, tried):
    store = tmp_path / "runs.db"
    script = (
        "import sys\nfrom rightrate.store import open_study\n"
        "asked = dict(kind='watch', name=sys.argv[2], settings={}, fingerprint={})\n"
        "with open_study(sys.argv[1], **asked) as study:\n"
        "    for row in range(60):\n        study.append('log', [{'row': row}])\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(store), f"worker {number}"])
        for number in range(3)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    with opened(store) as study:
        threads = [
            threading.Thread(target=lambda: [study.append("log", [{"row": row}]) for row in range(30)])
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(study.rows("log")) == 90
    with reading(store) as reader:
        rows = [[row.values["row"] for row in reader.events(number, "log")] for number in (1, 2, 3)]
    assert rows == [list(range(60))] * 3
    tried(
        "three processes and three threads writing to one store at once",
        270,
        "no row lost, each in its order",
    )


def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch, tried):
    store = tmp_path / "runs.db"
    for number, now in enumerate((2e9, 1e3, 1e9, -5.0)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        with opened(store) as study:
            assert [study.journal.finished(f"piece {before}") for before in range(number)] == list(
                range(number)
            )
            study.journal.finish(f"piece {number}", number)
            study.journal.checkpoint("going on", {"number": number})
            assert study.journal.resume("going on") == {"number": number}
            assert not study.journal.due()
    with reading(store) as reader:
        contents = reader.study(1)
    assert [piece.value for piece in contents.pieces] == [0, 1, 2, 3]
    tried("a clock set to 2033, 1970, 2001 and 1969 in turn", 4, "pieces and checkpoints stay in their order")
