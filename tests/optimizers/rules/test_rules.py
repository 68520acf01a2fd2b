"""What every rule has in common, and values worked by hand from the papers' equations."""

import math
import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.optimizers.rules.awkward import GRADIENTS, START, apart, walk

from rightrate.errors import ConfigError
from rightrate.optimizers.rules import (
    NAMES,
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

ROOT2, ROOT3 = math.sqrt(2.0), math.sqrt(3.0)
BY_HAND: list[tuple[Rule, tuple[float, float]]] = [
    # Gradients 2 and -1, lr 0.5, from 1. Where settings are 1/2, means are 1, 0 (of g) and 2, 1.5 (of g^2).
    (GradientDescent(), (0.0, 0.5)),
    (Momentum(beta=0.5), (0.0, 0.0)),  # v = 2, 0
    (Momentum(beta=0.5, form="ema"), (0.5, 0.5)),  # v = 1, 0
    (Momentum(beta=0.5, form="lr-inside"), (0.0, 0.0)),  # v = -1, 0
    (Nesterov(beta=0.5), (-0.5, 0.0)),  # v = 2, 0; steps g + v/2 = 3, -1
    (Nesterov(beta=0.5, form="lr-inside"), (-0.5, 0.0)),
    (Adagrad(eps=1.0), (1 - 1 / 3, 1 - 1 / 3 + 0.5 / (math.sqrt(5) + 1))),  # G = 4, 5
    (Adagrad(eps=4.0, eps_place="inside", initial=1.0), (1 - 1 / 3, 1 - 1 / 3 + 0.5 / math.sqrt(10))),
    (RMSProp(rho=0.5, eps=1.0), (1 - 1 / (ROOT2 + 1), 1 - 1 / (ROOT2 + 1) + 0.5 / (math.sqrt(1.5) + 1))),
    (RMSProp(rho=0.5, eps=2.0, eps_place="inside"), (0.5, 0.5 + 0.5 / math.sqrt(3.5))),
    # d = 2 * 1 / sqrt(3), u = (4 / 3) / 2; then d = -sqrt(5 / 3) / sqrt(2.5).
    (Adadelta(rho=0.5, eps=1.0), (1 - 1 / ROOT3, 1 - 1 / ROOT3 + 0.5 * math.sqrt(2 / 3))),
    # Corrected means of g: 2, 0; of g^2: 4, 2.
    (Adam(beta1=0.5, beta2=0.5, eps=1.0), (1 - 0.5 * 2 / 3, 1 - 0.5 * 2 / 3)),
    (Adam(beta1=0.0, beta2=0.5, eps=1.0), (1 - 0.5 * 2 / 3, 1 - 0.5 * 2 / 3 + 0.5 / (ROOT2 + 1))),
    (Adam(beta1=0.5, beta2=0.5, eps=1.0, form="eps-hat"), (1 - 1 / ROOT2 / (ROOT2 + 1),) * 2),
    (Adam(beta1=0.5, beta2=0.5, eps=1.0, form="uncorrected"), (1 - 0.5 / (ROOT2 + 1),) * 2),
    (AdamW(weight_decay=0.4, adam=Adam(beta1=0.5, beta2=0.5, eps=1.0)), (0.8 - 1 / 3, 0.64 - 0.8 / 3)),
    # u = max(1/2 * 0, 2 + 1) = 3, then max(1.5, 1 + 1) = 2.
    (Adamax(beta1=0.5, beta2=0.5, eps=1.0), (1 - 0.5 * 2 / 3,) * 2),
    (Adamax(beta1=0.0, beta2=0.5, eps=1.0), (1 - 0.5 * 2 / 3, 1 - 0.5 * 2 / 3 + 0.5 / 2)),
    (Adamax(beta1=0.0, beta2=0.75, eps=1.0, eps_place="denominator"), (1 - 1 / 3, 1 - 1 / 3 + 0.5 / 2.5)),
    # mu = 1/2: m^ = (1/2)(1) / (3/4) + (1/2)(2) / (1/2) = 8/3, then 0 + (1/2)(-1) / (3/4) = -2/3.
    (
        NAdam(beta1=0.5, beta2=0.5, eps=1.0, momentum_decay=None),
        (1 - 0.5 * (8 / 3) / 3, 1 - 0.5 * (8 / 3) / 3 + 0.5 * (2 / 3) / (ROOT2 + 1)),
    ),
    # rho_inf = 7; rho = 1 and 1.857 are below 5: momentum alone, m^ = 2, then 0.
    (RAdam(beta1=0.5, beta2=0.75, eps=1.0), (0.0, 0.0)),
    # The signs of 2 / 2 and of 0.5 * 1.5 - 0.5.
    (Lion(beta1=0.5, beta2=0.25, weight_decay=0.4), (0.8 - 0.5, 0.3 * 0.8 - 0.5)),
]

FIELDS = [
    (rule, field.name)
    for rule in (
        Momentum(),
        Nesterov(),
        Adagrad(eps=1e-4),
        RMSProp(eps=1e-4),
        Adadelta(),
        Adam(eps=1e-4),
        AdamW(),
        Adamax(eps=1e-4),
        NAdam(eps=1e-4),
        RAdam(beta2=0.9, eps=1e-4),
        Lion(),
    )
    for field in fields(rule)  # type: ignore[arg-type]
]
OTHER_VALUES: dict[str, Any] = {
    "Momentum.form": "ema",
    "Nesterov.form": "lr-inside",
    "Adagrad.eps_place": "inside",
    "Adagrad.initial": 0.1,
    "RMSProp.eps_place": "inside",
    "Adam.form": "uncorrected",
    "AdamW.adam": Adam(beta1=0.8),
    "Adamax.eps_place": "denominator",
    "NAdam.momentum_decay": None,
    "RAdam.beta2": 0.8,
    "RAdam.form": "eps-hat",
    "RAdam.threshold": 4.5,
    "Lion.weight_decay": 0.3,
}
"""What a setting is changed to, where half of it will not do."""

MISTAKES: list[tuple[type, str, Any, str]] = [
    (Momentum, "beta", 1.0, r"Momentum\(beta=...\) must be a finite number in \[0, 1\), got 1.0"),
    (Momentum, "form", "polyak", r"Momentum\(form=...\) must be one of 'heavy-ball', .*, got 'polyak'"),
    (Nesterov, "beta", -0.1, r"Nesterov\(beta=...\) must be a finite number >= 0, got -0.1"),
    (Nesterov, "form", "ema", r"Nesterov\(form=...\) must be one of 'heavy-ball', 'lr-inside', got 'ema'"),
    (Adagrad, "eps", -1.0, r"Adagrad\(eps=...\) must be a finite number >= 0, got -1.0"),
    (Adagrad, "eps_place", "within", r"Adagrad\(eps_place=...\) must be one of .*, got 'within'"),
    (Adagrad, "initial", math.nan, r"Adagrad\(initial=...\) must be a finite number >= 0, got nan"),
    (RMSProp, "rho", "0.9", r"RMSProp\(rho=...\) must be a finite number >= 0, got '0.9'"),
    (RMSProp, "eps", -1, r"RMSProp\(eps=...\) must be .*, got -1"),
    (RMSProp, "eps_place", "", r"RMSProp\(eps_place=...\) must be one of .*, got ''"),
    (Adadelta, "rho", 2, r"Adadelta\(rho=...\) must be .*, got 2"),
    (Adadelta, "eps", -1, r"Adadelta\(eps=...\) must be .*, got -1"),
    (Adam, "beta1", 1, r"Adam\(beta1=...\) must be a finite number in \[0, 1\), got 1"),
    (Adam, "beta2", 1.5, r"Adam\(beta2=...\) must be .*, got 1.5"),
    (Adam, "eps", math.inf, r"Adam\(eps=...\) must be .*, got inf"),
    (Adam, "form", "wrong", r"Adam\(form=...\) must be one of .*, got 'wrong'"),
    (AdamW, "weight_decay", -1, r"AdamW\(weight_decay=...\) must be .*, got -1"),
    (AdamW, "adam", Lion(), r"AdamW\(adam=...\) must be an Adam, got Lion"),
    (Adamax, "beta1", 1, r"Adamax\(beta1=...\) must be .*, got 1"),
    (Adamax, "beta2", 1, r"Adamax\(beta2=...\) must be .*, got 1"),
    (Adamax, "eps", -1, r"Adamax\(eps=...\) must be .*, got -1"),
    (Adamax, "eps_place", "root", r"Adamax\(eps_place=...\) must be one of .*, got 'root'"),
    (NAdam, "beta1", 1, r"NAdam\(beta1=...\) must be .*, got 1"),
    (NAdam, "beta2", 1, r"NAdam\(beta2=...\) must be .*, got 1"),
    (NAdam, "eps", -1, r"NAdam\(eps=...\) must be .*, got -1"),
    (NAdam, "momentum_decay", -1, r"NAdam\(momentum_decay=...\) must be .*, got -1"),
    (RAdam, "beta1", 1, r"RAdam\(beta1=...\) must be .*, got 1"),
    (RAdam, "beta2", 0.6, r"RAdam\(beta2=...\) must be a finite number in \(0.6, 1\], got 0.6"),
    (RAdam, "beta2", 1.0, r"RAdam\(beta2=...\) must be a finite number in \[0, 1\), got 1.0"),
    (RAdam, "eps", -1, r"RAdam\(eps=...\) must be .*, got -1"),
    (RAdam, "form", "uncorrected", r"RAdam\(form=...\) must be one of .*, got 'uncorrected'"),
    (RAdam, "threshold", 3.9, r"RAdam\(threshold=...\) must be a finite number >= 4, got 3.9"),
    (Lion, "beta1", 1, r"Lion\(beta1=...\) must be .*, got 1"),
    (Lion, "beta2", 1, r"Lion\(beta2=...\) must be .*, got 1"),
    (Lion, "weight_decay", -1, r"Lion\(weight_decay=...\) must be .*, got -1"),
]


@pytest.mark.parametrize(("rule", "expected"), BY_HAND, ids=[str(rule) for rule, _ in BY_HAND])
def test_two_steps_by_hand(rule: Rule, expected: tuple[float, float]) -> None:
    x, reached = np.array([1.0]), []
    state = rule.init(x)
    for g in (2.0, -1.0):
        x, state = rule.update(np.array([g]), state, x, 0.5)
        reached.append(float(x[0]))
    assert reached == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("rule", "field"), FIELDS, ids=[f"{type(r).__name__}-{f}" for r, f in FIELDS])
