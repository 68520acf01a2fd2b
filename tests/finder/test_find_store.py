"""`find` with a store: what it remembers, and what it does not do again."""

import pytest
from tests.finder.small import find, mlp, train

from rightrate.errors import HeldError
from rightrate.population.serial import SerialPopulation
from rightrate.search.driver import Stopped
from rightrate.store import stored_journal, studies
from rightrate.store.reader import reading


def without_clocks(result):
    plain = result.to_dict()
    return {**plain, "cost": {key: value for key, value in plain["cost"].items() if "seconds" not in key}}


@pytest.fixture
def steps(monkeypatch):
    """The member-steps that are trained."""
    advance, taken = SerialPopulation.advance, []

    def counted(population, table):
        taken.append(table.size)
        return advance(population, table)

    monkeypatch.setattr(SerialPopulation, "advance", counted)
    return taken


def stopping_after(spent):
    """Press Ctrl-C, as it were, once so much was spent."""

    def progress(state):
        if state.spent >= spent:
            raise KeyboardInterrupt

    return progress


def test_the_answer_is_the_same_with_a_store_and_is_not_searched_again(tmp_path, steps):
    store, sentences = tmp_path / "runs.db", []
    without = find()
    assert without_clocks(find(store=store, say=sentences.append)) == without_clocks(without)
    assert sentences == []
    steps.clear()
    again = find(store=store, say=sentences.append)
    assert steps == []
    assert without_clocks(again) == without_clocks(without)
    assert again.build(mlp())[0].param_groups[0]["lr"] == again.lr
    assert sentences[0].startswith("This is the answer of study 1 of runs.db, finished on")
    fresh = find(store=store, fresh=True, say=pytest.fail)
    assert without_clocks(fresh) == without_clocks(without)
    assert sum(steps) >= fresh.record.cost.run_equivalents * 300
    assert [study.number for study in studies(store)] == [1, 2]


@pytest.mark.parametrize("spent", [1, 60, 150])
def test_a_search_that_was_cut_off_ends_as_if_it_was_not(spent, tmp_path, monkeypatch):
    monkeypatch.setattr(stored_journal, "_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(stored_journal, "_SHARE", 1e9)
    store, sentences = tmp_path / "runs.db", []
    with pytest.raises(KeyboardInterrupt):
        find(store=store, progress=stopping_after(spent))
    result = find(store=store, say=sentences.append)
    assert sentences[0].startswith("Going on where study 1 of runs.db stopped, ")
    assert without_clocks(result) == without_clocks(find())


def test_what_is_left_is_all_that_is_trained(tmp_path, steps, monkeypatch):
    monkeypatch.setattr(stored_journal, "_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(stored_journal, "_SHARE", 1e9)
    store = tmp_path / "runs.db"
    with pytest.raises(KeyboardInterrupt):
        find(store=store, progress=stopping_after(100))
    steps.clear()
    result = find(store=store, say=str)
    assert sum(steps) <= sum(result.cost.steps.values()) - 100


def test_ctrl_c_keeps_what_is_known_even_between_two_checkpoints(tmp_path, steps):
    store, seen = tmp_path / "runs.db", []

    def progress(state):
        seen.append(state.spent)
        if state.spent > 100:
            raise Stopped

    stopped = find(store=store, progress=progress)
    assert stopped.status == "interrupted"
    assert studies(store)[0].status == "stopped"
    steps.clear()
    result = find(store=store, say=str)
    assert sum(steps) == sum(result.cost.steps.values()) - seen[-1]
    assert without_clocks(result) == without_clocks(find())


def test_a_changed_task_is_noticed_and_said(tmp_path):
    store, sentences = tmp_path / "runs.db", []
    find(store=store, steps=64)
    inputs, classes = train()
    inputs[3, 2] += 1e-3
    find(data=(inputs, classes), store=store, steps=64, say=sentences.append)
    (said,) = sentences
    assert "asked something else about Sequential: the training data is another. A new one begins." in said
    find(store=store, steps=65, seed=1, say=sentences.append)
    assert "seed was 0 and is 1; steps was 64 and is 65" in sentences[-1]


def test_the_same_search_at_the_same_time_is_refused(tmp_path):
    store, held = tmp_path / "runs.db", []

    def progress(state):
        if not held:
            with pytest.raises(HeldError, match=r"Study 1 of runs.db is held by process \d+ on ") as caught:
                find(store=store, steps=64)
            held.append(caught.value)

    find(store=store, steps=64, progress=progress)
    assert held


def test_a_study_holds_every_trial(tmp_path):
    store = tmp_path / "runs.db"
    result = find(store=store, steps=100)
    with reading(store) as reader:
        contents = reader.study(1)
    kept = [
        trial["lr"] for piece in contents.pieces if "trials" in piece.value for trial in piece.value["trials"]
    ]
    assert kept == [trial.lr for trial in result.record.trials]
    assert contents.settings["steps"] == 100
    assert contents.versions["torch"] == result.provenance.versions["torch"]
