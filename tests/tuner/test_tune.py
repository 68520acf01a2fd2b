"""`rr.tune`: every method on a real task, what it hands back, and what it refuses."""

import json
from dataclasses import replace

import pytest
import torch
from tests.tuner.small import small
from torch import nn

import rightrate as rr
from rightrate.search.grid import Grid
from rightrate.search.halving import Halving
from rightrate.search.pbt import Pbt
from rightrate.tuner import TuneResult, continue_from


def ask(method="grid", task=None, **changes):
    settings = {"steps": 40, "low": 1e-3, "high": 1.0, "engine": "serial", **changes}
    return rr.tune(small() if task is None else task, method, **settings)


@pytest.mark.parametrize("method", ["grid", "halving", "pbt", "bayes"])
def test_every_method_hands_back_a_trained_model(method) -> None:
    result = ask(method)
    assert isinstance(result, TuneResult)
    assert result.status == "found"
    assert result.score < 0.7 * result.record.levels.untrained
    assert 1e-3 <= result.lr <= 1.0
    assert result.schedule.total_steps == 40
    model = result.model
    assert not model.training
    inputs, targets = small().valid
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model(inputs), targets)
    assert float(loss) == pytest.approx(result.score, rel=1e-5)


@pytest.mark.slow
def test_pbt_on_digits_beats_what_is_untrained_by_far_and_its_schedule_can_be_replayed() -> None:
    result = rr.tune("digits", Pbt(members=6, slow=2), steps=200, objective="accuracy:max", engine="serial")
    assert result.status == "found"
    assert result.score > 0.9
    again, other = result.record.replays
    assert again.metrics["accuracy"] == result.score
    assert (again.seed, other.seed) == (0, 1)
    assert other.metrics["accuracy"] > 0.85
    assert "Replayed from scratch with the same seed, its schedule reaches the same." in result.reasons


