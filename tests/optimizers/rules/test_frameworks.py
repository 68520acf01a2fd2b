"""The rules against torch, Keras and optax: eight double-precision steps on awkward gradients."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.optimizers.rules.awkward import GRADIENTS, RATES, START, apart, walk

from rightrate.optimizers.rules import (
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    GradientDescent,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    RAdam,
    RMSProp,
    Rule,
)
from rightrate.optimizers.rules.momentum import MomentumState
from rightrate.schedules import FloatArray

SAME = 1e-12
"""Relative; both sides compute in double precision, in another order."""

TORCH: list[tuple[str, Rule, dict[str, Any]]] = [
    ("SGD", GradientDescent(), {}),
    ("SGD", Momentum(beta=0.8), {"momentum": 0.8}),
    ("SGD", Nesterov(beta=0.8), {"momentum": 0.8, "nesterov": True}),
    ("Adagrad", Adagrad(), {}),
    ("Adagrad", Adagrad(initial=0.3, eps=1e-4), {"initial_accumulator_value": 0.3, "eps": 1e-4}),
    ("RMSprop", RMSProp(rho=0.99), {}),
    ("Adadelta", Adadelta(), {}),
    ("Adam", Adam(), {}),
    ("Adam", Adam(beta1=0.7, beta2=0.8, eps=1e-3), {"betas": (0.7, 0.8), "eps": 1e-3}),
    ("AdamW", AdamW(), {}),
    ("AdamW", AdamW(weight_decay=0.4), {"weight_decay": 0.4}),
    ("Adamax", Adamax(), {}),
    ("Adamax", Adamax(beta1=0.6, beta2=0.7), {"betas": (0.6, 0.7)}),
    ("RAdam", RAdam(form="eps-hat"), {}),
    ("RAdam", RAdam(beta2=0.9, form="eps-hat"), {"betas": (0.9, 0.9)}),
]

KERAS: list[tuple[str, Rule, dict[str, Any]]] = [
    ("SGD", GradientDescent(), {}),
    ("SGD", Momentum(beta=0.8, form="lr-inside"), {"momentum": 0.8}),
    ("SGD", Nesterov(beta=0.8, form="lr-inside"), {"momentum": 0.8, "nesterov": True}),
    ("Adagrad", Adagrad(eps=1e-7, eps_place="inside", initial=0.1), {}),
    ("RMSprop", RMSProp(rho=0.9, eps=1e-7, eps_place="inside"), {}),
    ("Adadelta", Adadelta(rho=0.95, eps=1e-7), {}),
    ("Adam", Adam(eps=1e-7, form="eps-hat"), {}),
    ("AdamW", AdamW(weight_decay=0.004, adam=Adam(eps=1e-7, form="eps-hat")), {}),
    ("Adamax", Adamax(eps=1e-7, eps_place="denominator"), {}),
    ("Nadam", NAdam(eps=1e-7, momentum_decay=1.0), {}),
    ("Lion", Lion(), {}),
    ("Lion", Lion(weight_decay=0.4), {"weight_decay": 0.4}),
]

OPTAX: list[tuple[str, Rule, dict[str, Any]]] = [
    ("sgd", GradientDescent(), {}),
    ("sgd", Momentum(beta=0.8), {"momentum": 0.8}),
    ("sgd", Nesterov(beta=0.8), {"momentum": 0.8, "nesterov": True}),
    ("adagrad", Adagrad(eps=1e-7, eps_place="inside", initial=0.1), {}),
    ("rmsprop", RMSProp(rho=0.9, eps=1e-8, eps_place="inside"), {}),
    ("rmsprop", RMSProp(rho=0.9, eps=1e-8), {"eps_in_sqrt": False}),
    ("adadelta", Adadelta(), {}),
    ("adam", Adam(), {}),
    ("adamw", AdamW(weight_decay=1e-4), {}),
    ("adamax", Adamax(), {}),
    ("nadam", NAdam(momentum_decay=None), {}),
    ("radam", RAdam(), {}),
    ("radam", RAdam(beta2=0.9, threshold=4.5), {"b2": 0.9, "threshold": 4.5}),
    ("lion", Lion(weight_decay=1e-3), {}),
]


def names(rows: list[tuple[str, Rule, dict[str, Any]]]) -> list[str]:
    return [f"{name}-{rule}" for name, rule, _ in rows]


def torch_walk(name: str, options: dict[str, Any]) -> FloatArray:
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([x], lr=1.0, **options)
    path = []
    for g, lr in zip(GRADIENTS, RATES, strict=True):
        optimizer.param_groups[0]["lr"] = lr
        x.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


def optax_walk(made: Callable[[Callable[[Any], Any]], Any]) -> FloatArray:
    """Return the walk of `made(schedule)`, an optax transformation."""
    import jax
    import optax
    from jax import numpy as jnp

    with jax.enable_x64(True):
        rates = jnp.asarray(RATES)
        optimizer = made(lambda count: rates[count])
        x = jnp.asarray(START)
        state, path = optimizer.init(x), []
        for g in GRADIENTS:
            updates, state = optimizer.update(jnp.asarray(g), state, x)
            x = optax.apply_updates(x, updates)
            path.append(np.asarray(x, dtype=np.float64))
        assert x.dtype == jnp.float64
    return np.array(path)


@pytest.fixture
def double_precision() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(scope="module")
def keras_walks() -> list[FloatArray]:
    asked = {
        "optimizers": [(name, options) for name, _, options in KERAS],
        "start": START.tolist(),
        "gradients": GRADIENTS.tolist(),
        "rates": RATES,
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("keras_walks.py"))],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [np.array(path) for path in json.loads(done.stdout)]


@pytest.mark.parametrize(("name", "rule", "options"), TORCH, ids=names(TORCH))
def test_torch(name: str, rule: Rule, options: dict[str, Any]) -> None:
    assert apart(walk(rule), torch_walk(name, options)) < SAME


@pytest.mark.parametrize("momentum_decay", [0.004, 0.5])
def test_torch_nadam_where_double_precision_is_the_default(
    momentum_decay: float, double_precision: None
) -> None:
    made = torch_walk("NAdam", {"momentum_decay": momentum_decay})
    assert apart(walk(NAdam(momentum_decay=momentum_decay)), made) < SAME


@pytest.mark.parametrize("momentum_decay", [0.004, 0.5])
def test_torch_nadam_rounds_its_product_to_single_precision(momentum_decay: float) -> None:
    rule, x, state, path = NAdam(momentum_decay=momentum_decay), START, NAdam().init(START), []
    product = np.float32(1.0)
    for g, lr in zip(GRADIENTS, RATES, strict=True):
        mu = 0.9 * (1 - 0.5 * 0.96 ** ((state.t + 1) * momentum_decay))
        product = np.float32(product * np.float32(mu))
        x, state = rule.update(g, replace(state, product=float(product) / mu), x, lr)
        path.append(x)
    assert apart(np.array(path), torch_walk("NAdam", {"momentum_decay": momentum_decay})) < SAME


@pytest.mark.parametrize("row", range(len(KERAS)), ids=names(KERAS))
def test_keras(row: int, keras_walks: list[FloatArray]) -> None:
    assert apart(walk(KERAS[row][1]), keras_walks[row]) < SAME


@pytest.mark.parametrize(("name", "rule", "options"), OPTAX, ids=names(OPTAX))
def test_optax(name: str, rule: Rule, options: dict[str, Any]) -> None:
    import optax

    made = optax_walk(lambda schedule: getattr(optax, name)(schedule, **options))
    # RAdam subtracts nearly equal numbers at its first adaptive step, which costs up to four digits.
    assert apart(walk(rule), made) < (1e4 * SAME if name == "radam" else SAME)


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        (Momentum(), Momentum(form="lr-inside")),
        (Momentum(), Momentum(form="ema")),
        (Nesterov(), Nesterov(form="lr-inside")),
        (Adagrad(eps=1e-7), Adagrad(eps=1e-7, eps_place="inside")),
        (RMSProp(), RMSProp(eps_place="inside")),
        (Adam(), Adam(form="eps-hat")),
        (Adam(), Adam(form="uncorrected")),
        (Adamax(), Adamax(eps_place="denominator")),
        (NAdam(), NAdam(momentum_decay=1.0)),
        (NAdam(), NAdam(momentum_decay=None)),
        (RAdam(), RAdam(form="eps-hat")),
    ],
    ids=str,
)
def test_the_gradients_tell_conventions_apart(rule: Rule, other: Rule) -> None:
    assert apart(walk(rule), walk(other)) > 1e-4


def test_torch_dampening_is_ema_from_the_first_gradient() -> None:
    rule, x, state = Momentum(beta=0.9, form="ema"), START, MomentumState(v=GRADIENTS[0])
    path = []
    for g, lr in zip(GRADIENTS, RATES, strict=True):
        x, state = rule.update(g, state, x, lr)
        path.append(x)
    assert apart(np.array(path), torch_walk("SGD", {"momentum": 0.9, "dampening": 0.9})) < SAME
    assert apart(np.array(path), walk(rule)) > 1e-3


def test_optax_ema_of_gradients() -> None:
    import optax

    made = optax_walk(
        lambda schedule: optax.chain(optax.ema(0.9, debias=False), optax.scale_by_learning_rate(schedule))
    )
    assert apart(walk(Momentum(beta=0.9, form="ema")), made) < SAME


def test_torch_adagrad_lr_decay_is_a_schedule() -> None:
    decayed = tuple(lr / (1 + step * 0.3) for step, lr in enumerate(RATES))
    assert apart(walk(Adagrad(), rates=decayed), torch_walk("Adagrad", {"lr_decay": 0.3})) < SAME


def test_optax_adadelta_without_a_rate_goes_uphill() -> None:
    import optax

    made = optax_walk(lambda _: optax.adadelta())
    assert apart(walk(Adadelta(), rates=(-1.0,) * len(RATES)), made) < SAME


def test_keras_epsilon_is_the_papers_epsilon_made_larger() -> None:
    """`eps-hat` at eps is `corrected` at `eps / sqrt(1 - beta2^t)`, step by step."""
    hat, x, state = Adam(eps=1e-5, form="eps-hat"), START, Adam().init(START)
    for t, (g, lr) in enumerate(zip(GRADIENTS, RATES, strict=True), start=1):
        paper = replace(hat, form="corrected", eps=1e-5 / float(np.sqrt(1 - 0.999**t)))
        expected, _ = paper.update(g, state, x, lr)
        x, state = hat.update(g, state, x, lr)
        assert apart(x[None], expected[None]) < SAME
