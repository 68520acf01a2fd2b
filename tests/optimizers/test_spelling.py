"""Optimizers as they are written."""

import pytest

from rightrate.errors import ConfigError
from rightrate.optimizers.frameworks import FORMS
from rightrate.optimizers.rules import NAMES, Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSProp
from rightrate.optimizers.spelling import read


@pytest.mark.parametrize(
    "text",
    [
        "keras.RMSprop",
        "tf.keras.optimizers.RMSprop",
        "keras.optimizers.RMSprop()",
        "Keras.rmsprop",
        " keras.RMSprop ",
    ],
)
def test_paths(text):
    assert read("x", text) == ("keras.RMSprop", RMSProp(rho=0.9, eps=1e-7, eps_place="inside"), 1e-3)


@pytest.mark.parametrize(
    ("text", "name", "rule", "lr"),
    [
        ("torch.optim.SGD(momentum=0.5)", "torch.SGD(momentum=0.5)", Momentum(beta=0.5), 1e-3),
        ("torch.SGD(momentum=0.5, nesterov=true)", "torch.SGD(momentum=0.5, nesterov=True)",
         Nesterov(beta=0.5), 1e-3),
        ("optax.sgd(momentum=None)", "optax.sgd(momentum=None)", GradientDescent(), None),
        ("torch.Adam(betas=(0.5, 0.75))", "torch.Adam(betas=(0.5, 0.75))", Adam(beta1=0.5, beta2=0.75), 1e-3),
        ("rules.momentum(form=ema)", "rules.momentum(form=ema)", Momentum(form="ema"), None),
        ("rules.momentum(form='ema')", "rules.momentum(form=ema)", Momentum(form="ema"), None),
        ("rules.gradient_descent", "rules.gradient_descent", GradientDescent(), None),
        ("rules.adamw(weight_decay=0.5, beta1=0.25)", "rules.adamw(weight_decay=0.5, beta1=0.25)",
         AdamW(weight_decay=0.5, adam=Adam(beta1=0.25)), None),
        ("adamw", "torch.AdamW", AdamW(), 1e-3),
    ],
)  # fmt: skip
def test_settings(text, name, rule, lr):
    assert read("x", text) == (name, rule, lr)


def test_every_name_and_rule_can_be_written():
    for name, form in FORMS.items():
        assert read("x", name) == (name, form.rule(**form.settings), form.lr)
    for name, rule in NAMES.items():
        assert read("x", f"rules.{name.replace(' ', '_')}")[1] == rule
    assert read("x", Momentum(beta=0.5)) == (str(Momentum(beta=0.5)), Momentum(beta=0.5), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torch.RMSProb", r"x must be an optimizer of .*, got 'torch.RMSProb'. The nearest is torch.RMSprop"),
        ("keras.RAdam", r"got 'keras.RAdam'. The nearest is keras.Adam"),
        ("torch.SGDs(momentum=0.9)", r"got 'torch.SGDs\(momentum=0.9\)'. The nearest is torch.SGD\."),
        ("torch.nn.SGD", r"The nearest is torch.SGD"),
        ("tf", r"must be an optimizer of torch"),
        ("torch.SGD(", r"x must be a name with settings in brackets, got 'torch.SGD\('. Write it like"),
        ("torch.SGD(momentum=f(1))", r"x must be a name with settings in brackets, got"),
        ("", r"x must be a name with settings in brackets, got ''"),
        ("torch.SGD(0.1)", r"x must be a name whose settings have names, .*, got 'torch.SGD\(0.1\)'"),
        ("torch.SGD(momentum=0.9, momentum=0.8)", r"x must be a name whose settings .*, each once, got"),
        ("torch.SGD(**a)", r"x must be a name"),
        ("torch.SGD(lr=0.1)", r"x must be torch.SGD without a rate, got 'lr=...'. It is the first argument"),
        ("keras.SGD(learning_rate=1)", r"keras.SGD without a rate, got 'learning_rate=...'"),
        ("torch.SGD(dampening=0.1)", r"SGD with settings that translate, got 'dampening'. These do: mom"),
        ("rules.momentum(eps=0.1)", r"with settings that translate, got 'eps'. These do: beta, form"),
        ("rules.gradient_descent(beta=0.1)", r"got 'beta'. These do: none"),
        ("torch.SGD(nesterov=1)", r"x: nesterov must be True or False, got 1"),
        ("torch.SGD(momentum=True)", r"x: momentum must be a number, got True"),
        ("torch.SGD(momentum=None)", r"x: momentum must be a number, got None"),
        ("torch.SGD(momentum=high)", r"x: momentum must be a number, got 'high'"),
        ("torch.Adam(betas=0.9)", r"x: betas must be a pair of numbers, got 0.9"),
        ("torch.Adam(betas=(0.9, 0.9, 0.9))", r"x: betas must be a pair of numbers"),
        ("torch.SGD(momentum=1.5)", r"Momentum\(beta=...\) must be"),
        ("rules.momentum(form=light)", r"Momentum\(form=...\) must be one of"),
        (Momentum, r"x must be the name of an optimizer or a rule, got <class"),
        (0.1, r"x must be the name of an optimizer or a rule, got 0.1. Write it like"),
    ],
)  # fmt: skip
def test_mistakes(text, message):
    with pytest.raises(ConfigError, match=message):
        read("x", text)
