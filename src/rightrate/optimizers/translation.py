"""A learning rate of one optimizer, in another framework or another form."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from rightrate import _check
from rightrate.errors import ConfigError, describe
from rightrate.optimizers.rules import (
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    GradientDescent,
    Momentum,
    NAdam,
    Nesterov,
    RAdam,
    RMSProp,
    Rule,
    settings,
)
from rightrate.optimizers.spelling import read

__all__ = ["Translation", "translate"]

_FAMILIES = ((GradientDescent, Momentum, Nesterov), (Adam, AdamW, NAdam, RAdam))
_PLACES = {
    "outside": "sqrt(v) + eps",
    "inside": "sqrt(v + eps)",
    "maximum": "max(beta2 * u, abs(g) + eps)",
    "denominator": "u + eps",
    "corrected": "sqrt(v / (1 - beta2^t)) + eps",
    "eps-hat": "(sqrt(v) + eps) / sqrt(1 - beta2^t)",
}
_NEGLIGIBLE = "That matters only where gradients are not far above eps and its root; no rate makes up for it."


@dataclass(frozen=True, kw_only=True)
class Translation:
    """What `translate` returns.

    Args:
        lr: The learning rate to give to the target.
        exact: Whether every step is the same, from the first on, while the rate stays the same.
        notes: What differs, and what to set to make it the same; also where a schedule breaks it.
        source: The optimizer the rate was for.
        target: The optimizer it is for now.
    """

    lr: float
    exact: bool
    notes: tuple[str, ...]
    source: str
    target: str

    def __str__(self) -> str:
        """Return the rate and the notes, for people."""
        how = "makes the same steps as" if self.exact else "comes nearest to"
        lines = [f"{self.target} with lr {self.lr:g} {how} {self.source}."]
        return "\n".join([*lines, *(f"- {note}" for note in self.notes)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "notes": list(self.notes)}


def translate(lr: float, source: str | Rule, target: str | Rule) -> Translation:
    """Return the learning rate that makes the same step in another framework or form.

    Two optimizers are compared by the rules they compute; their steps under a gradient that stays the same,
    in the long run, decide the factor. It is 1 but for the forms of momentum:

    `lr(target) = lr(source) * gain(source) / gain(target)`

    with gain `1 / (1 - beta)` for heavy ball and Nesterov, and 1 for gradient descent and for momentum as an
    exponential moving average. So heavy ball to EMA divides by `1 - beta`. What no rate can make up for, such
    as another eps, makes the result inexact and is said in the notes.

    Args:
        lr: The learning rate, > 0.
        source: The optimizer it is for: `"torch.SGD(momentum=0.9)"`, `"keras.RMSprop"`, `"optax.adam"`,
            `"rules.momentum(form=ema)"`, full paths such as `"torch.optim.SGD"` too; a name of the catalogue,
            which is torch's; or a rule. Settings that are left out have the defaults they have there.
        target: The optimizer it is wanted for.

    Returns:
        A `Translation`: `lr`, `exact`, `notes`.

    Raises:
        ConfigError: If an optimizer or a setting is unknown, or the two are so different that no rate of one
            says anything about a rate of the other.

    Example:
        >>> round(translate(0.01, "torch.SGD(momentum=0.9)", "rules.momentum(form=ema)").lr, 12)
        0.1
        >>> print(translate(1.0, "torch.Adadelta", "keras.Adadelta(rho=0.9, epsilon=1e-6)"))
        keras.Adadelta(rho=0.9, epsilon=1e-06) with lr 1 makes the same steps as torch.Adadelta.
        - Left out, the rate is 1 in torch.Adadelta and 0.001 in keras.Adadelta(rho=0.9, epsilon=1e-06).
        >>> translate(0.01, "torch.RMSprop", "keras.RMSprop").exact
        False
    """
    rate = _check.number("translate(lr=...)", lr, above=0.0)
    source_name, given, source_default = read("translate(source=...)", source)
    target_name, wanted, target_default = read("translate(target=...)", target)
    old, new = _simplest(given), _simplest(wanted)
    if type(old) is not type(new) and not any({type(old), type(new)} <= set(family) for family in _FAMILIES):
        allowed = f"a rule whose steps are in proportion to those of {source_name}"
        advice = 'Their rates have nothing to do with each other; search: find(optimizer="...").'
        raise ConfigError(describe("translate(target=...)", allowed, target_name, advice))
    differing = _differences(old, new, source_name, target_name)
    notes = [*differing, *_under_a_schedule(old, new, source_name, target_name)]
    if source_default != target_default and None not in (source_default, target_default):
        left_out = f"{source_default:g} in {source_name} and {target_default:g} in {target_name}"
        notes.append(f"Left out, the rate is {left_out}.")
    return Translation(
        lr=_check.number("translate(lr=...): the rate in the target", rate * _ratio(old, new), above=0.0),
        exact=not differing,
        notes=tuple(notes),
        source=source_name,
        target=target_name,
    )


def _simplest(rule: Rule) -> Rule:
    """Return the simplest rule that makes the same steps."""
    if isinstance(rule, (Momentum, Nesterov)) and rule.beta == 0:
        return GradientDescent()
    if isinstance(rule, AdamW):
        adam = _simplest(rule.adam)
        if rule.weight_decay == 0 or not isinstance(adam, Adam):
            return adam
        return replace(rule, adam=adam)
    if isinstance(rule, (Adagrad, RMSProp)) and rule.eps == 0:
        return replace(rule, eps_place="outside")
    if isinstance(rule, Adamax) and rule.eps == 0:
        return replace(rule, eps_place="maximum")
    if isinstance(rule, (Adam, RAdam)) and rule.eps == 0 and rule.form == "eps-hat":
        return replace(rule, form="corrected")
    return rule


def _ratio(old: Rule, new: Rule) -> float:
    """Return gain(old) / gain(new), free of rounding where it is 1 or one of the gains is."""
    before, after = _kept(old), _kept(new)
    return 1.0 if before == after else after / before


def _kept(rule: Rule) -> float:
    """Return 1 / gain."""
    averaged = isinstance(rule, Momentum) and rule.form == "ema"
    return 1.0 - rule.beta if isinstance(rule, (Momentum, Nesterov)) and not averaged else 1.0


def _differences(old: Rule, new: Rule, source: str, target: str) -> list[str]:
    """Return what makes the steps differ, one sentence each."""
    before, after = settings(old), settings(new)
    found = []
    if type(old) is not type(new):
        found.append(
            f"{source} computes {type(old).__name__} and {target} {type(new).__name__}: under a gradient "
            "that stays the same their steps become as large, otherwise they differ."
        )
    differing = [key for key in before if key in after and before[key] != after[key]]
    numbers = [key for key in differing if key not in ("form", "eps_place")]
    if numbers:
        pairs = [f"{key} {_shown(before[key])} and {_shown(after[key])}" for key in numbers]
        found.append(
            f"Set differently: {', '.join(pairs)}. No rate makes up for that; set them alike where "
            "they can be set."
        )
    if not isinstance(old, (Momentum, Nesterov)):
        places = [key for key in differing if key not in numbers]
        sums = "G" if isinstance(old, Adagrad) else "v"
        found += [_place(before[key], after[key], source, target, sums) for key in places]
    for key, value in after.items():
        if key == "weight_decay" and key not in before:
            found.append(f"{target} has a weight decay of {value:g}, {source} none.")
    for key, value in before.items():
        if key == "weight_decay" and key not in after:
            found.append(f"{source} has a weight decay of {value:g}, {target} none.")
    return found


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _place(before: str, after: str, source: str, target: str, sums: str) -> str:
    if "uncorrected" in (before, after):
        bare = source if before == "uncorrected" else target
        return f"{bare} does not correct the bias of its means, so it starts with other steps."
    here, there = (_PLACES[place].replace("(v", f"({sums}") for place in (before, after))
    return f"eps is in another place: {here} in {source}, {there} in {target}. {_NEGLIGIBLE}"


def _under_a_schedule(old: Rule, new: Rule, source: str, target: str) -> list[str]:
    """Return what is different once the rate changes."""
    forms = [getattr(rule, "form", "") for rule in (old, new)]
    if (forms[0] == "lr-inside") == (forms[1] == "lr-inside"):
        return []
    inside = source if forms[0] == "lr-inside" else target
    return [
        f"Under a schedule they differ: {inside} keeps the rates of the steps before in its velocity, so it "
        "follows a change of the rate late, by about 1 / (1 - beta) steps."
    ]
