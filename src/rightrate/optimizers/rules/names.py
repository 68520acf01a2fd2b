"""The update rules by name."""

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.optimizers.rules.adadelta import Adadelta
from rightrate.optimizers.rules.adagrad import Adagrad
from rightrate.optimizers.rules.adam import Adam
from rightrate.optimizers.rules.adamax import Adamax
from rightrate.optimizers.rules.adamw import AdamW
from rightrate.optimizers.rules.gradient_descent import GradientDescent
from rightrate.optimizers.rules.lion import Lion
from rightrate.optimizers.rules.momentum import Momentum
from rightrate.optimizers.rules.nadam import NAdam
from rightrate.optimizers.rules.nesterov import Nesterov
from rightrate.optimizers.rules.radam import RAdam
from rightrate.optimizers.rules.rmsprop import RMSProp
from rightrate.optimizers.rules.rule import Rule

__all__ = ["NAMES", "resolve"]

NAMES: dict[str, Rule] = {
    "gradient descent": GradientDescent(),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "adagrad": Adagrad(),
    "rmsprop": RMSProp(),
    "adadelta": Adadelta(),
    "adam": Adam(),
    "adamw": AdamW(),
    "adamax": Adamax(),
    "nadam": NAdam(),
    "radam": RAdam(),
    "lion": Lion(),
}
"""Each rule with its own defaults; for other settings make the rule, such as `Momentum(beta=0.99)`."""


def resolve(rule: str | Rule, *, where: str = "descend(rule=...)") -> Rule:
    """Return the rule a user asked for.

    Args:
        rule: A name, in which a hyphen is a space, or a rule.
        where: The argument that a message names.

    Raises:
        ConfigError: If the name is unknown, or it is no rule.

    Example:
        >>> resolve("momentum"), resolve("Gradient-Descent")
        (Momentum(beta=0.9, form='heavy-ball'), GradientDescent())
    """
    if isinstance(rule, str):
        name = rule.lower().replace("-", " ")
        return NAMES[name] if name in NAMES else NAMES[_check.choice(where, rule, NAMES)]
    given: object = rule
    if isinstance(given, type) or not isinstance(given, Rule):
        advice = f"Names: {', '.join(NAMES)}."
        raise ConfigError(describe(where, "a name or an object with init and update", given, advice))
    return given
