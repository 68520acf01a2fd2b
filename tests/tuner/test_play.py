"""Playing on a real population: the same whatever it is interrupted by."""

import math

import pytest
import torch
from tests.tuner.small import Crash, Memory, small, timeless, tuned
from torch import nn

from rightrate.search.bayes import Bayes
from rightrate.search.grid import Grid
from rightrate.search.halving import Halving
from rightrate.search.pbt import Pbt
from rightrate.store.journal import Forgetful

CASES = {
    "grid": (Grid(members=3), {}),
    "halving": (Halving(members=4, factor=2), {"schedule": "linear"}),
    "pbt": (Pbt(members=4, ready_steps=8, slow=2), {}),
    "pbt, weight decay": (Pbt(members=3, ready_steps=15, weight_decay=(1e-4, 1e-1)), {}),
    "bayes": (Bayes(trials=4, batch=2, sampler="tpe", weight_decay=(1e-4, 1e-1)), {}),
}


def weights(winner):
    return {name: value.clone() for name, value in winner.model.state_dict().items()}


def same(one, other) -> bool:
    """Compare records and winners bit for bit; NaN equals NaN."""
    records = repr(timeless(one[0])) == repr(timeless(other[0]))
    mine, theirs = weights(one[1]), weights(other[1])
    return records and all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize(("strategy", "settings"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("engine", ["serial", "stacked"])
def test_a_search_that_was_killed_anywhere_ends_as_if_it_was_not(strategy, settings, engine) -> None:
    whole = Memory()
    expected = tuned(strategy, whole, engine=engine, **settings)
    # The verdict, with its timings, is decided once for a study, and these are one study.
    places = range(1, whole.written + 1, 3 if engine == "serial" else 6)
    for count, place in enumerate(places):
        journal = Memory(-place if count % 2 else place)
        journal.pieces["engine"] = whole.pieces["engine"]
        with pytest.raises(Crash):
            tuned(strategy, journal, engine=engine, **settings)
        assert same(tuned(strategy, journal, engine=engine, **settings), expected)


@pytest.mark.parametrize(("strategy", "settings"), CASES.values(), ids=CASES)
def test_a_search_that_was_killed_after_any_piece_ends_as_if_it_was_not(strategy, settings) -> None:
    whole = Memory()
    expected = tuned(strategy, whole, **settings)
    for piece in [*whole.pieces][-1::-3]:
        journal = Memory(finish=piece)
        with pytest.raises(Crash):
            tuned(strategy, journal, **settings)
        journal.pieces["engine"] = whole.pieces["engine"]
        assert same(tuned(strategy, journal, **settings), expected)


def test_a_finished_search_is_answered_without_training(monkeypatch) -> None:
    from rightrate.tuner.trainer import Trainer

    journal = Memory()
    strategy = Pbt(members=4, ready_steps=8, slow=2)
    expected = tuned(strategy, journal)
    monkeypatch.setattr(Trainer, "train", None)
    assert same(tuned(strategy, journal), expected)


def test_a_checkpoint_whose_rounds_are_lost_is_not_used() -> None:
    whole = Memory()
    expected = tuned(Grid(members=2), whole)
    journal = Memory(crash=3)
    journal.pieces["engine"] = whole.pieces["engine"]
    strategy = Pbt(members=4, ready_steps=8)
    with pytest.raises(Crash):
        tuned(strategy, journal)
    del journal.pieces["round 0"]
    assert tuned(strategy, journal)[0].rounds[0].members
    assert expected[0].rounds


def test_the_two_engines_agree() -> None:
    strategy = Pbt(members=4, ready_steps=10, slow=2)
    serial, _ = tuned(strategy, Forgetful())
    stacked, _ = tuned(strategy, Forgetful(), engine="stacked")
    assert serial.provenance.engine != stacked.provenance.engine
    first = [[member.metrics["loss"] for member in record.rounds[0].members] for record in (serial, stacked)]
    assert first[0] == pytest.approx(first[1], rel=1e-3, nan_ok=True)


def test_a_member_goes_on_with_weights_slots_and_decay_of_the_one_it_copies() -> None:
    class Copies:
        """Two members; then both go on from the second, at one rate."""

        name, size = "copies", 2

        def planned(self, space):
            return 40

        def start(self, space):
            return {"round": 0}

        def decide(self, state, standings):
            from rightrate.search.rounds import Round

            number = state["round"]
            asked = [
                Round(take=None, lrs=(1e-3, 1e-2), steps=10, seed=0, weight_decays=(0.0, 0.5)),
                Round(take=(1, 1), lrs=(1e-2, 1e-2), steps=10, seed=0),
            ]
            return tuple(asked[number : number + 1]), {"round": number + 1}

    record, _ = tuned(Copies(), Forgetful(), steps=20)
    first, second = record.rounds[1].members
    assert first.metrics == second.metrics
    assert first.weight_decay == second.weight_decay == 0.5
    assert record.rounds[0].members[0].metrics != record.rounds[0].members[1].metrics


def test_halving_under_a_falling_schedule_is_judged_by_annealed_copies() -> None:
    record, _ = tuned(Halving(members=4, factor=2), Forgetful(), schedule="linear")
    judged = [done for done in record.rounds if done.anneal_steps]
    assert [(done.end, done.anneal_steps, len(done.members)) for done in judged] == [(10, 2, 4), (20, 4, 2)]
    for done in judged:
        assert all(member.annealed is not None for member in done.members)
        assert any(member.annealed != member.metrics["loss"] for member in done.members)
    plain, _ = tuned(Halving(members=4, factor=2), Forgetful())
    assert all(not done.anneal_steps for done in plain.rounds)


def test_annealed_copies_leave_the_members_as_they_are() -> None:
    falling = Halving(members=2, factor=2)
    record, _ = tuned(falling, Forgetful(), schedule="linear")

    class Same(Halving):
        """The same without copies."""

        def decide(self, state, standings):
            from dataclasses import replace

            rounds, state = super().decide(state, standings)
            return tuple(replace(one, annealing=None) for one in rounds), state

    plain, _ = tuned(Same(members=2, factor=2), Forgetful(), schedule="linear")
    first = [done for done in record.rounds if done.end <= 20]
    assert [[member.metrics for member in done.members] for done in first] == [
        [member.metrics for member in done.members] for done in plain.rounds if done.end <= 20
    ]


def test_what_does_not_train_is_dropped() -> None:
    def explodes(output, target):
        loss = nn.functional.cross_entropy(output, target)
        return loss * torch.where(loss > 4, math.nan, 1.0)

    record, winner = tuned(Halving(members=6, factor=2), Forgetful(), task=small(loss=explodes, metrics={}))
    failed = [member.lr for member in record.rounds[0].members if math.isnan(member.metrics["loss"])]
    assert failed
    assert all(lr not in failed for done in record.rounds[1:] for lr in [m.lr for m in done.members])
    assert f"{min(failed):.3g}" in " ".join(record.answer.reasons)
    assert winner is not None


def test_normalisation_statistics_arrive_before_members_are_judged() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8, momentum=0.01), nn.ReLU(), nn.Linear(8, 3))
    shifted = small(model=model)
    record, _ = tuned(Pbt(members=2, ready_steps=10), Forgetful(), task=shifted)
    # With the running statistics of the first ten steps these would still be far from having learned.
    best = min(member.metrics["loss"] for member in record.rounds[0].members)
    assert best < record.levels.untrained