def test_the_schedule_retraces_the_winner_from_scratch() -> None:
    result = ask(Pbt(members=4, ready_steps=5))
    path = [result.record.rounds[number].members[member].lr for number, member in result.record.answer.path]
    assert len(path) == 8
    assert len(set(path)) > 1
    assert [result.schedule(5 * number) for number in range(8)] == path
    assert result.record.replays[0].metrics == result.winner.metrics
    # And by hand, in a loop of one's own.
    model, optimizer = trained_by_hand(result)
    assert optimizer.param_groups[0]["lr"] == path[-1]
    for mine, theirs in zip(model.parameters(), result.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def trained_by_hand(result):
    from rightrate.population.prepare import prepare

    setup = prepare(small(), "adamw").setup(0)
    program = setup.copy_program()
    optimizer = torch.optim.AdamW(program.parameters())
    stream = setup.train.stream(0)
    for step in range(40):
        optimizer.param_groups[0]["lr"] = result.schedule(step)
        optimizer.zero_grad()
        program(next(stream))[0].backward()
        optimizer.step()
    return program.model, optimizer


def test_grid_trains_every_rate_for_the_whole_length() -> None:
    result = ask(Grid(lrs=(0.1, 0.01, 0.03)))
    assert result.cost.run_equivalents == 3.0
    assert [member.lr for member in result.record.rounds[0].members] == [0.1, 0.01, 0.03]
    assert result.lr in (0.1, 0.01, 0.03)
    assert list(result.rounds["lr"]) == [0.1, 0.01, 0.03]


def test_halving_is_cheaper_than_the_grid() -> None:
    halving, grid = ask(Halving(members=9)), ask(Grid(members=9))
    assert halving.cost.run_equivalents < 0.4 * grid.cost.run_equivalents
    assert halving.score < 0.1 * grid.record.levels.untrained


def test_the_end_of_the_range_is_said() -> None:
    result = ask(Grid(members=3), low=1e-6, high=5e-3)
    assert result.status == "edge"
    assert "It is the end of the range that was searched" in result.reasons[0]


def test_a_model_that_never_trains() -> None:
    result = ask(
        Grid(members=2), task=small(loss=lambda output, target: output.sum() * torch.nan, metrics={})
    )
    assert (result.status, result.lr, result.score) == ("diverged", None, None)
    assert result.message == "No learning rate from 0.001 to 1 trained this model."
    for take in (lambda: result.model, lambda: result.winner, lambda: result.continue_(steps=1)):
        with pytest.raises(rr.errors.NoAnswerError, match=r"There is no trained model: status 'diverged'"):
            take()
    with pytest.raises(rr.errors.NoAnswerError, match=r"There is no schedule: status 'diverged'"):
        _ = result.schedule
    json.dumps(result.to_dict(), allow_nan=False)


def test_members_that_learn_nothing_are_no_answer() -> None:
    result = ask(Grid(members=2), low=1e-9, high=1e-8)
    assert result.status == "diverged"
    assert result.message.startswith("Nothing trained: the best member reached validation loss ")


def test_the_winner_goes_on_as_if_it_had_not_stopped() -> None:
    short, long = ask(Grid(lrs=(0.01,)), steps=20), ask(Grid(lrs=(0.01,)), steps=40)
    later = short.continue_(steps=20)
    assert later.step == 40
    assert short.winner.step == 20
    assert len(later.losses) == 20
    assert later.metrics == long.winner.metrics
    for mine, theirs in zip(later.model.parameters(), long.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert continue_from(later, steps=1).step == 41
    faster = short.continue_(steps=20, lr=0.1)
    assert faster.metrics != later.metrics
    falling = short.continue_(steps=20, lr=rr.schedules.Linear(peak=0.01, total_steps=20))
    assert falling.metrics not in (faster.metrics, later.metrics)


@pytest.mark.parametrize("engine", ["serial", "stacked"])
def test_weights_go_into_a_model_of_ones_own(engine, tmp_path) -> None:
    from safetensors.torch import load

    result = ask(Grid(members=3), engine=engine)
    mine = small().model
    before = mine.training
    assert result.load_into(mine) is mine
    assert mine.training == before
    inputs, _ = small().valid
    torch.testing.assert_close(mine.eval()(inputs), result.model(inputs), rtol=0, atol=0)
    saved = load(result.winner.safetensors())
    assert all(torch.equal(saved[name], value) for name, value in result.model.state_dict().items())
    assert repr(result.winner) == "Winner(task after 40 steps)"


def test_tied_weights_are_written_once() -> None:
    from safetensors.torch import load

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(6, 6)
            self.second = nn.Linear(6, 6)
            self.second.weight = self.first.weight
            self.last = nn.Linear(6, 3)

        def forward(self, inputs):
            return self.last(self.second(self.first(inputs).relu()))

    result = ask(Grid(members=2), task=small(model=Tied()))
    assert "second.weight" not in load(result.winner.safetensors())
    tied = result.load_into(Tied())
    assert tied.first.weight is tied.second.weight


def test_another_model_is_refused() -> None:
    result = ask(Grid(members=2))
    message = (
        r"load_into\(model\) must be a model with the parameters and buffers of the trained one, got 'Lin"
    )
    with pytest.raises(rr.errors.ConfigError, match=message):
        result.load_into(nn.Linear(2, 2))
    with pytest.raises(rr.errors.ConfigError, match=r"load_into\(model\) must be a torch\.nn\.Module, got 3"):
        result.load_into(3)


def test_nothing_of_the_task_changes() -> None:
    task = small()
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    state = torch.random.get_rng_state()
    ask(Pbt(members=3, slow=0), task=task)
    assert all(torch.equal(before[name], value) for name, value in task.model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in task.model.parameters())


def test_a_study_is_answered_from_its_store(tmp_path, capfd) -> None:
    asked = {"method": Pbt(members=3, ready_steps=10), "store": tmp_path / "runs.db"}
    first = ask(**asked)
    assert capfd.readouterr().err == ""
    second = ask(**asked)
    known = replace(first.record, cost=first.record.cost.answered())
    assert second.to_dict() == known.to_dict()
    assert capfd.readouterr().err.startswith("This is the answer of study 1 of ")
    assert second.continue_(steps=3).metrics == first.continue_(steps=3).metrics
    third = ask(**asked, seed=1)
    assert "seed was 0 and is 1" in capfd.readouterr().err
    assert third.record.provenance.seed == 1
    ask(**asked, fresh=True)
    assert "answer of study" not in capfd.readouterr().err


def test_results_read_well() -> None:
    result = ask(Pbt(members=3, ready_steps=5))
    text = str(result)
    assert text.startswith(
        "task, adamw, pbt, 40 steps\nfound: The best of 3 members reached validation loss "
    )
    assert "- Replayed from scratch with seed 1, its schedule reaches " in text
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (plain["status"], plain["lr"], plain["score"]) == ("found", result.lr, result.score)
    assert plain["settings"]["options"]["ready_steps"] == 5
    assert plain["cost"]["steps"] == {"train": 120, "anneal": 0, "replay": 80}
    assert rr.schedules.from_dict(plain["schedule"]) == result.schedule
    assert set(result.rounds.columns) >= {"round", "member", "parent", "lr", "loss", "accuracy"}


def test_progress_is_told() -> None:
    seen = []
    ask(Pbt(members=4, ready_steps=5), progress=seen.append)
    # Besides its four members it replays the schedule that was found, twice.
    assert seen[-1].spent == seen[-1].allowance == 4 * 40 + 2 * 40
    assert {state.action.rung for state in seen} == set(range(8))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": 3}, r"tune\(task\) must be a Task or the name of a built-in one, got 3"),
        (
            {"method": "random"},
            r"tune\(method=\.\.\.\) must be one of 'grid', 'halving', 'pbt', 'bayes'",
        ),
        ({"method": 7}, r"tune\(method=\.\.\.\) must be one of .*, or a strategy .*, got 7"),
        ({"seed": -1}, r"tune\(seed=\.\.\.\) must be an integer >= 0, got -1"),
        ({"engine": "fast"}, r"tune\(engine=\.\.\.\) must be one of 'auto', 'serial', 'stacked', got 'fast'"),
        ({"steps": 0}, r"tune\(steps=\.\.\.\) must be an integer >= 1, got 0"),
        (
            {"epochs": 3},
            r"tune\(steps=\.\.\., epochs=\.\.\.\) must be given as one of the two, got \(40, 3\)",
        ),
        ({"steps": None, "epochs": 0}, r"tune\(epochs=\.\.\.\) must be a finite number > 0, got 0"),
        ({"low": 0.0}, r"tune\(low=\.\.\.\) must be a finite number > 0, got 0\.0"),
        ({"high": 1e-4}, r"tune\(high=\.\.\.\) must be greater than low=0\.001, got 0\.0001"),
        (
            {"schedule": rr.schedules.Cosine(total_steps=9)},
            r"tune\(schedule=\.\.\.\) must be a schedule of",
        ),
        ({"schedule": "cosine("}, r"tune\(schedule=\.\.\.\)"),
        ({"objective": "f1:max"}, r"must be one of 'loss', 'accuracy', got 'f1'"),
        ({"optimizer_options": 3}, r"must be a mapping of argument names to values, got 3"),
    ],
)
def test_what_is_not_allowed_is_said(changes, message) -> None:
    with pytest.raises(rr.errors.ConfigError, match=message):
        ask(**changes)


