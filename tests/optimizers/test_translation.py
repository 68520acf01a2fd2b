"""Rates in other frameworks: real optimizers with translated rates take the same steps."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.optimizers.rules.awkward import GRADIENTS, START, apart, walk

from rightrate.errors import ConfigError
from rightrate.optimizers import Translation, translate
from rightrate.optimizers.frameworks import FORMS
from rightrate.optimizers.rules import Adam, AdamW, GradientDescent, Momentum, RMSProp
from rightrate.optimizers.spelling import read

LR = 0.05
EXACT = [
    ("torch.SGD", "keras.SGD", 1.0),
    ("torch.SGD", "optax.sgd", 1.0),
    ("torch.SGD(momentum=0.9)", "keras.SGD(momentum=0.9)", 1.0),
    ("torch.SGD(momentum=0.9)", "optax.sgd(momentum=0.9)", 1.0),
    ("torch.SGD(momentum=0.9)", "rules.momentum(form=ema)", 10.0),
    ("rules.momentum(form=ema, beta=0.75)", "keras.SGD(momentum=0.75)", 0.25),
    ("rules.momentum(form=ema, beta=0.75)", "optax.sgd(momentum=0.75)", 0.25),
    ("torch.SGD(momentum=0.8, nesterov=True)", "keras.SGD(momentum=0.8, nesterov=True)", 1.0),
    ("optax.sgd(momentum=0.8, nesterov=true)", "torch.SGD(momentum=0.8, nesterov=True)", 1.0),
    ("keras.SGD(momentum=0.0, nesterov=True)", "rules.gradient_descent", 1.0),
    ("torch.RMSprop", "optax.rmsprop(decay=0.99, eps_in_sqrt=False)", 1.0),
    ("keras.RMSprop(epsilon=1e-8)", "optax.rmsprop", 1.0),
    ("keras.Adagrad", "optax.adagrad", 1.0),
    ("torch.Adagrad(eps=1e-7)", "rules.adagrad(eps=1e-7)", 1.0),
    ("torch.Adadelta", "keras.Adadelta(rho=0.9, epsilon=1e-6)", 1.0),
    ("torch.Adadelta", "optax.adadelta", 1.0),
    ("torch.Adam", "optax.adam", 1.0),
    ("torch.Adam(betas=(0.8, 0.9))", "rules.adam(beta1=0.8, beta2=0.9)", 1.0),
    ("keras.Adam", "rules.adam(eps=1e-7, form='eps-hat')", 1.0),
    ("torch.AdamW", "optax.adamw(weight_decay=0.01)", 1.0),
    ("keras.AdamW(epsilon=1e-5)", "rules.adamw(weight_decay=0.004, eps=1e-5, form='eps-hat')", 1.0),
    ("torch.Adam", "optax.adamw(weight_decay=0.0)", 1.0),
    ("torch.Adamax", "optax.adamax", 1.0),
    ("torch.NAdam(eps=1e-7, momentum_decay=1.0)", "keras.Nadam", 1.0),
    ("keras.Lion", "optax.lion(weight_decay=0.0)", 1.0),
]
DIFFERENT = [
    ("torch.SGD(momentum=0.9)", "torch.SGD", 10.0, "computes Momentum and torch.SGD GradientDescent"),
    ("torch.SGD", "keras.SGD(momentum=0.75)", 0.25, "computes GradientDescent and"),
    (
        "torch.SGD(momentum=0.9)",
        "optax.sgd(momentum=0.5)",
        5.0,
        "Set differently: beta 0.9 and 0.5. No rate",
    ),
    ("torch.SGD(momentum=0.9)", "keras.SGD(momentum=0.9, nesterov=True)", 1.0, "Momentum and .* Nesterov"),
    (
        "torch.RMSprop",
        "keras.RMSprop",
        1.0,
        "Set differently: rho 0.99 and 0.9, eps 1e-08 and 1e-07. No rate",
    ),
    ("torch.RMSprop(alpha=0.9)", "optax.rmsprop", 1.0, r"sqrt\(v\) \+ eps in .*, sqrt\(v \+ eps\) in optax"),
    ("torch.Adagrad", "keras.Adagrad", 1.0, "eps 1e-10 and 1e-07, initial 0 and 0.1. No rate"),
    ("torch.Adagrad", "optax.adagrad", 1.0, r"sqrt\(G\) \+ eps in .*, sqrt\(G \+ eps\) in opt"),
    ("torch.Adadelta", "keras.Adadelta", 1.0, "rho 0.9 and 0.95, eps 1e-06 and 1e-07"),
    ("torch.Adam", "keras.Adam", 1.0, "differently: eps 1e-08 and 1e-07"),
    ("torch.Adam(eps=1e-7)", "keras.Adam", 1.0, r"\(sqrt\(v\) \+ eps\) / sqrt\(1 - beta2\^t\) in keras.Adam"),
    ("torch.Adam", "rules.adam(form=uncorrected)", 1.0, r"rules.adam\(form=uncorrected\) does not correct"),
    ("torch.AdamW", "optax.adamw", 1.0, "weight_decay 0.01 and 0.0001"),
    ("torch.AdamW", "torch.Adam", 1.0, "torch.AdamW has a weight decay of 0.01, torch.Adam none"),
    ("optax.adam", "optax.adamw", 1.0, "optax.adamw has a weight decay of 0.0001, optax.adam none"),
    ("torch.Adamax(eps=1e-7)", "keras.Adamax", 1.0, r"max\(beta2 \* u, abs\(g\) \+ eps\) in .*, u \+ eps in"),
    ("torch.NAdam", "optax.nadam", 1.0, "momentum_decay 0.004 and None"),
    ("torch.RAdam", "optax.radam", 1.0, "eps is in another place"),
    ("torch.Adam", "torch.NAdam", 1.0, "computes Adam and torch.NAdam NAdam"),
]


def settings_of(name):
    """Return the class and the arguments that a name says."""
    _, _, inside = name.partition("(")
    arguments = {} if not inside else eval_arguments(inside[:-1])
    return name.partition("(")[0].split(".", 1), arguments


def eval_arguments(inside):
    made = {}
    exec(f"made.update({inside})", {"true": True}, {"made": made})
    return made


def torch_path(name, lr):
    (_, cls), options = settings_of(name)
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, cls)([x], lr=lr, **options)
    path = []
    for g in GRADIENTS:
        x.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


def optax_path(name, lr):
    import jax
    import optax
    from jax import numpy as jnp

    (_, function), options = settings_of(name)
    with jax.enable_x64(True):
        optimizer = getattr(optax, function)(jnp.asarray(lr), **options)
        x = jnp.asarray(START)
        state, path = optimizer.init(x), []
        for g in GRADIENTS:
            updates, state = optimizer.update(jnp.asarray(g), state, x)
            x = optax.apply_updates(x, updates)
            path.append(np.asarray(x, dtype=np.float64))
    return np.array(path)


def rule_path(name, lr):
    return walk(read("x", name)[1], rates=(lr,) * len(GRADIENTS))


@pytest.fixture(scope="module")
def keras_path():
    """All walks of Keras's optimizers that the table asks for, from one process."""
    wanted = {}
    for source, target, factor in [*EXACT, *(row[:3] for row in DIFFERENT)]:
        wanted |= {(source, LR): None} if source.startswith("keras") else {}
        wanted |= {(target, LR * factor): None} if target.startswith("keras") else {}
    for lr in {lr for _, lr in wanted}:
        rows = [key for key in wanted if key[1] == lr]
        asked = {
            "optimizers": [(settings_of(name)[0][1], settings_of(name)[1]) for name, _ in rows],
            "start": START.tolist(),
            "gradients": GRADIENTS.tolist(),
            "rates": [lr] * len(GRADIENTS),
        }
        done = subprocess.run(
            [sys.executable, str(Path(__file__).parent / "rules" / "keras_walks.py")],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        wanted |= {key: np.array(path) for key, path in zip(rows, json.loads(done.stdout), strict=True)}
    return lambda name, lr: wanted[name, lr]


@pytest.fixture
def path_of(keras_path):
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # torch's NAdam keeps a product in it
    homes = {"torch": torch_path, "optax": optax_path, "rules": rule_path, "keras": keras_path}
    yield lambda name, lr: homes[name.partition(".")[0]](name, lr)
    torch.set_default_dtype(before)


@pytest.mark.parametrize(("source", "target", "factor"), EXACT)
def test_exact_translations_take_the_same_steps(source, target, factor, path_of):
    result = translate(LR, source, target)
    assert result.exact
    assert result.lr == pytest.approx(LR * factor, rel=1e-14)
    assert apart(path_of(source, LR), path_of(target, LR * factor)) < 1e-12
    assert translate(result.lr, target, source).lr == pytest.approx(LR, rel=1e-14)


@pytest.mark.parametrize(("source", "target", "factor", "note"), DIFFERENT)
def test_inexact_translations_say_what_differs(source, target, factor, note, path_of):
    result = translate(LR, source, target)
    assert not result.exact
    assert not translate(LR, target, source).exact
    assert result.lr == pytest.approx(LR * factor, rel=1e-14)
    assert any(re.search(note, line) for line in result.notes), result.notes
    assert apart(path_of(source, LR), path_of(target, LR * factor)) > 1e-9


@pytest.mark.parametrize(
    ("source", "target"),
    [("torch.SGD(momentum=0.9)", "torch.SGD"), ("torch.SGD", "torch.SGD(momentum=0.9, nesterov=True)")],
)
def test_the_factor_is_that_of_a_gradient_that_stays_the_same(source, target):
    last = []
    for name, lr in ((source, LR), (target, translate(LR, source, target).lr)):
        rule, x = read("x", name)[1], np.zeros(1)
        state = rule.init(x)
        for _ in range(500):
            before, (x, state) = x, rule.update(np.ones(1), state, x, lr)
        last.append(float(before[0] - x[0]))
    assert last[0] == pytest.approx(last[1], rel=1e-10)


def test_a_schedule_breaks_what_is_exact_between_velocities_with_and_without_the_rate():
    result = translate(LR, "torch.SGD(momentum=0.9)", "keras.SGD(momentum=0.9)")
    assert "Under a schedule they differ: keras.SGD(momentum=0.9) keeps" in result.notes[0]
    back = translate(LR, "keras.SGD(momentum=0.9)", "torch.SGD(momentum=0.9)")
    assert "Under a schedule they differ: keras.SGD(momentum=0.9) keeps" in back.notes[0]
    assert apart(walk(Momentum()), walk(Momentum(form="lr-inside"))) > 1e-3
    assert not any("schedule" in note for note in translate(LR, "torch.SGD", "keras.SGD").notes)
    assert translate(LR, "torch.SGD(momentum=0.9)", "rules.momentum(form=ema)").notes == ()
    factor = translate(1.0, Momentum(), Momentum(form="ema")).lr
    falling = (0.1, 0.1, 0.02, 0.3, 0.3, 0.05, 0.1, 0.01)
    same = walk(Momentum(form="ema"), rates=tuple(factor * lr for lr in falling))
    assert apart(walk(Momentum(), rates=falling), same) < 1e-12


@given(st.sampled_from([*EXACT, *(row[:3] for row in DIFFERENT)]), st.floats(1e-12, 1e6))
def test_there_and_back_is_the_same_rate(row, lr):
    there = translate(lr, row[0], row[1])
    assert translate(there.lr, row[1], row[0]).lr == pytest.approx(lr, rel=1e-14)


@given(st.sampled_from(sorted(FORMS)), st.floats(1e-12, 1e6))
def test_to_itself_is_exact(name, lr):
    result = translate(lr, name, name)
    assert (result.lr, result.exact, result.notes) == (lr, True, ())


def test_defaults_that_differ_are_said():
    notes = translate(1.0, "torch.Adadelta", "keras.Adadelta").notes
    assert notes[-1] == "Left out, the rate is 1 in torch.Adadelta and 0.001 in keras.Adadelta."
    assert not any("Left out" in note for note in translate(1.0, "torch.Adam", "keras.Adam").notes)
    assert not any("Left out" in note for note in translate(1.0, "torch.SGD", "optax.sgd").notes)


def test_without_eps_its_place_makes_no_difference():
    for name, other in (
        ("torch.Adam(eps=0.0)", "keras.Adam(epsilon=0.0)"),
        ("torch.RAdam(eps=0.0)", "optax.radam(eps=0.0)"),
        ("torch.Adamax(eps=0.0)", "keras.Adamax(epsilon=0.0)"),
        ("torch.AdamW(eps=0.0)", "keras.AdamW(epsilon=0.0, weight_decay=0.01)"),
        ("torch.RMSprop(eps=0.0, alpha=0.9)", "keras.RMSprop(epsilon=0.0)"),
        ("torch.Adagrad(eps=0.0, initial_accumulator_value=0.1)", "keras.Adagrad(epsilon=0.0)"),
    ):
        assert translate(1.0, name, other).exact, name


def test_the_result_for_people_and_machines():
    result = translate(0.5, "torch.SGD(momentum=0.75)", "torch.SGD(momentum=0.5)")
    note = (
        "Set differently: beta 0.75 and 0.5. No rate makes up for that; set them alike where they can be set."
    )
    first = "torch.SGD(momentum=0.5) with lr 1 comes nearest to torch.SGD(momentum=0.75)."
    assert str(result) == f"{first}\n- {note}"
    assert json.loads(json.dumps(result.to_dict())) == {
        "lr": 1.0,
        "exact": False,
        "notes": [note],
        "source": "torch.SGD(momentum=0.75)",
        "target": "torch.SGD(momentum=0.5)",
    }
    assert result == Translation(**{**result.to_dict(), "notes": tuple(result.notes)})


def test_rules_and_catalogue_names():
    assert translate(0.01, Momentum(), "rules.momentum(form=ema)").lr == pytest.approx(0.1)
    assert translate(0.01, "momentum", "keras.SGD(momentum=0.9)").source == "torch.SGD(momentum=0.9)"
    assert translate(0.01, GradientDescent(), "sgd").exact
    assert translate(0.01, AdamW(weight_decay=0.0), Adam()).exact


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), True])
def test_rates_are_positive(lr):
    with pytest.raises(ConfigError, match=r"translate\(lr=...\) must be a finite number > 0, got"):
        translate(lr, "torch.SGD", "keras.SGD")


@pytest.mark.parametrize(
    ("source", "target"),
    [("torch.SGD", "torch.Adam"), ("torch.RMSprop", "keras.Adam"), ("keras.Adam", "keras.Lion")],
)
def test_rates_that_have_nothing_to_do_with_each_other(source, target):
    message = (
        rf"must be a rule whose steps are in proportion to those of {source}, got '{target}'. Their rates"
    )
    with pytest.raises(ConfigError, match=message):
        translate(0.1, source, target)


def test_a_wrong_argument_is_named():
    with pytest.raises(ConfigError, match=r"translate\(target=...\) must be an optimizer of .*'torch.Foo'"):
        translate(0.1, RMSProp(), "torch.Foo")


def test_a_rate_beyond_every_number_is_refused() -> None:
    message = r"^translate\(lr=\.\.\.\): the rate in the target must be a finite number > 0, got inf\.$"
    with pytest.raises(ConfigError, match=message):
        translate(1e308, "torch.SGD(momentum=0.9)", "torch.SGD")