def test_every_setting_matters(rule: Any, field: str) -> None:
    name = f"{type(rule).__name__}.{field}"
    value = OTHER_VALUES[name] if name in OTHER_VALUES else getattr(rule, field) / 2
    other = replace(rule, **{field: value})
    assert apart(walk(rule), walk(other)) > 1e-6


@pytest.mark.parametrize("rule", NAMES.values(), ids=list(NAMES))
def test_what_every_rule_keeps(rule: Rule) -> None:
    x, g = START.copy(), GRADIENTS[4].copy()
    state = rule.init(x)
    first, after = rule.update(g, state, x, 0.1)
    again, _ = rule.update(g, state, x, 0.1)
    assert np.array_equal(first, again)
    assert np.array_equal(x, START)
    assert np.array_equal(g, GRADIENTS[4])
    assert np.isfinite(walk(rule)).all()
    assert isinstance(rule, Rule)
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert hash(rule) == hash(replace(rule))  # type: ignore[type-var]
    assert type(after) is type(state)
    single, _ = rule.update(np.float64(g[7]), rule.init(np.float64(x[7])), np.float64(x[7]), 0.1)  # type: ignore[arg-type]
    assert single == first[7]


@pytest.mark.parametrize("rule", [rule for name, rule in NAMES.items() if name != "adamw"], ids=str)
def test_no_gradient_and_no_rate_are_no_step(rule: Rule) -> None:
    assert np.array_equal(walk(rule)[:, 0], np.full(len(GRADIENTS), START[0]))
    still, _ = rule.update(GRADIENTS[5], rule.init(START), START, 0.0)
    assert np.array_equal(still, START)


