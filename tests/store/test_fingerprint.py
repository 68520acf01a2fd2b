"""A changed task is noticed part by part; the same task is the same in another process."""

import functools
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from tests.store.crash_child import task
from torch import nn

from rightrate.population.prepare import prepare
from rightrate.store.fingerprint import fingerprint


def digests(changed=None, optimizer="adamw", seed=0, more=None, **options):
    return fingerprint(prepare(changed or task(), optimizer, options=options), seed, more or {})


def parts_that_differ(**changes):
    before, now = digests(), digests(**changes)
    return {name for name in before if before[name] != now[name]}


def test_another_process_finds_the_same():
    script = "import json\nfrom tests.store.test_fingerprint import digests\nprint(json.dumps(digests()))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == digests()


def other_loss(output, target):
    return nn.functional.cross_entropy(output, target, label_smoothing=0.1)


def smoothed(amount):
    return lambda output, target: nn.functional.cross_entropy(output, target, label_smoothing=amount)


def with_model(build):
    return replace(task(), model=build)


def with_label(number):
    own = task()
    inputs, classes = own.train
    classes = classes.clone()
    classes[number] = (classes[number] + 1) % 3
    return replace(own, train=(inputs, classes))


@pytest.mark.parametrize(
    ("changes", "differ"),
    [
        ({}, set()),
        ({"seed": 1}, {"model", "training data"}),
        ({"optimizer": "sgd"}, {"optimizer"}),
        ({"weight_decay": 0.5}, {"optimizer"}),
        ({"changed": replace(task(), loss=other_loss)}, {"loss"}),
        ({"changed": with_label(150)}, {"training data"}),
        ({"changed": replace(task(), metrics={"one": lambda outputs, targets: 1.0})}, {"metrics"}),
        ({"changed": with_model(lambda: nn.Linear(6, 3))}, {"model", "optimizer"}),
    ],
)
def test_what_is_changed_is_what_differs(changes, differ):
    assert parts_that_differ(**changes) == differ


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (smoothed(0.1), smoothed(0.2)),
        (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)),
        (functools.partial(other_loss), functools.partial(smoothed(0.1))),
    ],
)
def test_what_a_loss_closes_over_counts(one, other):
    first, second = (digests(replace(task(), loss=loss))["loss"] for loss in (one, other))
    assert first != second


def test_settings_of_layers_count():
    def build(chance):
        def made():
            return nn.Sequential(nn.Linear(6, 3), nn.Dropout(chance))

        return made

    assert digests(with_model(build(0.1)))["model"] != digests(with_model(build(0.2)))["model"]


def test_further_parts_have_names_of_their_own():
    found = digests(more={"schedule": torch.ones(3)})
    assert found["schedule"] != digests(more={"schedule": torch.zeros(3)})["schedule"]
    assert "schedule" not in digests()
