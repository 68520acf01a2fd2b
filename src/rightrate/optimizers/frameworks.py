"""The optimizers of torch, Keras and optax: their defaults, and the rule each of them computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rightrate.optimizers.catalogue import named
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

__all__ = ["FORMS", "Form", "Setting", "counterparts"]

Setting = float | bool | tuple[float, float] | None
"""What an argument of an optimizer can be."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """An optimizer as one framework has it.

    Args:
        framework: "torch", "keras" or "optax".
        name: Its name there, such as "RMSprop".
        lr: The learning rate when none is given; None where one must be given.
        settings: Its other arguments that change the step, by their names there, with their defaults.
        rule: From these arguments to the update rule it computes.
    """

    framework: Literal["torch", "keras", "optax"]
    name: str
    lr: float | None
    settings: Mapping[str, Setting]
    rule: Callable[..., Rule]

    def __str__(self) -> str:
        """Return the name to write, such as `torch.RMSprop`."""
        return f"{self.framework}.{self.name}"


def counterparts(name: str) -> dict[str, str]:
    """Return what an optimizer of the catalogue is in each framework, ready for `translate`.

    Args:
        name: A name of the catalogue.

    Returns:
        Framework to optimizer, without the frameworks that lack it.

    Raises:
        ConfigError: If the catalogue has no such name.

    Example:
        >>> counterparts("momentum")["keras"]
        'keras.SGD(momentum=0.9)'
        >>> sorted(counterparts("radam"))
        ['optax', 'torch']
    """
    info = named(name, where="counterparts(name)", advice="")
    options = ", ".join(f"{key}={value}" for key, value in info.options.items())
    same = [form for form in FORMS.values() if form.name.lower() == info.torch_class.lower()]
    return {form.framework: f"{form}({options})" if options else str(form) for form in same}


def _torch(name: str, lr: float, rule: Callable[..., Rule], **settings: Setting) -> Form:
    return Form(framework="torch", name=name, lr=lr, settings=settings, rule=rule)


def _keras(name: str, lr: float, rule: Callable[..., Rule], **settings: Setting) -> Form:
    return Form(framework="keras", name=name, lr=lr, settings=settings, rule=rule)


def _optax(name: str, rule: Callable[..., Rule], **settings: Setting) -> Form:
    return Form(framework="optax", name=name, lr=None, settings=settings, rule=rule)


def _sgd(form: Literal["heavy-ball", "lr-inside"]) -> Callable[..., Rule]:
    def rule(momentum: float | None, nesterov: bool) -> Rule:
        if momentum is None or momentum == 0:
            return GradientDescent()
        return Nesterov(beta=momentum, form=form) if nesterov else Momentum(beta=momentum, form=form)

    return rule


def _rmsprop_optax(decay: float, eps: float, eps_in_sqrt: bool) -> Rule:
    return RMSProp(rho=decay, eps=eps, eps_place="inside" if eps_in_sqrt else "outside")


def _adam(betas: tuple[float, float], eps: float) -> Adam:
    return Adam(beta1=betas[0], beta2=betas[1], eps=eps)


def _adam_keras(beta_1: float, beta_2: float, epsilon: float) -> Adam:
    return Adam(beta1=beta_1, beta2=beta_2, eps=epsilon, form="eps-hat")


def _adamw(weight_decay: float, **settings: Any) -> Rule:
    return AdamW(weight_decay=weight_decay, adam=_adam(**settings))


def _adamw_keras(weight_decay: float, **settings: Any) -> Rule:
    return AdamW(weight_decay=weight_decay, adam=_adam_keras(**settings))


def _lion_keras(beta_1: float, beta_2: float, weight_decay: float | None) -> Rule:
    return Lion(beta1=beta_1, beta2=beta_2, weight_decay=0.0 if weight_decay is None else weight_decay)


_B: dict[str, Setting] = {"betas": (0.9, 0.999), "eps": 1e-8}
_B_KERAS: dict[str, Setting] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
_B_OPTAX: dict[str, Setting] = {"b1": 0.9, "b2": 0.999, "eps": 1e-8}

FORMS: dict[str, Form] = {
    str(form): form
    for form in (
        _torch("SGD", 1e-3, _sgd("heavy-ball"), momentum=0.0, nesterov=False),
        _torch(
            "Adagrad",
            1e-2,
            lambda initial_accumulator_value, eps: Adagrad(initial=initial_accumulator_value, eps=eps),
            initial_accumulator_value=0.0,
            eps=1e-10,
        ),
        _torch("RMSprop", 1e-2, lambda alpha, eps: RMSProp(rho=alpha, eps=eps), alpha=0.99, eps=1e-8),
        _torch("Adadelta", 1.0, Adadelta, rho=0.9, eps=1e-6),
        _torch("Adam", 1e-3, _adam, **_B),
        _torch("AdamW", 1e-3, _adamw, **_B, weight_decay=0.01),
        _torch("Adamax", 2e-3, lambda betas, eps: Adamax(beta1=betas[0], beta2=betas[1], eps=eps), **_B),
        _torch(
            "NAdam",
            2e-3,
            lambda betas, eps, momentum_decay: NAdam(
                beta1=betas[0], beta2=betas[1], eps=eps, momentum_decay=momentum_decay
            ),
            **_B,
            momentum_decay=0.004,
        ),
        _torch(
            "RAdam",
            1e-3,
            lambda betas, eps: RAdam(beta1=betas[0], beta2=betas[1], eps=eps, form="eps-hat"),
            **_B,
        ),
        _keras("SGD", 1e-2, _sgd("lr-inside"), momentum=0.0, nesterov=False),
        _keras(
            "Adagrad",
            1e-3,
            lambda initial_accumulator_value, epsilon: Adagrad(
                initial=initial_accumulator_value, eps=epsilon, eps_place="inside"
            ),
            initial_accumulator_value=0.1,
            epsilon=1e-7,
        ),
        _keras(
            "RMSprop",
            1e-3,
            lambda rho, epsilon: RMSProp(rho=rho, eps=epsilon, eps_place="inside"),
            rho=0.9,
            epsilon=1e-7,
        ),
        _keras("Adadelta", 1e-3, lambda rho, epsilon: Adadelta(rho=rho, eps=epsilon), rho=0.95, epsilon=1e-7),
        _keras("Adam", 1e-3, _adam_keras, **_B_KERAS),
        _keras("AdamW", 1e-3, _adamw_keras, **_B_KERAS, weight_decay=0.004),
        _keras(
            "Adamax",
            1e-3,
            lambda beta_1, beta_2, epsilon: Adamax(
                beta1=beta_1, beta2=beta_2, eps=epsilon, eps_place="denominator"
            ),
            **_B_KERAS,
        ),
        _keras(
            "Nadam",
            1e-3,
            lambda beta_1, beta_2, epsilon: NAdam(
                beta1=beta_1, beta2=beta_2, eps=epsilon, momentum_decay=1.0
            ),
            **_B_KERAS,
        ),
        _keras("Lion", 1e-3, _lion_keras, beta_1=0.9, beta_2=0.99, weight_decay=None),
        _optax("sgd", _sgd("heavy-ball"), momentum=None, nesterov=False),
        _optax(
            "adagrad",
            lambda initial_accumulator_value, eps: Adagrad(
                initial=initial_accumulator_value, eps=eps, eps_place="inside"
            ),
            initial_accumulator_value=0.1,
            eps=1e-7,
        ),
        _optax("rmsprop", _rmsprop_optax, decay=0.9, eps=1e-8, eps_in_sqrt=True),
        _optax("adadelta", Adadelta, rho=0.9, eps=1e-6),
        _optax("adam", lambda b1, b2, eps: Adam(beta1=b1, beta2=b2, eps=eps), **_B_OPTAX),
        _optax(
            "adamw",
            lambda b1, b2, eps, weight_decay: AdamW(
                weight_decay=weight_decay, adam=Adam(beta1=b1, beta2=b2, eps=eps)
            ),
            **_B_OPTAX,
            weight_decay=1e-4,
        ),
        _optax("adamax", lambda b1, b2, eps: Adamax(beta1=b1, beta2=b2, eps=eps), **_B_OPTAX),
        _optax(
            "nadam",
            lambda b1, b2, eps: NAdam(beta1=b1, beta2=b2, eps=eps, momentum_decay=None),
            **_B_OPTAX,
        ),
        _optax(
            "radam",
            lambda b1, b2, eps, threshold: RAdam(beta1=b1, beta2=b2, eps=eps, threshold=threshold),
            **_B_OPTAX,
            threshold=5.0,
        ),
        _optax(
            "lion",
            lambda b1, b2, weight_decay: Lion(beta1=b1, beta2=b2, weight_decay=weight_decay),
            b1=0.9,
            b2=0.99,
            weight_decay=1e-3,
        ),
    )
}
"""Every optimizer of the three that computes one of the rules, by the name `translate` takes."""
