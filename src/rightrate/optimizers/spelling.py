"""Reading an optimizer as it is written, `torch.SGD(momentum=0.9)`, without running it."""

import ast
import difflib
from collections.abc import Mapping
from typing import Any

from rightrate.errors import ConfigError, describe
from rightrate.optimizers.catalogue import CATALOGUE
from rightrate.optimizers.frameworks import FORMS, Form, counterparts
from rightrate.optimizers.rules import NAMES, Rule, with_settings
from rightrate.optimizers.rules import settings as settings_of

__all__ = ["Spelled", "read"]

_EXAMPLE = 'Write it like "torch.SGD(momentum=0.9)", "optax.adam" or "rules.momentum(form=ema)".'
_INNER = ("optim", "optimizers", "rules")
"""Parts of the full path, as in `tf.keras.optimizers.Adam`, that may be written too."""

Spelled = tuple[str, Rule, float | None]
"""What to call an optimizer, the rule it computes, and the rate it has when none is given."""


def read(where: str, text: str | Rule) -> Spelled:
    """Return what an optimizer is called, its rule, and its default rate.

    Args:
        where: The argument, for messages.
        text: A name with settings, a name of the catalogue, or a rule.

    Raises:
        ConfigError: If it cannot be read, or there is no such optimizer or setting.

    Example:
        >>> read("x", "torch.RMSprop(alpha=0.9)")
        ('torch.RMSprop(alpha=0.9)', RMSProp(rho=0.9, eps=1e-08, eps_place='outside'), 0.01)
        >>> read("x", "momentum")[0]
        'torch.SGD(momentum=0.9)'
    """
    if isinstance(text, str):
        return _read_text(where, counterparts(text)["torch"] if text in CATALOGUE else text)
    given: object = text
    if isinstance(given, type) or not isinstance(given, Rule):
        raise ConfigError(describe(where, "the name of an optimizer or a rule", given, _EXAMPLE))
    return str(given), given, None


def _read_text(where: str, text: str) -> Spelled:
    path, settings = _parsed(where, text)
    shown = f"({', '.join(f'{key}={value}' for key, value in settings.items())})" if settings else ""
    known = {_plain(name): name for name in (*FORMS, *(f"rules.{rule.replace(' ', '_')}" for rule in NAMES))}
    name = known.get(_plain(path))
    if name is None:
        near = difflib.get_close_matches(_plain(path), known, n=1, cutoff=0.0)[0]
        advice = f"The nearest is {known[near]}. {_EXAMPLE}"
        raise ConfigError(describe(where, "an optimizer of torch, Keras, optax or the rules", text, advice))
    if name in FORMS:
        return name + shown, _of_form(where, FORMS[name], settings), FORMS[name].lr
    rule = NAMES[name.removeprefix("rules.").replace("_", " ")]
    _check_known(where, name, settings, settings_of(rule))
    return name + shown, with_settings(rule, settings), None


def _plain(path: str) -> str:
    """Return a path without its inner parts, in small letters."""
    parts = path.lower().split(".")
    first, last = (parts[1:] or [""])[0] if parts[0] == "tf" else parts[0], parts[-1]
    between = parts[2:-1] if parts[0] == "tf" else parts[1:-1]
    return ".".join([first, *(part for part in between if part not in _INNER), last])


def _parsed(where: str, text: str) -> tuple[str, dict[str, Any]]:
    try:
        node = ast.parse(text.strip(), mode="eval").body
        arguments = node.keywords if isinstance(node, ast.Call) else []
        positional = node.args if isinstance(node, ast.Call) else []
        path = ast.unparse(node.func if isinstance(node, ast.Call) else node)
        settings = {str(item.arg): _value(item.value) for item in arguments}
    except (SyntaxError, ValueError, RecursionError):
        raise ConfigError(describe(where, "a name with settings in brackets", text, _EXAMPLE)) from None
    if positional or "None" in settings or len(settings) < len(arguments):
        raise ConfigError(describe(where, "a name whose settings have names, each once", text, _EXAMPLE))
    return path, settings


def _value(node: ast.expr) -> Any:
    """Return a literal; a bare word is itself, but for true and false."""
    if isinstance(node, ast.Name):
        return {"true": True, "false": False}.get(node.id, node.id)
    return ast.literal_eval(node)


def _of_form(where: str, form: Form, settings: Mapping[str, Any]) -> Rule:
    _check_known(where, str(form), settings, form.settings)
    for key, value in settings.items():
        default = form.settings[key]
        if isinstance(default, bool):
            fits, allowed = isinstance(value, bool), "True or False"
        elif isinstance(default, tuple):
            fits, allowed = isinstance(value, tuple) and len(value) == len(default), "a pair of numbers"
        else:
            fits, allowed = isinstance(value, (int, float)) and not isinstance(value, bool), "a number"
            fits = fits or (value is None and default is None)
        if not fits:
            raise ConfigError(describe(f"{where}: {key}", allowed, value))
    return form.rule(**{**form.settings, **settings})


def _check_known(where: str, name: str, settings: Mapping[str, Any], known: Any) -> None:
    for key in settings:
        if key in ("lr", "learning_rate"):
            advice = "It is the first argument of translate."
            raise ConfigError(describe(where, f"{name} without a rate", f"{key}=...", advice))
        if key not in known:
            allowed = f"{name} with settings that translate"
            raise ConfigError(describe(where, allowed, key, f"These do: {', '.join(known) or 'none'}."))
