"""The settings of a rule as names and values."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from rightrate.optimizers.rules.adamw import AdamW
from rightrate.optimizers.rules.rule import Rule

__all__ = ["settings", "with_settings"]


def settings(rule: Rule) -> dict[str, Any]:
    """Return the settings of a rule by name; those of the Adam in an AdamW are its own.

    Example:
        >>> from rightrate.optimizers.rules import Momentum
        >>> settings(Momentum())
        {'beta': 0.9, 'form': 'heavy-ball'}
    """
    values = {item.name: getattr(rule, item.name) for item in fields(rule)}  # type: ignore[arg-type]
    inner = values.pop("adam", None)
    return values if inner is None else {**values, **settings(inner)}


def with_settings(rule: Rule, given: Mapping[str, Any]) -> Rule:
    """Return a rule with some of its `settings` changed.

    Raises:
        ConfigError: If a value is outside its domain.

    Example:
        >>> from rightrate.optimizers.rules import AdamW
        >>> with_settings(AdamW(), {"weight_decay": 0.5, "beta1": 0.25}).adam.beta1
        0.25
    """
    values = dict(given)
    if isinstance(rule, AdamW):
        inside = {name: values.pop(name) for name in settings(rule.adam) if name in values}
        values["adam"] = replace(rule.adam, **inside)
    changed: Rule = replace(rule, **values)  # type: ignore[type-var]
    return changed
