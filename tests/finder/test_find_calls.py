"""Every way to call `find`."""

import functools
import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from tests.finder.small import BATCH, find, mlp, train, valid
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import rightrate as rr
from rightrate.errors import ConfigError, DataError, ModelError
from rightrate.schedules import Cosine, Linear, resolve
from rightrate.search.space import Action

cross_entropy = nn.functional.cross_entropy


def accuracy(outputs, targets):
    return float((outputs.argmax(1) == targets).double().mean())


def answers(result):
    """What two equal searches have in common."""
    return result.lr, result.low, result.high, result.max_stable, result.status


@pytest.fixture(scope="module")
def plain():
    return find()


def sensible(result):
    assert 1e-3 < result.lr < 1
    assert result.low <= result.lr <= result.high
    return result


# Models and tasks


def test_the_same_question_has_the_same_answer(plain):
    sensible(plain)
    again = find()
    assert answers(again) == answers(plain)
    assert [trial.metrics for trial in again.record.trials] == [
        trial.metrics for trial in plain.record.trials
    ]


def test_another_seed_sees_other_batches(plain):
    assert find(seed=1).record.trials[-1].metrics != plain.record.trials[-1].metrics


def test_a_function_that_builds_the_model():
    built = []

    def build():
        built.append(1)
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))

    torch.manual_seed(0)
    first = find(build)
    torch.manual_seed(1)
    assert built
    sensible(first)
    assert answers(find(build)) == answers(first)  # weights come from find's seed, not from the caller's
    assert first.record.settings.task == "build"


def test_a_task_and_what_replaces_its_parts(plain):
    task = rr.Task(
        model=mlp(),
        train=train(),
        valid=valid(),
        loss=cross_entropy,
        metrics={"accuracy": accuracy},
        training=rr.Training(batch_size=BATCH),
        info=rr.TaskInfo(name="blobs", steps=300, notes=("Made up.",)),
    )
    result = rr.find(task, engine="serial")
    assert answers(result) == answers(plain)
    assert result.record.settings.task == "blobs"
    assert "Made up." in result.reasons
    assert "The run's length is the task's own, 300 steps." in result.reasons
    other = rr.find(task, engine="serial", objective="accuracy:max", batch_size=32, steps=200)
    assert other.record.settings.objective == "accuracy"
    assert other.record.settings.steps == 200
    assert task.training.batch_size == BATCH
    assert task.objective.name == "loss"


def test_a_built_in_name():
    result = rr.find("wine", steps=200, engine="serial")
    assert result.record.settings.task == "wine"
    assert result.low <= result.lr <= result.high


@pytest.mark.parametrize("engine", ["auto", "stacked"])
def test_the_engines_agree(engine, plain):
    # Float32 trajectories drift apart at high rates; the answers lie close together all the same.
    assert find(engine=engine).lr == pytest.approx(plain.lr, rel=0.3)


# Data


def pairs():
    return TensorDataset(*train())


class OwnSampler:
    """Every other sample, backwards."""

    def __iter__(self):
        return iter(range(238, -1, -2))

    def __len__(self):
        return 120


def collate(samples):
    inputs, classes = zip(*samples, strict=True)
    return torch.stack(inputs), torch.stack(classes)


class Batches:
    """Can be iterated again and again; knows no length."""

    def __iter__(self):
        inputs, classes = train()
        return zip(inputs.split(BATCH), classes.split(BATCH), strict=True)


@pytest.mark.parametrize(
    "data",
    [
        tuple(part.numpy() for part in train()),
        pairs(),
        [(x, int(y)) for x, y in zip(*train(), strict=True)],
        DataLoader(pairs(), batch_size=BATCH, shuffle=True),
        DataLoader(pairs(), batch_size=BATCH, sampler=OwnSampler()),
        DataLoader(pairs(), batch_size=BATCH, collate_fn=collate, shuffle=True),
        [(x, y) for x, y in Batches()],
        Batches(),
    ],
    ids=["arrays", "dataset", "samples", "loader", "sampler", "collate", "batches", "iterable"],
)
def test_kinds_of_data(data):
    sensible(find(data=data))


def test_arrays_are_tensors(plain):
    data = tuple(part.numpy() for part in train())
    held = tuple(part.numpy() for part in valid())
    assert answers(find(data=data, held=held)) == answers(plain)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_loader_with_workers():
    def loader(workers):
        return DataLoader(pairs(), batch_size=BATCH, shuffle=True, num_workers=workers, collate_fn=collate)

    assert answers(find(data=loader(1), steps=60)) == answers(find(data=loader(0), steps=60))