@pytest.mark.parametrize(
    ("steps", "message"), [(0, "an integer >= 1, got 0"), (1.5, "an integer >= 1, got 1")]
)
def test_going_on_for_no_steps_is_refused(steps, message) -> None:
    with pytest.raises(rr.errors.ConfigError, match=rf"continue_\(steps=\.\.\.\) must be {message}"):
        ask(Grid(members=1), steps=5).continue_(steps=steps)


def test_going_on_at_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(
        rr.errors.ConfigError, match=r"continue_\(lr=\.\.\.\) must be a finite number > 0, got 0"
    ):
        ask(Grid(members=1), steps=5).continue_(steps=1, lr=0)


def test_lengths() -> None:
    cosine = rr.schedules.Cosine(total_steps=12)
    assert ask(Grid(members=1), steps=None, schedule=cosine).winner.step == 12
    assert ask(Grid(members=1), steps=None, schedule="cosine(12)").schedule.total_steps == 12
    assert ask(Grid(members=1), steps=None, epochs=0.5).winner.step == 8
    assumed = ask(Grid(members=1), steps=None)
    assert assumed.winner.step == 150
    assert "10 epochs, 150 steps, were assumed" in " ".join(assumed.reasons)
    own = ask(Grid(members=1), steps=None, task=small(info=rr.TaskInfo(steps=7)))
    assert "the task's own, 7 steps" in " ".join(own.reasons)


def test_a_function_of_the_step_is_a_schedule_too() -> None:
    result = ask(Grid(lrs=(0.02,)), steps=4, schedule=lambda step: 1 - step / 4)
    assert result.schedule == rr.schedules.Piecewise(until=(1, 2, 3, 4), values=(0.02, 0.015, 0.01, 0.005))


def test_the_function_is_the_function_whatever_was_imported_before() -> None:
    from rightrate.tuner import tune

    assert rr.tune is tune
