"""What `find` returns."""

import json
import math
import sys
from dataclasses import replace

import matplotlib.figure
import pytest
import torch
from tests.finder.small import find, mlp
from torch import nn

from rightrate.errors import NoAnswerError
from rightrate.finder.result import Result
from rightrate.optimizers.resolve import resolve
from rightrate.population.calibrate import calibrate
from rightrate.schedules import Cosine
from rightrate.search.record import Answer, Cliff, GoodRange

SHAPE = Cosine(total_steps=300, warmup_steps=20)


@pytest.fixture(scope="module")
def result():
    return find(schedule=SHAPE, seed=3)


def with_shape(result, optimizer, shape=SHAPE, **answer):
    record = replace(result.record, answer=replace(result.record.answer, **answer))
    return Result(record=record, spec=resolve(optimizer, model=mlp()), shape=shape)


def test_the_answer(result):
    assert result.low <= result.lr <= result.high
    assert result.status == "found"
    assert f"{result.lr:.3g}" in result.message
    assert result.reasons == result.record.answer.reasons
    assert all(reason.endswith(".") for reason in result.reasons)
    assert result.tolerance >= 0.02
    assert result.untrained == result.record.levels.untrained > 0.0
    assert result.max_stable is None or result.max_stable >= result.low


def test_the_cost_is_that_of_the_trials(result):
    steps = result.cost.steps
    trials = result.trials
    assert set(steps) == {"range", "probe", "confirm"}
    for kind, spent in steps.items():
        assert spent == trials[trials.kind == kind].steps.sum()
    assert result.cost.run_equivalents == pytest.approx(sum(steps.values()) / 300)
    assert 0.5 < result.cost.run_equivalents <= 1.0
    assert result.cost.overhead_steps > 0
    assert result.cost.evaluation_forwards >= (trials.kind != "range").sum()
    seconds = result.cost.seconds
    assert 0 < seconds["train"] <= seconds["total"]
    assert set(seconds) == {"train", "evaluate", "check", "total"}


def test_the_provenance(result):
    provenance = result.provenance
    assert provenance.seed == 3
    assert provenance.device == "cpu"
    assert provenance.threads == torch.get_num_threads()
    assert provenance.versions["torch"] == torch.__version__
    assert set(provenance.versions) == {"rightrate", "torch", "python"}
    assert provenance.engine == "serial: asked for"


def test_the_engine_says_what_it_measured(result, monkeypatch):
    seen = []

    def spied(*arguments, **settings):
        seen.append(calibrate(*arguments, **settings))
        return seen[-1]

    monkeypatch.setattr(sys.modules["rightrate.finder.session"], "calibrate", spied)
    other = find(engine="stacked", steps=60)
    assert other.provenance.engine == seen[0].verdict.sentence()
    assert other.cost.overhead_steps == seen[0].member_steps


def test_trials_are_a_frame(result):
    trials = result.trials
    assert list(trials.columns) == ["rung", "kind", "lr", "seed", "steps", "epoch", "loss"]
    assert len(trials) == len(result.record.trials)
    assert trials.kind[0] == "range"
    assert math.isnan(trials.loss[0])
    assert trials.loss[1:].notna().any()
    assert (trials.rung.diff().dropna() >= 0).all()


def test_no_trials_are_an_empty_frame(result):
    empty = Result(record=replace(result.record, trials=()), spec=resolve("sgd"), shape=SHAPE)
    assert list(empty.trials.columns) == ["rung", "kind", "lr", "seed", "steps", "epoch"]
    assert len(empty.trials) == 0


def test_plain_data(result):
    data = result.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    for name in ("lr", "low", "high", "max_stable", "status", "message"):
        assert data[name] == getattr(result, name)
    assert data["reasons"] == list(result.reasons)
    assert data["cost"]["steps"] == sum(result.cost.steps.values())
    assert data["cost"]["run_equivalents"] == result.cost.run_equivalents
    assert data["cost"]["seconds"] == result.cost.seconds["total"]
    assert len(data["trials"]) == len(result.trials)
    assert data["provenance"]["seed"] == 3