class Dicts(Dataset):
    def __init__(self, inputs, classes):
        self.rows = [{"x": x, "y": y} for x, y in zip(inputs, classes, strict=True)]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def step(model, batch):
    return cross_entropy(model(batch["x"]), batch["y"])


def test_dict_batches_with_a_step():
    data, held = Dicts(*train()), Dicts(*valid())
    result = sensible(
        find(data=DataLoader(data, batch_size=BATCH, shuffle=True), held=held, loss=..., step=step)
    )
    arrays = [dict(zip("xy", part(), strict=True)) for part in (train, valid)]
    assert sensible(find(data=arrays[0], held=arrays[1], loss=..., step=step)).record.levels.untrained == (
        pytest.approx(result.record.levels.untrained)
    )


def test_a_plain_iterator_is_refused():
    with pytest.raises(DataError, match=r"find\(train=.*It can be read only once: pass list"):
        find(data=iter(Batches()))


def test_nothing_to_validate_on_is_held_out():
    result = rr.find(
        mlp(), train(), loss=cross_entropy, optimizer="adamw", steps=300, batch_size=BATCH, engine="serial"
    )
    sensible(result)
    assert "A fifth of the training data was held out for validation." in result.reasons


# Objectives


def test_metrics_and_an_objective_that_grows(plain):
    result = sensible(find(metrics={"accuracy": accuracy}, objective="accuracy:max"))
    settings, levels = result.record.settings, result.record.levels
    assert (settings.objective, settings.direction) == ("accuracy", "max")
    assert levels.untrained < 0.6 < 0.9 < levels.best <= 1
    probes = result.trials[result.trials.kind == "probe"]
    assert {"loss", "accuracy"} <= set(probes.columns)
    assert levels.best == probes.accuracy.max()
    assert any("validation accuracy" in reason for reason in result.reasons)


def test_a_metric_that_shrinks_is_the_loss_again(plain):
    metrics = {"entropy": lambda outputs, targets: float(cross_entropy(outputs, targets))}
    assert find(metrics=metrics, objective=("entropy", "min")).lr == pytest.approx(plain.lr, rel=1e-3)


def test_a_metric_turned_round_has_the_same_answer(plain):
    metrics = {"minus": lambda outputs, targets: -float(cross_entropy(outputs, targets))}
    assert find(metrics=metrics, objective="minus:max").lr == pytest.approx(plain.lr, rel=1e-3)


# Optimizers


class GroupedSGD:
    """f(module) with groups: the last layer ten times faster, biases not decayed."""

    def __call__(self, module):
        first, last = module[0], module[2]
        return torch.optim.SGD(
            [{"params": first.parameters()}, {"params": last.parameters(), "lr": 0.1}],
            lr=0.01,
            momentum=0.9,
        )


@pytest.mark.parametrize(
    ("optimizer", "label"),
    [
        ("sgd", "sgd"),
        ("adagrad", "adagrad"),
        (torch.optim.SGD, "SGD"),
        (torch.optim.Adam, "Adam"),
        (functools.partial(torch.optim.SGD, momentum=0.9), "SGD(momentum=0.9)"),
        (GroupedSGD(), "GroupedSGD"),
    ],
)
def test_kinds_of_optimizers(optimizer, label):
    result = find(optimizer=optimizer)
    assert result.record.settings.optimizer == label
    assert 1e-4 < result.lr < 10


def test_options_of_a_named_optimizer():
    options = {"momentum": 0.9}
    by_name = find(optimizer="sgd", optimizer_options=options)
    assert by_name.record.settings.optimizer == "sgd(momentum=0.9)"
    assert answers(by_name) == answers(find(optimizer="momentum"))


def test_a_bound_optimizer_is_read_and_never_stepped(monkeypatch):
    model = mlp()
    optimizer = torch.optim.SGD(
        [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.1}],
        lr=0.01,
        momentum=0.9,
    )
    model(torch.ones(4, 6)).sum().backward()
    optimizer.step()
    before = [value["momentum_buffer"].clone() for value in optimizer.state.values()]
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    grads = [parameter.grad.clone() for parameter in model.parameters()]

    def stepped(*_):
        raise AssertionError("The caller's optimizer was stepped.")

    monkeypatch.setattr(optimizer, "step", stepped)
    result = find(model, optimizer=optimizer)
    after = [value["momentum_buffer"] for value in optimizer.state.values()]
    assert all(map(torch.equal, before, after))
    assert all(map(torch.equal, weights, model.parameters()))
    assert all(torch.equal(grad, p.grad) for grad, p in zip(grads, model.parameters(), strict=True))
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.1]
    built, _ = result.build(model)
    ratios = [group["lr"] / result.lr for group in built.param_groups]
    assert ratios == pytest.approx([1.0, 10.0])


