import pytest

from rightrate.errors import ConfigError
from rightrate.optimizers.rules import NAMES, Adam, GradientDescent, Momentum, resolve


def test_names_and_rules() -> None:
    assert len(NAMES) == 12
    assert resolve("adam") == Adam()
    assert resolve("gradient descent") == resolve("Gradient-Descent") == GradientDescent()
    own = Momentum(beta=0.5)
    assert resolve(own) is own


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("sgdm", r"descend\(rule=...\) must be one of 'gradient descent', .*, got 'sgdm'"),
        (0.9, r"descend\(rule=...\) must be a name or an object with init and update, got 0.9. Names: grad"),
        (Adam, r"descend\(rule=...\) must be a name or an object .*, got <class"),
    ],
)
def test_no_rule(given: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(given)  # type: ignore[arg-type]


def test_a_message_names_the_argument() -> None:
    with pytest.raises(ConfigError, match="--rule must be one of"):
        resolve("none", where="--rule")