def test_numbers_that_are_not_finite_are_none_in_json():
    def loss(output, target):
        return nn.functional.cross_entropy(output, target) + torch.where(
            output.abs().max() > 20, torch.inf, 0.0
        )

    result = find(loss=loss, optimizer="sgd")
    assert result.trials[result.trials.kind == "probe"].loss.isna().any()
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert "null" in text
    assert result.lr < result.record.answer.cliff.lowest_failed


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", torch.optim.RMSprop])
def test_build_gives_the_rates_of_the_run(result, optimizer):
    model = mlp()
    before = [parameter.clone() for parameter in model.parameters()]
    built, scheduler = with_shape(result, optimizer).build(model)
    assert isinstance(built, torch.optim.Optimizer)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR)
    assert all(map(torch.equal, before, model.parameters()))
    assert {id(p) for group in built.param_groups for p in group["params"]} == {
        id(p) for p in model.parameters()
    }
    for step in range(300):
        assert built.param_groups[0]["lr"] == pytest.approx(result.lr * SHAPE(step), rel=1e-12)
        assert scheduler.get_last_lr() == [built.param_groups[0]["lr"]]
        built.step()
        scheduler.step()


def grouped(first, second):
    def factory(module):
        groups = [
            {"params": module[0].parameters(), "weight_decay": 0.1},
            {"params": module[2].parameters(), "lr": second},
        ]
        return torch.optim.AdamW(groups, lr=first, weight_decay=0.0)

    return factory


@pytest.mark.parametrize(
    ("first", "second", "ratio"), [(1e-3, 1e-2, 10.0), (1e-3, 0.0, 0.0), (0.0, 1e-2, 1.0)]
)
def test_build_keeps_the_groups(result, first, second, ratio):
    built, scheduler = with_shape(result, grouped(first, second)).build(mlp())
    assert [group["weight_decay"] for group in built.param_groups] == [0.1, 0.0]
    for step in range(60):
        rates = [group["lr"] for group in built.param_groups]
        assert rates == pytest.approx([result.lr * SHAPE(step), ratio * result.lr * SHAPE(step)], rel=1e-12)
        built.step()
        scheduler.step()


def test_build_takes_a_plain_function(result):
    built, scheduler = with_shape(result, "sgd", shape=lambda step: 1 / (1 + step)).build(mlp())
    for step in range(5):
        assert built.param_groups[0]["lr"] == pytest.approx(result.lr / (1 + step))
        built.step()
        scheduler.step()


def test_the_scheduler_can_be_saved_and_loaded(result):
    built, scheduler = result.build(mlp())
    for _ in range(30):
        built.step()
        scheduler.step()
    other, loaded = result.build(mlp())
    loaded.load_state_dict(scheduler.state_dict())
    other.load_state_dict(built.state_dict())
    built.step(), other.step(), scheduler.step(), loaded.step()
    assert other.param_groups[0]["lr"] == built.param_groups[0]["lr"] == pytest.approx(result.lr * SHAPE(31))


def test_there_is_nothing_to_build_without_an_answer(result):
    answer = {
        "lr": None,
        "good": GoodRange(),
        "cliff": Cliff(),
        "status": "diverged",
        "message": "Nothing trains.",
    }
    nothing = with_shape(result, "sgd", **answer)
    assert (nothing.lr, nothing.low, nothing.high, nothing.max_stable) == (None, None, None, None)
    assert str(nothing).splitlines()[1] == "lr none (diverged): Nothing trains."
    with pytest.raises(
        NoAnswerError, match=r"no learning rate to build from: status 'diverged'\. Nothing trains\."
    ):
        nothing.build(mlp())
    assert isinstance(nothing.record.answer, Answer)
    json.dumps(nothing.to_dict(), allow_nan=False)
    assert isinstance(nothing.plot(), matplotlib.figure.Figure)
    assert "<" in nothing._repr_html_()


def test_what_people_see(result, tmp_path):
    lines = str(result).splitlines()
    assert lines[0].startswith("Sequential, adamw, cosine(")
    assert lines[0].endswith(", 300 steps")
    assert lines[1] == f"lr {result.lr:.3g} (found): {result.message}"
    assert lines[2:] == [f"- {reason}" for reason in result.reasons]
    assert repr(result) == str(result)
    assert isinstance(result.plot(), matplotlib.figure.Figure)
    assert "<img" in result._repr_html_() or "<svg" in result._repr_html_()
    path = result.save_report(tmp_path / "report.html")
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")
    assert f"{result.lr:.3g}" in path.read_text(encoding="utf-8")


def test_the_code_is_python(result):
    compile(result.code(), "code", "exec")
    assert f"{result.lr:.3g}" in result.code()