# Lengths and schedules


def test_epochs_are_counted_in_batches():
    result = find(steps=..., epochs=20)
    assert result.record.settings.steps == 20 * (240 // BATCH)
    assert not any("assumed" in reason for reason in result.reasons)
    accumulated = find(steps=..., epochs=20, batch_size=..., training=rr.Training(batch_size=8, accumulate=2))
    assert accumulated.record.settings.steps == 20 * (240 // 16)


def test_ten_epochs_are_assumed_and_said():
    result = find(steps=...)
    assert result.record.settings.steps == 150
    assert "Neither steps nor epochs were given: 10 epochs, 150 steps, were assumed." in result.reasons


def half(step):
    return 1.0 if step < 150 else 0.5


@pytest.mark.parametrize(
    ("schedule", "named"),
    [
        ("linear", "linear"),
        ("cosine", "cosine"),
        (Linear(total_steps=300), "linear(300)"),
        (Cosine(total_steps=300, warmup_steps=30), "cosine(300, warmup_steps=30)"),
        ("warmup(30) + cosine(270)", "warmup(30) + cosine(270)"),
        (half, "half"),
    ],
)
def test_schedules(schedule, named):
    result = sensible(find(schedule=schedule))
    assert result.record.settings.schedule.startswith(named)
    last = next(trial for trial in reversed(result.record.trials) if trial.kind != "range")
    shape = schedule if callable(schedule) else resolve(schedule, total_steps=300)
    assert last.curve.lr[-1] == pytest.approx(last.lr * shape(299))
    assert max(last.curve.lr) == pytest.approx(last.lr)


# Training


@pytest.mark.parametrize(
    "training",
    [
        rr.Training(batch_size=8, accumulate=2),
        rr.Training(batch_size=BATCH, clip_norm=0.1),
        rr.Training(batch_size=BATCH, autocast="bfloat16"),
        rr.Training(batch_size=BATCH, device="cpu"),
    ],
    ids=["accumulate", "clip", "autocast", "device"],
)
def test_training_options(training):
    sensible(find(training=training, batch_size=...))


def test_clipping_changes_what_is_measured():
    # With plain SGD a clipped gradient takes a higher rate to get as far.
    assert find(
        optimizer="sgd", batch_size=..., training=rr.Training(batch_size=BATCH, clip_norm=0.01)
    ).lr > (3 * find(optimizer="sgd").lr)


def test_progress_is_told():
    seen = []
    result = find(progress=seen.append)
    assert [state.spent for state in seen] == sorted(state.spent for state in seen)
    assert seen[-1].spent == sum(result.cost.steps.values()) <= seen[-1].allowance == 300
    assert seen[-1].done == seen[-1].action.steps
    assert {state.action.kind for state in seen} >= {"range", "probe"}


# Mistakes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 0}, r"find\(budget=\.\.\.\) must be .*, got 0\."),
        ({"tolerance": 0.9}, r"find\(tolerance=\.\.\.\) must be .*, got 0\.9\."),
        ({"seed": -1}, r"find\(seed=\.\.\.\) must be an integer >= 0, got -1\."),
        ({"engine": "gpu"}, r"find\(engine=\.\.\.\) must be one of 'auto', 'serial', 'stacked', got 'gpu'\."),
        ({"steps": 0}, r"find\(steps=\.\.\.\) must be an integer >= 1, got 0\. Count optimizer steps\."),
        (
            {"epochs": 3},
            r"find\(steps=\.\.\., epochs=\.\.\.\) must be given as one of the two, got \(300, 3\)\.",
        ),
        ({"steps": ..., "epochs": 0}, r"find\(epochs=\.\.\.\) must be .*, got 0\."),
        ({"schedule": "cosin"}, r"find\(schedule=\.\.\.\) must be one of 'constant', 'linear', 'cosine'"),
        (
            {"schedule": Cosine(peak=0.1, total_steps=300)},
            r"must be a shape with peak 1, got Cosine\(peak=0\.1",
        ),
        (
            {"schedule": "0.1 * cosine(300)"},
            r"^find\(schedule=\.\.\.\) must be a shape with peak 1, got '0\.1",
        ),
        ({"schedule": "cosine(300"}, r"^find\(schedule=\.\.\.\) at position 11 must be ',' or '\)', got the"),
        ({"schedule": "step"}, r"got 'step'\. Write it out: 'step\(1000, every_steps=\.\.\.\)'\."),
        ({"optimizer": "adamz"}, r"adamz"),
        ({"optimizer_options": [1]}, r"find\(optimizer_options=\.\.\.\) must be a mapping of argument names"),
        (
            {"optimizer_options": {1: 2}},
            r"find\(optimizer_options=\.\.\.\) must be a mapping of argument names",
        ),
        ({"objective": "accuracy"}, r"Write 'accuracy:max'"),
        ({"objective": "accuracy:max"}, r"must be one of 'loss', got 'accuracy'\."),
        ({"loss": ...}, r"given as exactly one of loss=.*, got 'neither'\."),
        ({"step": step}, r"given as exactly one of loss=.*, got 'both'\."),
    ],
)
def test_mistakes(settings, message):
    with pytest.raises(ConfigError, match=message):
        find(**settings)


