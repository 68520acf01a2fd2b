"""The defaults in the table of frameworks, against the frameworks that are installed."""

import inspect
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import optax
import pytest
import torch

from rightrate.errors import ConfigError
from rightrate.optimizers.catalogue import named, names
from rightrate.optimizers.frameworks import FORMS, counterparts
from rightrate.optimizers.rules import Momentum, Rule


def of(framework):
    return [form for form in FORMS.values() if form.framework == framework]


@pytest.mark.parametrize("form", [*of("torch"), *of("optax")], ids=str)
def test_defaults_of_torch_and_optax(form):
    home = torch.optim if form.framework == "torch" else optax
    signature = inspect.signature(getattr(home, form.name)).parameters
    rate = signature["lr" if form.framework == "torch" else "learning_rate"].default
    assert rate == (inspect.Parameter.empty if form.lr is None and rate is not None else form.lr)
    assert {key: signature[key].default for key in form.settings} == dict(form.settings)


@pytest.fixture(scope="module")
def keras_defaults():
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("keras_defaults.py"))],
        input=json.dumps([form.name for form in of("keras")]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("form", of("keras"), ids=str)
def test_defaults_of_keras(form, keras_defaults):
    config = keras_defaults[form.name]
    assert config["learning_rate"] == pytest.approx(form.lr, rel=1e-7)  # kept in single precision
    assert {key: config[key] for key in form.settings} == dict(form.settings)


@pytest.mark.parametrize("form", FORMS.values(), ids=str)
def test_every_form_computes_a_rule_that_each_setting_changes(form):
    assert FORMS[str(form)] is form
    rule = form.rule(**form.settings)
    assert isinstance(rule, Rule)
    for key, value in form.settings.items():
        started = {**form.settings, **({"momentum": 0.5} if "momentum" in form.settings else {})}
        other = {tuple: (0.5, 0.75), bool: value is not True}.get(type(value), 0.75)
        other = 4.5 if key == "threshold" else other
        assert form.rule(**{**started, key: other}) != form.rule(**started), key


def test_the_frameworks_have_what_the_catalogue_has():
    assert [len(of(framework)) for framework in ("torch", "keras", "optax")] == [9, 9, 10]
    for name in names():
        assert FORMS[f"torch.{named(name).torch_class}"].lr == named(name).default_lr
        assert {"torch", "optax"} <= set(counterparts(name)) <= {"torch", "keras", "optax"}
        assert ("keras" in counterparts(name)) == (name != "radam")
    assert counterparts("nesterov")["optax"] == "optax.sgd(momentum=0.9, nesterov=True)"
    assert counterparts("sgd") == {"torch": "torch.SGD", "keras": "keras.SGD", "optax": "optax.sgd"}
    assert counterparts("nadam") == {"torch": "torch.NAdam", "keras": "keras.Nadam", "optax": "optax.nadam"}


def test_no_such_name():
    with pytest.raises(ConfigError, match=r"^counterparts\(name\) must be one of 'sgd', .*, got 'lion'"):
        counterparts("lion")


def test_forms_cannot_be_changed():
    form = FORMS["keras.SGD"]
    assert form.rule(momentum=0.5, nesterov=False) == Momentum(beta=0.5, form="lr-inside")
    with pytest.raises(FrozenInstanceError, match="lr"):
        form.lr = 1.0
