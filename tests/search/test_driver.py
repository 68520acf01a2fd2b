"""Carrying actions out."""

import math

import numpy as np
import pytest
import torch
from tests.finder.small import FEATURES, mlp, train, valid
from torch import nn

from rightrate.population import SerialPopulation, prepare
from rightrate.population.factory import Populations
from rightrate.population.verdict import Verdict
from rightrate.schedules import Cosine
from rightrate.search.compress import compress
from rightrate.search.driver import Driver, Stopped, geometric
from rightrate.search.seen import seen_batches
from rightrate.search.space import Action
from rightrate.tasks.metrics import accuracy
from rightrate.tasks.task import Task, Training

SHAPE = Cosine(total_steps=400, warmup_steps=8)(np.arange(400))


def prepared(model=None):
    task = Task(
        model=mlp() if model is None else model,
        train=train(),
        valid=valid(),
        loss=nn.functional.cross_entropy,
        metrics={"accuracy": accuracy},
        training=Training(batch_size=16),
    )
    return prepare(task, "momentum")


def driver(model=None, watch=lambda state: None):
    return Driver(Populations(prepared(model), Verdict(reason="asked for")), SHAPE, watch, allowance=1000)


def action(**changes):
    settings = {"kind": "probe", "rung": 2, "lrs": (0.003, 0.1), "steps": 80, "seed": 3}
    return Action(**{**settings, **changes})


def test_members_are_trained_under_the_compressed_schedule():
    trials = driver().run(action())
    table = compress(SHAPE, 80)[:, None] * np.array([0.003, 0.1])
    alone = SerialPopulation(prepared().setup(3), 2)
    losses = alone.advance(table)
    reached = alone.evaluate()
    for member, trial in enumerate(trials):
        assert (trial.lr, trial.seed, trial.steps, trial.rung) == ((0.003, 0.1)[member], 3, 80, 2)
        assert trial.kind == "probe"
        assert trial.metrics == {name: values[member] for name, values in reached.items()}
        assert trial.curve.steps == tuple(range(80))
        assert trial.curve.lr == tuple(table[:, member])
        assert trial.curve.train == tuple(losses[:, member])
        assert trial.curve.valid_steps == (20, 40, 80)
        assert trial.curve.valid[-1] == trial.metrics["loss"]


def test_judging_on_the_way_changes_nothing():
    short = driver().run(action(steps=63))
    assert short[0].curve.valid_steps == (63,)
    table = compress(SHAPE, 63)[:, None] * np.array([0.003, 0.1])
    alone = SerialPopulation(prepared().setup(3), 2)
    alone.advance(table)
    assert [trial.metrics["loss"] for trial in short] == list(alone.evaluate()["loss"])


@pytest.mark.parametrize(("copies", "steps"), [(1, (20, 40, 80)), (60, (80,))])
def test_large_validation_data_are_judged_on_at_the_end_only(copies, steps):
    """Judging on the way may take a tenth of the training, a step of which counts as three passes."""
    task = Task(
        model=mlp(),
        train=train(),
        valid=tuple(part.repeat(copies, *[1] * (part.ndim - 1)) for part in valid()),
        loss=nn.functional.cross_entropy,
        training=Training(batch_size=16),
    )
    populations = Populations(prepare(task, "momentum"), Verdict(reason="asked for"))
    trials = Driver(populations, SHAPE, lambda state: None, allowance=1000).run(action())
    assert [trial.curve.valid_steps for trial in trials] == [steps, steps]


def test_long_curves_are_thinned():
    curve = driver().run(action(steps=400, lrs=(0.01,)))[0].curve
    assert len(curve.steps) == len(curve.train) == len(curve.lr) == 200
    assert (curve.steps[0], curve.steps[-1]) == (0, 399)
    assert curve.lr == tuple(0.01 * SHAPE[list(curve.steps)])


