import copy
import pickle
import subprocess
import sys

import pytest
import torch

from rightrate.errors import ConfigError, TaskError
from rightrate.tasks import infos, load, names

QUICK = ("digits", "digits-cnn", "cancer", "wine", "diabetes")


def test_listing_imports_nothing_heavy():
    code = (
        "import sys, rightrate.tasks as t; t.infos(); t.names(); "
        "print([m for m in ('torch', 'numpy', 'pandas', 'sklearn', 'pyfiglet') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_infos_say_all_there_is_to_say():
    assert tuple(info.name for info in infos()) == names()
    assert len(set(names())) == len(names())
    for info in infos():
        assert info.description
        assert info.source
        assert info.steps is not None
        assert info.steps >= 1000


@pytest.mark.parametrize("name", QUICK)
def test_a_task_is_the_same_every_time_and_its_seed_moves_the_split(name):
    first, again, other = load(name), load(name, seed=0), load(name, seed=1)
    for side in ("train", "valid"):
        for one, two in zip(getattr(first, side), getattr(again, side), strict=True):
            assert torch.equal(one, two)
    assert not torch.equal(first.train[0], other.train[0])


@pytest.mark.parametrize("name", QUICK)
def test_weights_depend_on_the_torch_seed_alone_and_the_builder_travels(name):
    task = load(name)
    builder = pickle.loads(pickle.dumps(copy.deepcopy(task.model)))
    states = []
    for build in (task.model, builder):
        torch.manual_seed(3)
        states.append(build().state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize("name", QUICK)
def test_shapes_types_loss_and_metrics_fit_together(name):
    task = load(name)
    x, y = task.train
    assert x.dtype == torch.float32
    assert y.dtype == (torch.float32 if name == "diabetes" else torch.int64)
    assert len(task.valid[0]) >= 0.29 * (len(x) + len(task.valid[0]))
    torch.manual_seed(0)
    model = task.model().eval()
    output = model(task.valid[0])
    assert torch.isfinite(task.loss(output, task.valid[1]))
    assert all(isinstance(metric(output, task.valid[1]), float) for metric in task.metrics.values())


@pytest.mark.parametrize("name", QUICK)
def test_training_and_validation_share_no_row(name):
    task = load(name)
    train = {row.numpy().tobytes() for row in task.train[0]}
    assert not train & {row.numpy().tobytes() for row in task.valid[0]}


@pytest.mark.parametrize("name", ["cancer", "wine", "diabetes"])
def test_features_are_standardised_with_training_rows_alone(name):
    x = load(name).train[0].double()
    torch.testing.assert_close(x.mean(0), torch.zeros_like(x[0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(0, correction=0), torch.ones_like(x[0]), atol=1e-5, rtol=0)


def test_the_regression_target_is_standardised_with_training_rows_alone():
    y = load("diabetes").train[1].double()
    assert abs(float(y.mean())) < 1e-6
    assert abs(float(y.std(correction=0)) - 1) < 1e-6


@pytest.mark.parametrize("name", QUICK)
def test_loss_and_model_run_under_vmap(name):
    task = load(name)
    torch.manual_seed(0)
    members = [task.model() for _ in range(2)]
    params, buffers = torch.func.stack_module_state(members)
    x, y = task.train[0][:8], task.train[1][:8]

    def loss(parameters, state):
        return task.loss(torch.func.functional_call(members[0], (parameters, state), (x,)), y)

    losses = torch.func.vmap(loss, randomness="same")(params, buffers)
    for member in members:
        member.eval()
    assert losses.shape == (2,)
    assert torch.isfinite(losses).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "metric", "least"),
    [
        ("digits", "accuracy", 0.95),
        ("cancer", "accuracy", 0.93),
        ("wine", "accuracy", 0.93),
        ("diabetes", "r2", 0.3),
    ],
)
def test_a_plain_run_learns(name, metric, least):
    task = load(name)
    torch.manual_seed(0)
    model = task.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    x, y = task.train
    generator = torch.Generator().manual_seed(0)
    for _ in range(task.info.steps):
        rows = torch.randint(len(y), (task.training.batch_size,), generator=generator)
        optimizer.zero_grad()
        task.loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        assert task.metrics[metric](model.eval()(task.valid[0]), task.valid[1]) >= least


def test_an_unknown_name_lists_the_names_and_the_closest():
    with pytest.raises(TaskError, match=r"one of 'digits', .*got 'digit'. Did you mean 'digits'\?"):
        load("digit")
    with pytest.raises(TaskError, match=r"got 'zzzz'\.$"):
        load("zzzz")


def test_a_negative_seed_is_refused():
    with pytest.raises(ConfigError, match=r"load\(seed=...\) must be an integer >= 0, got -1"):
        load("wine", seed=-1)
