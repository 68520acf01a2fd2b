import pytest

from rightrate.errors import ConfigError
from rightrate.optimizers.rules import NAMES, Adam, AdamW, GradientDescent, NAdam, settings, with_settings


def test_the_settings_of_the_adam_inside_are_those_of_adamw() -> None:
    assert settings(AdamW(weight_decay=0.5)) == {"weight_decay": 0.5, **settings(Adam())}
    assert settings(GradientDescent()) == {}
    changed = with_settings(AdamW(), {"beta2": 0.5, "weight_decay": 0.0})
    assert changed == AdamW(weight_decay=0.0, adam=Adam(beta2=0.5))
    assert with_settings(NAdam(), {"momentum_decay": None}) == NAdam(momentum_decay=None)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_is_its_settings(name: str) -> None:
    assert with_settings(type(NAMES[name])(), settings(NAMES[name])) == NAMES[name]


def test_a_value_outside_its_domain_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^Adam\(beta1=...\) must be a finite number in \[0, 1\), got 1\.5"
    ):
        with_settings(AdamW(), {"beta1": 1.5})