@given(
    beta=st.floats(0.0, 0.999),
    rates=st.lists(st.floats(1e-6, 1.0), min_size=8, max_size=8),
)
def test_heavy_ball_is_ema_at_the_rate_times_the_gain(beta: float, rates: list[float]) -> None:
    heavy, ema = Momentum(beta=beta), Momentum(beta=beta, form="ema")
    factor = heavy.gain / ema.gain
    assert factor == pytest.approx(1 / (1 - beta))
    there = walk(heavy, rates=tuple(rates))
    assert apart(there, walk(ema, rates=tuple(lr * factor for lr in rates))) < 1e-9


def test_gain_is_what_a_lasting_gradient_leads_to() -> None:
    for form in ("heavy-ball", "ema", "lr-inside"):
        rule, x = Momentum(beta=0.9, form=form), np.array([0.0])  # type: ignore[arg-type]
        state = rule.init(x)
        for _ in range(400):
            before = x
            x, state = rule.update(np.array([3.0]), state, x, 0.1)
        assert float((before - x)[0]) == pytest.approx(0.1 * 3.0 * rule.gain, rel=1e-12)


def test_a_rate_inside_the_velocity_lasts_after_a_drop() -> None:
    g, x = np.array([1.0]), np.array([0.0])
    steps = {}
    for form in ("heavy-ball", "lr-inside"):
        rule = Momentum(beta=0.9, form=form)  # type: ignore[arg-type]
        state, at = rule.init(x), x
        for lr in [0.1] * 200 + [0.001]:
            before = at
            at, state = rule.update(g, state, at, lr)
        steps[form] = float((before - at)[0])
    assert steps == pytest.approx({"heavy-ball": 0.01, "lr-inside": 0.901}, rel=1e-6)