def test_missing_data():
    with pytest.raises(ConfigError, match=r"find\(train=\.\.\.\) must be training data, got None\."):
        rr.find(mlp(), loss=cross_entropy)


@pytest.mark.parametrize("name", ["train", "valid", "loss", "step", "metrics"])
def test_a_task_brings_its_own_parts(name):
    with pytest.raises(ConfigError, match=rf"find\({name}=\.\.\.\) must be left out where a task is given"):
        rr.find("wine", **{name: {"a": 1}})


def test_data_of_unknown_length_need_steps():
    with pytest.raises(
        ConfigError, match=r"find\(steps=\.\.\.\) must be given, got None\. The training data"
    ):
        find(data=Batches(), steps=...)


def test_a_function_that_builds_no_model():
    with pytest.raises(ModelError, match=r"a function that returns a torch\.nn\.Module, got 3\."):
        find(lambda: 3)


def test_array_scalars_are_lengths():
    assert find(steps=np.int64(60)).record.settings.steps == 60


def test_a_schedule_says_how_long_the_run_is():
    assert find(steps=None, schedule=Cosine(total_steps=240)).record.settings.steps == 240


def test_a_text_says_how_long_the_run_is():
    assert find(steps=None, schedule="warmup(20)+cosine(220)").record.settings.steps == 240


def test_a_schedule_of_another_length_than_epochs_is_refused():
    with pytest.raises(
        ConfigError,
        match=r"find\(schedule=\.\.\.\) must be a schedule of 300 steps, as epochs= says, got Cosine",
    ):
        find(steps=None, epochs=20, schedule="cosine(200)")
    assert find(steps=None, epochs=4, schedule="cosine(60)").record.settings.steps == 60


def test_a_schedule_of_another_length_than_steps_is_refused():
    with pytest.raises(
        ConfigError, match=r"schedule of 300 steps, as steps= says, got Cosine.*total_steps=200"
    ):
        find(steps=300, schedule=Cosine(total_steps=200))


@dataclass(frozen=True, kw_only=True)
class Two:
    """Two rates, once."""

    def start(self, space):
        return {"over": False}

    def decide(self, state, observations):
        action = Action(kind="probe", rung=0, lrs=(1e-3, 1e-2), steps=100, seed=0)
        return ((), state) if state["over"] else ((action,), {"over": True})


def test_a_strategy_of_ones_own_decides_what_is_tried():
    tried = find(strategy=Two()).trials
    assert tried[tried.kind == "probe"].lr.tolist() == [1e-3, 1e-2]


@dataclass(frozen=True, kw_only=True)
class Asked(Two):
    """Tells what it is asked."""

    spaces: list = field(default_factory=list)

    def start(self, space):
        self.spaces.append(space)
        return super().start(space)


def test_a_start_that_is_not_finite_is_no_level_to_measure_from():
    def capped(outputs, targets):
        value = float(cross_entropy(outputs, targets))
        return value if value < 1.12 else math.inf

    asked, blind = Asked(), Asked()
    find(strategy=asked)
    assert asked.spaces[0].start > asked.spaces[0].untrained
    find(strategy=blind, metrics={"capped": capped}, objective=("capped", "min"))
    assert blind.spaces[0].start is None
    assert blind.spaces[0].untrained == pytest.approx(asked.spaces[0].untrained)
