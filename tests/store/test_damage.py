"""Damage: whatever is done to a file, nothing wrong is ever read from it in silence."""

import os
import shutil
import sqlite3

import numpy as np
import pytest
import torch
from tests.store.questions import opened

from rightrate.errors import RightrateError, StoreError
from rightrate.store.checkpoints import Checkpoints
from rightrate.store.reader import reading
from rightrate.store.state import pack, unpack

EVERY = 1 if int(os.environ.get("RIGHTRATE_CRASH_KILLS", "40")) >= 200 else 5
OLD = {"step": 1, "weights": torch.tensor([1.0, 2.0])}
NEW = {"step": 2, "weights": torch.tensor([3.0, 4.0])}


@pytest.fixture
def checkpoints(tmp_path):
    """Two checkpoints of one piece."""
    made = Checkpoints(tmp_path / "study", "ab")
    made.write("piece", pack(OLD))
    made.write("piece", pack(NEW))
    return made


def damages(content):
    """Yield a content damaged in each way: a byte flipped, and cut off after each length."""
    for place in range(0, len(content), EVERY):
        yield f"flipped at {place}", content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        yield f"cut at {place}", content[:place]


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(suffix, checkpoints, tmp_path, tried):
    whole = tmp_path / "whole"
    shutil.copytree(checkpoints.folder, whole)
    (name,) = (path.name for path in whole.glob(f"*2{suffix}"))
    times = 0
    for what, damaged in damages((whole / name).read_bytes()):
        shutil.rmtree(checkpoints.folder)
        shutil.copytree(whole, checkpoints.folder)
        (checkpoints.folder / name).write_bytes(damaged)
        complaints = []
        state = Checkpoints(checkpoints.folder, "ab").newest("piece", unpack, complaints.append)
        assert state["step"] == 1, what
        assert torch.equal(state["weights"], OLD["weights"])
        (said,) = complaints
        assert str(checkpoints.folder / name.replace(suffix, ".safetensors")) in said
        assert "it is not what its manifest says" in said
        again = []
        assert Checkpoints(checkpoints.folder, "ab").newest("piece", unpack, again.append)["step"] == 1
        assert again == [], "it was set aside"
        times += 1
    file = "data" if suffix == ".safetensors" else "manifest"
    tried(
        f"one bit flipped in, or the end cut off, a checkpoint's {file}, at each byte",
        times,
        "the damaged one is named and set aside, the one before it is used",
    )


def test_without_any_valid_checkpoint_there_is_none(checkpoints):
    for path in checkpoints.folder.glob("*.safetensors"):
        path.write_bytes(b"")
    complaints = []
    assert checkpoints.newest("piece", unpack, complaints.append) is None
    assert len(complaints) == 2


def test_a_checkpoint_of_another_study_or_piece_is_not_used(checkpoints):
    complaints = []
    assert Checkpoints(checkpoints.folder, "cd").newest("piece", unpack, complaints.append) is None
    assert len(complaints) == 2
    assert checkpoints.newest("another", unpack, complaints.append) is None
    assert len(complaints) == 2


def test_data_without_a_manifest_were_never_finished(checkpoints):
    for path in checkpoints.folder.glob("*2.json"):
        path.unlink()
    found = Checkpoints(checkpoints.folder, "ab")
    assert found.newest("piece", unpack, pytest.fail)["step"] == 1
    assert not list(found.folder.glob("*2.safetensors"))


def test_a_damaged_state_is_no_state():
    with pytest.raises(StoreError, match="A state cannot be read"):
        unpack(b"12345678 nonsense")
    with pytest.raises(StoreError, match="A state cannot be read"):
        unpack(b"")


def finished_store(path):
    with opened(path) as study:
        for number in range(3):
            value = {"loss": number + 0.5, "nan": float("nan")}
            study.journal.finish(f"action {number}", value, {"weights": torch.full((3,), float(number))})
        study.finish({"answer": {"lr": 0.25}})


def test_a_damaged_store_is_refused_or_read_as_it_was(tmp_path, tried):
    """Every so many bytes of the whole file: pages, indices, texts, blobs."""
    store = tmp_path / "runs.db"
    finished_store(store)
    content = store.read_bytes()
    right = {f"action {number}": number + 0.5 for number in range(3)}
    refused = unnoticed = 0
    for place in range(0, len(content), 23 * EVERY):
        store.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            with reading(store) as reader:
                (study,) = reader.studies()
                contents = reader.study(study.number)
        except RightrateError:
            refused += 1
            continue
        except ValueError:  # the one study is not there any more
            refused += 1
            continue
        assert contents.record in ({"answer": {"lr": 0.25}}, None)
        found = {piece.key: piece.value["loss"] for piece in contents.pieces}
        assert found.items() <= right.items()
        unnoticed += 1
    assert refused
    tried(
        "one bit flipped in a store, at every so many bytes",
        refused + unnoticed,
        f"{refused} times refused with a sentence; {unnoticed} times it did not concern what was found, "
        "which was read as it was",
    )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE state SET content = x'00' WHERE key = 'action 1'", "The state that 'action 1'"),
        ("UPDATE state SET content = 'text' WHERE key = 'action 1'", "The state that 'action 1'"),
        ("DELETE FROM state", "The state that 'action 1'"),
    ],
)
def test_a_damaged_state_in_the_store_is_named_and_not_used(damage, said, tmp_path):
    store = tmp_path / "runs.db"
    finished_store(store)
    changed(store, damage)
    sentences = []
    with opened(store, sentences.append) as study:
        assert study.journal.resume("action 1") is None
    assert any(said in sentence and "not used" in sentence for sentence in sentences)


def test_damaged_values_count_as_not_there(tmp_path):
    store = tmp_path / "runs.db"
    finished_store(store)
    changed(
        store,
        """UPDATE piece SET value = '{"loss":9}' WHERE key = 'action 0'; UPDATE study SET record = '1'""",
    )
    sentences = []
    with opened(store, sentences.append) as study:
        assert study.record is None
        assert study.journal.finished("action 0") is None
        assert study.journal.finished("action 1")["loss"] == 1.5
    assert sentences[0] == "The record of study 1 is damaged in the store and is not used."
    assert sentences[-1] == "What 'action 0' came to is damaged in the store and is not used."
    with reading(store) as reader, pytest.raises(StoreError, match="does not match its SHA-256"):
        reader.study(1)


def changed(store, statements):
    """Change a store as somebody with SQLite at hand would."""
    connection = sqlite3.connect(store)
    connection.executescript(statements)
    connection.close()


def test_nan_and_infinities_are_read_back_as_what_they_are(tmp_path, tried):
    values = {"a": float("nan"), "b": [float("inf"), float("-inf"), -0.0], "c": 5e-324}
    arrays = {
        "f32": torch.tensor([float("nan"), float("inf"), -0.0]),
        "f64": np.array([-np.inf, np.nan, 1e308]),
    }
    store = tmp_path / "runs.db"
    with opened(store) as study:
        study.journal.finish("piece", values, {**arrays, "plain": values})
        study.append("log", [values])
        study.finish(values)
    with opened(store) as study:
        state = study.journal.resume("piece")
        for found in (
            study.journal.finished("piece"),
            study.record,
            study.rows("log")[0].values,
            state["plain"],
        ):
            assert repr(dict(found)) == repr(values)
        assert state["f32"].numpy().tobytes() == arrays["f32"].numpy().tobytes()
        assert state["f64"].tobytes() == arrays["f64"].tobytes()
    tried("NaN, infinities, -0.0 and the smallest float stored", 5, "read back as what they are, bit for bit")