def test_the_range_test_grows_geometrically():
    work = driver()
    (trial,) = work.run(action(kind="range", rung=-1, lrs=(1e-4, 10.0), steps=40))
    assert trial.kind == "range"
    assert trial.metrics == {}
    assert trial.curve.lr == pytest.approx(tuple(np.geomspace(1e-4, 10.0, 40)))
    assert trial.lr == 10.0
    assert work.spent == {"range": 40, "probe": 0, "confirm": 0}
    assert work.evaluation_forwards == 0
    assert geometric(1.0, 8.0, 4) == pytest.approx([1, 2, 4, 8])


def test_what_is_spent_is_counted_by_kind():
    states = []
    work = driver(watch=states.append)
    work.run(action())
    work.run(action(kind="confirm", lrs=(0.1,), steps=64, seed=4))
    assert work.spent == {"range": 0, "probe": 160, "confirm": 64}
    batches = sum(1 for _ in prepared().valid)
    seen = [2 * len(seen_batches(prepared().train, 0, 80)), len(seen_batches(prepared().train, 4, 64))]
    assert work.evaluation_forwards == (3 * 2 + 3 * 1) * batches + sum(seen)
    assert [state.spent for state in states] == sorted(state.spent for state in states)
    assert states[-1].spent == 224
    assert states[-1].done == 64
    assert states[-1].allowance == 1000
    assert states[-1].action.kind == "confirm"
    assert states[-1].seconds > 0
    assert work.seconds["train"] > 0


def test_a_stop_comes_between_blocks_and_what_was_spent_is_counted():
    def stop(state):
        raise Stopped

    work = driver(watch=stop)
    with pytest.raises(Stopped):
        work.run(action())
    assert 0 < work.spent["probe"] < 160


def test_members_that_died_have_no_metrics():
    first, second = driver().run(action(lrs=(0.01, 1e30)))
    assert math.isfinite(first.metrics["loss"])
    assert set(second.metrics) == {"loss", "accuracy"}
    assert all(math.isnan(value) for value in second.metrics.values())
    assert math.isnan(second.curve.train[-1])
    assert math.isfinite(second.curve.train[0])


def normalised(momentum):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(FEATURES, 8), nn.BatchNorm1d(8, momentum=momentum), nn.ReLU(), nn.Linear(8, 3)
    )


@pytest.mark.parametrize(
    ("momentum", "steps", "again"),
    [
        (0.01, 80, True),
        (0.1, 80, True),
        (0.1, 120, False),
        (0.01, 399, True),
        (0.01, 400, False),
        (0.9, 80, False),
    ],
)
def test_statistics_are_estimated_again_where_they_have_not_arrived(momentum, steps, again):
    """But never at full length: there the model is judged as the user will judge it."""
    model = normalised(momentum)
    (trial,) = driver(model).run(action(lrs=(0.01,), steps=steps))
    alone = SerialPopulation(prepared(model).setup(3), 1)
    alone.advance(compress(SHAPE, steps)[:, None] * 0.01)
    as_is = alone.evaluate()["loss"][0]
    fork = alone.take([0])
    fork.recalibrate(16)
    estimated = fork.evaluate()["loss"][0]
    assert as_is != estimated
    assert trial.metrics["loss"] == (estimated if again else as_is)


def test_estimating_again_does_not_touch_training():
    """Judged three times on the way, the members end where they end without."""
    (trial,) = driver(normalised(0.01)).run(action(lrs=(0.01,)))
    alone = SerialPopulation(prepared(normalised(0.01)).setup(3), 1)
    losses = alone.advance(compress(SHAPE, 80)[:, None] * 0.01)
    assert trial.curve.train == tuple(losses[:, 0])


def test_metrics_see_the_whole_validation_set_and_nothing_else():
    sizes = []

    def counted(outputs, targets):
        sizes.append(len(targets))
        return 0.0

    task = Task(
        model=mlp(),
        train=train(),
        valid=valid(),
        loss=nn.functional.cross_entropy,
        metrics={"counted": counted},
        training=Training(batch_size=16),
    )
    work = Driver(
        Populations(prepare(task, "momentum"), Verdict(reason="asked for")), SHAPE, lambda state: None
    )
    (trial, *_) = work.run(action())
    assert set(sizes) == {len(valid()[1])}
    assert set(trial.metrics) == {"loss", "counted"}
    assert set(trial.seen) == {"loss"}