def test_nesterov_is_sutskevers_look_ahead() -> None:
    """`v = mu v - lr * grad(theta + mu v)`, `theta = theta + v`: the rule moves `theta + mu v`."""
    curvature, mu, lr = np.array([1.0, 30.0]), 0.9, 0.02
    theta, v = np.array([1.0, -2.0]), np.zeros(2)
    rule, x = Nesterov(beta=mu), theta
    state = rule.init(x)
    for _ in range(20):
        v = mu * v - lr * curvature * (theta + mu * v)
        theta = theta + v
        x, state = rule.update(curvature * x, state, x, lr)
        np.testing.assert_allclose(x, theta + mu * v, rtol=1e-11)


def test_uncorrected_adam_starts_too_fast() -> None:
    """Under a lasting gradient the corrected steps are lr long, the others 3.2, then 6.6, then 1.3 times."""
    x, g, lengths = np.array([0.0]), np.array([7.0]), {}
    for form in ("corrected", "uncorrected"):
        rule = Adam(eps=0.0, form=form)  # type: ignore[arg-type]
        state, at, steps = rule.init(x), x, []
        for _ in range(1000):
            before = at
            at, state = rule.update(g, state, at, 1.0)
            steps.append(float((before - at)[0]))
        lengths[form] = np.array(steps)
    np.testing.assert_allclose(lengths["corrected"], 1.0, rtol=1e-9)
    assert lengths["uncorrected"][0] == pytest.approx(0.1 / math.sqrt(0.001), rel=1e-9)
    assert int(lengths["uncorrected"].argmax()) == 11
    assert lengths["uncorrected"].max() == pytest.approx(6.5685, abs=1e-4)
    assert lengths["uncorrected"][-1] == pytest.approx(1.2576, abs=1e-4)


def test_adamw_is_adam_where_nothing_decays() -> None:
    assert np.array_equal(walk(AdamW(weight_decay=0.0)), walk(Adam()))


def test_radam_is_momentum_until_the_square_can_be_relied_on() -> None:
    assert [RAdam().rectifier(t) is None for t in range(1, 8)] == [True] * 5 + [False] * 2
    assert [RAdam(threshold=4.0).rectifier(t) is None for t in range(1, 8)] == [True] * 4 + [False] * 3
    far = RAdam().rectifier(100_000)
    assert far == pytest.approx(1.0)
    # beta2 = 0.75: rho_inf = 7, and rho(8) = 7 - 16 q / (1 - q) with q = 0.75^8.
    q = 0.75**8
    rho = 7 - 16 * q / (1 - q)
    expected = math.sqrt((rho - 4) * (rho - 2) * 7 / (3 * 5 * rho))
    assert RAdam(beta2=0.75).rectifier(8) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("rule", "field", "value", "message"), MISTAKES)
def test_mistakes(rule: type, field: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rule(**{field: value})


@pytest.mark.parametrize(
    "rule",
    [Adagrad(eps=0.0), RMSProp(eps=0.0), Adadelta(eps=0.0), Adam(eps=0.0), Adamax(eps=0.0), NAdam(eps=0.0)],
    ids=str,
)
def test_without_eps_no_gradient_so_far_is_no_number(rule: Rule) -> None:
    with np.errstate(invalid="ignore"):
        made, _ = rule.update(np.array([0.0, 1.0]), rule.init(np.ones(2)), np.ones(2), 0.1)
    assert np.isnan(made).tolist() == [True, False]


def test_the_first_adadelta_step_is_that_of_its_eps() -> None:
    made, _ = Adadelta(rho=0.9, eps=1e-6).update(
        np.array([5.0]), Adadelta().init(np.zeros(1)), np.zeros(1), 1.0
    )
    assert float(-made[0]) == pytest.approx(math.sqrt(1e-6 / 0.1), rel=1e-6)


@pytest.mark.parametrize("name", [name for name, rule in NAMES.items() if fields(rule)])
def test_single_precision_settings_compute_in_double(name: str) -> None:
    rule = NAMES[name]
    values = {item.name: getattr(rule, item.name) for item in fields(rule)}
    numbers = {key: np.float32(value) for key, value in values.items() if isinstance(value, float)}
    single, double = (
        replace(rule, **{key: kind(value) for key, value in numbers.items()}) for kind in (np.float32, float)
    )
    assert repr(single) == repr(double)
    np.testing.assert_array_equal(walk(single), walk(double))
