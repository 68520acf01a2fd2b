"""From what a user calls an optimizer (name, class, factory, instance) to one that can be rebuilt."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from rightrate.errors import ConfigError, UnsupportedOptimizerError, describe
from rightrate.optimizers.catalogue import named
from rightrate.optimizers.imported import imported, is_path

__all__ = ["OptimizerSpec", "resolve"]

_WHERE = "find(optimizer=...)"
_ALLOWED = "a name of the catalogue, a torch.optim.Optimizer class, a factory or an optimizer of the model"
_DEFAULT_RANGE = (1e-6, 10.0)
_FACTORY = "What it needs besides parameters, such as the module or groups, goes into a factory f(module)."


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec:
    """An optimizer that can be built for any copy of the model.

    Args:
        label: What to call it in a report; empty for a function without a name.
        name: Its name in the catalogue, or "" for anything else.
        search_range: The learning rates a search starts with, (lowest, highest).
        build: From a copy of the model to a new optimizer over its parameters.
    """

    label: str
    name: str
    search_range: tuple[float, float]
    build: Callable[[nn.Module], torch.optim.Optimizer]


def resolve(
    optimizer: Any, *, model: nn.Module | None = None, options: Mapping[str, Any] | None = None
) -> OptimizerSpec:
    """Return how to build the optimizer a user named.

    Args:
        optimizer: A name of the catalogue, a torch class or the path it is imported from, such as
            `"pytorch_optimizer.Lion"`, a factory `f(params)`, a factory `f(module)`, or an instance bound to
            `model`, which is read and never stepped.
        model: The user's model; needed for an instance, to find its parameters by name.
        options: More arguments for a name or a class, such as `{"momentum": 0.9}`.

    Raises:
        ConfigError: If it is none of these, or an instance holds parameters the model does not have.
        UnsupportedOptimizerError: If it needs a closure, second derivatives or sparse gradients.
    """
    extra = dict(options or {})
    path = optimizer if is_path(optimizer) else ""
    if path:
        optimizer = imported(_WHERE, path)
    if isinstance(optimizer, str):
        info = named(optimizer)
        cls = getattr(torch.optim, info.torch_class)
        merged = {**info.options, **extra}
        return OptimizerSpec(
            label=_label(info.name, extra),
            name=info.name,
            search_range=info.search_range,
            build=lambda module: _construct(cls, module, merged),
        )
    if isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer):
        _refuse(optimizer)
        cls_ = optimizer
        return OptimizerSpec(
            label=_label(path or cls_.__name__, extra),
            name="",
            search_range=_DEFAULT_RANGE,
            build=lambda module: _construct(cls_, module, extra),
        )
    if extra:
        allowed = "a name or a class where options are given"
        raise ConfigError(describe(_WHERE, allowed, optimizer, f"Put {extra} into the factory."))
    if isinstance(optimizer, torch.optim.Optimizer):
        return _from_instance(optimizer, model)
    if not callable(optimizer):
        raise ConfigError(describe(_WHERE, _ALLOWED, optimizer))
    return OptimizerSpec(
        label=path or _factory_label(optimizer),
        name="",
        search_range=_DEFAULT_RANGE,
        build=lambda module: _call_factory(optimizer, module),
    )


def _label(name: str, options: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{key}={value}" for key, value in options.items())
    return f"{name}({listed})" if listed else name


def _factory_label(factory: Callable[..., Any]) -> str:
    inner = getattr(factory, "func", factory)
    keywords = getattr(factory, "keywords", {})
    name = getattr(inner, "__name__", type(inner).__name__)
    return "" if name == "<lambda>" else _label(name, keywords)


def _refuse(cls: type[torch.optim.Optimizer]) -> None:
    if issubclass(cls, torch.optim.SparseAdam):
        reason = "an optimizer for dense gradients"
        advice = "Sparse gradients cannot be stacked; use Adam with Embedding(sparse=False)."
        raise UnsupportedOptimizerError(describe(_WHERE, reason, cls.__name__, advice))
    arguments = inspect.signature(cls.step).parameters
    closure = arguments.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        reason = "an optimizer whose step() needs no closure"
        advice = "It evaluates the loss several times a step, so a table of rates does not describe it."
        raise UnsupportedOptimizerError(describe(_WHERE, reason, cls.__name__, advice))

    # As AdaHessian and SophiaH of pytorch_optimizer: without one they differentiate the gradients.
    if "hessian" in arguments:
        reason = "an optimizer that needs first derivatives alone"
        advice = "It needs gradients that can be differentiated (create_graph=True); a search has none."
        raise UnsupportedOptimizerError(describe(_WHERE, reason, cls.__name__, advice))


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _construct(
    cls: type[torch.optim.Optimizer], module: nn.Module, options: Mapping[str, Any]
) -> torch.optim.Optimizer:
    arguments = dict(options)
    lr = inspect.signature(cls).parameters.get("lr")
    if lr is not None and lr.default is inspect.Parameter.empty:
        arguments.setdefault("lr", 1e-3)
    try:
        return cls(_trainable(module), **arguments)
    except (TypeError, ValueError, RuntimeError, AttributeError, KeyError) as error:
        shown = f"{cls.__name__}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
        torchs = cls.__module__.startswith("torch.optim.")
        said = str(error).rstrip(".")
        advice = f"torch says: {said}." if torchs else f"It says: {said}. {_FACTORY}"
        raise ConfigError(describe(_WHERE, "constructible", shown, advice)) from error


def _call_factory(factory: Callable[..., Any], module: nn.Module) -> torch.optim.Optimizer:
    failures: list[str] = []
    for argument in (_trainable(module), module):
        try:
            built = factory(argument)
        except (TypeError, AttributeError, ValueError) as error:
            failures.append(f"{type(error).__name__}: {error}")
            continue
        if not isinstance(built, torch.optim.Optimizer):
            allowed = "a factory that returns a torch.optim.Optimizer"
            raise ConfigError(describe(_WHERE, allowed, built))
        _refuse(type(built))
        return built
    advice = f"f(params) failed with {failures[0]}; f(module) failed with {failures[1]}."
    raise ConfigError(describe(_WHERE, "a factory f(params) or f(module)", factory, advice))


def _from_instance(optimizer: torch.optim.Optimizer, model: nn.Module | None) -> OptimizerSpec:
    _refuse(type(optimizer))
    advice = "Pass the module the optimizer was made for, or pass a factory."
    if model is None:
        allowed = "a name, a class or a factory where the model is built by a function"
        raise ConfigError(describe(_WHERE, allowed, type(optimizer).__name__, advice))
    names_by_id = {id(parameter): name for name, parameter in model.named_parameters()}
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        if any(id(parameter) not in names_by_id for parameter in group["params"]):
            allowed = "an optimizer over parameters of the model"
            raise ConfigError(describe(_WHERE, allowed, type(optimizer).__name__, advice))
        settings = {key: value for key, value in group.items() if key not in ("params", "initial_lr")}
        settings["names"] = [names_by_id[id(parameter)] for parameter in group["params"]]
        groups.append(settings)
    cls: Any = type(optimizer)
    defaults = dict(optimizer.defaults)

    def build(module: nn.Module) -> torch.optim.Optimizer:
        parameters = dict(module.named_parameters())
        rebuilt = [
            {
                **{key: value for key, value in group.items() if key not in ("names", "param_names")},
                "params": [parameters[name] for name in group["names"]],
            }
            for group in groups
        ]
        accepted = inspect.signature(cls).parameters
        kept = {key: value for key, value in defaults.items() if key in accepted}
        try:
            built: torch.optim.Optimizer = cls(rebuilt, **kept)
        except (TypeError, ValueError) as error:
            allowed = "an optimizer that can be built again from its defaults"
            hint = f"Pass a factory f(params). {cls.__name__} says: {error}."
            raise ConfigError(describe(_WHERE, allowed, cls.__name__, hint)) from error
        return built

    catalogued = cls.__name__.lower()
    name = catalogued if catalogued in ("sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw") else ""
    search_range = named(name).search_range if name else _DEFAULT_RANGE
    return OptimizerSpec(label=cls.__name__, name=name, search_range=search_range, build=build)