def test_a_stop_keeps_what_is_known_and_a_journal_goes_on_from_it() -> None:
    def stop(state, interrupt):
        if state.action.rung == 2:
            interrupt.request()

    journal = Memory()
    strategy = Pbt(members=4, ready_steps=8)
    record, winner = tuned(strategy, journal, progress=stop)
    assert (record.answer.status, len(record.rounds)) == ("interrupted", 3)
    assert record.answer.message.startswith("Stopped early; the best member so far reached validation loss ")
    assert winner.step == record.rounds[-1].end < 40
    whole = Memory()
    whole.pieces["engine"] = journal.pieces["engine"]
    assert same(tuned(strategy, journal), tuned(strategy, whole))


def test_a_stop_in_the_first_block_still_hands_back_a_model() -> None:
    record, winner = tuned(
        Grid(members=2), Forgetful(), progress=lambda state, interrupt: interrupt.request()
    )
    assert (record.answer.status, record.rounds[0].steps) == ("interrupted", 8)
    assert winner.step == 8


def test_a_stop_while_copies_are_annealed() -> None:
    def stop(state, interrupt):
        if state.action.rung == 1 and state.spent > 2 * 4 * 8:
            interrupt.request()

    record, winner = tuned(Pbt(members=4, ready_steps=8, slow=2), Forgetful(), progress=stop)
    assert record.answer.status == "interrupted"
    assert record.rounds[-1].end == winner.step == 16
    assert record.rounds[-1].anneal_steps == 0


def test_a_stop_while_the_schedule_is_replayed() -> None:
    def stop(state, interrupt):
        if state.spent > 4 * 40:
            interrupt.request()

    record, winner = tuned(Pbt(members=4, ready_steps=8), Forgetful(), progress=stop)
    assert record.answer.status == "interrupted"
    assert record.answer.reasons[-1] == "Stopped while its schedule was replayed from scratch."
    assert winner.step == 40
    assert record.replays == ()
