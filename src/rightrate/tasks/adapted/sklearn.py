"""scikit-learn's estimators, in their own parameters: `eta0` and `learning_rate_init`."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rightrate.errors import ConfigError, DataError, describe
from rightrate.schedules import Shape
from rightrate.tasks.adapted.question import Asked
from rightrate.tasks.adapted.sklearn_losses import classification_loss, regression_loss
from rightrate.tasks.adapted.sklearn_models import MlpModel, SgdModel
from rightrate.tasks.adapted.sklearn_without import why_not
from rightrate.tasks.metrics import r2
from rightrate.tasks.task import Task, TaskInfo, Training

__all__ = ["build", "owns", "task"]

_SGD = ("SGDClassifier", "SGDRegressor")
_MLP = ("MLPClassifier", "MLPRegressor")
_BATCH = 64
_MLP_BATCH = 200
_SAMPLES = 1_000_000  # after which SGD has mostly converged: scikit-learn's user guide, 1.5.6
_NEVER = 10**9


def owns(model: Any) -> bool:
    """Say whether this is an estimator."""
    from sklearn.base import BaseEstimator

    return isinstance(model, BaseEstimator)


def task(asked: Asked) -> tuple[Task, None]:
    """Return the task of an estimator, or of a pipeline that ends in one.

    Raises:
        ConfigError: If it has no learning rate, or a setting that one step at a time cannot follow.
        DataError: If the data are not arrays.
    """
    steps, estimator = _parts(asked.model)
    kind = _kind(estimator)
    asked.only("constant", "scikit-learn's estimators follow no schedules but their own.")
    inputs, targets = _pair(asked.train, "train")
    valid = None if asked.valid is None else _pair(asked.valid, "valid")
    if steps:
        steps = _clone(steps)
        inputs = _dense(steps.fit_transform(inputs, targets), "train")
        valid = None if valid is None else (_dense(steps.transform(valid[0]), "valid"), valid[1])
    labels = None
    if kind.endswith("Classifier"):
        labels, targets = np.unique(targets, return_inverse=True)
        if len(labels) < 2:
            raise DataError(describe("find(train=...)", "targets of two classes or more", labels.tolist()))
        valid = None if valid is None else (valid[0], _encoded(valid[1], labels))
    batch_size, run, notes = _run(estimator, kind, len(inputs))
    model, loss = _model(estimator, kind, inputs, targets, labels)
    train = (torch.from_numpy(inputs), torch.from_numpy(targets))
    made = Task(
        model=model,
        train=train,
        valid=None if valid is None else tuple(torch.from_numpy(part) for part in valid),
        loss=loss,
        metrics={"r2": r2} if labels is None else {"accuracy": _accuracy},
        training=Training(batch_size=asked.batch_size or batch_size, device="cpu"),
        info=TaskInfo(
            name=kind, steps=run, optimizer=model.label, notes=notes, setting=_setting(asked.model)
        ),
    )
    return made, None


def build(model: Any, lr: float, shape: Shape, torchs: Any) -> Any:
    """Return a clone of an estimator, or of a pipeline, that is not fitted, with the rate set."""
    return _clone(model).set_params(**_arguments(model, lr))


def _clone(model: Any) -> Any:
    from sklearn.base import clone

    return clone(model)


def _parts(model: Any) -> tuple[Any, Any]:
    """Return what comes before the estimator in a pipeline, or None, and the estimator."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        return None, model
    return (model[:-1] if len(model) > 1 else None), model[-1]


def _kind(estimator: Any) -> str:
    """Return the name of an estimator that has a learning rate, as scikit-learn calls it."""
    names = [cls.__name__ for cls in type(estimator).__mro__ if cls.__module__.startswith("sklearn.")]
    kind = names[0] if names else ""
    settings = estimator.get_params(deep=False)
    allowed = "an estimator with a learning rate"
    if kind not in (*_SGD, *_MLP) or settings.get("solver") == "lbfgs":
        raise ConfigError(describe("find(model=...)", allowed, estimator, why_not(estimator)))
    if settings.get("average"):
        advice = "Search without it: averaged weights take nearly any rate."
        raise ConfigError(describe(f"{kind}(average=...)", "False", settings["average"], advice))
    return kind


def _pair(data: Any, name: str) -> tuple[Any, Any]:
    """Return inputs (n, features) and targets as arrays."""
    where = f"find({name}=...)"
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise DataError(describe(where, "a pair (X, y) for scikit-learn's estimators", data))
    inputs = data[0] if hasattr(data[0], "iloc") else _dense(data[0], name)
    targets = np.asarray(data[1])
    if len(inputs) != len(targets):
        lengths = f"{len(inputs)} samples and {len(targets)} targets"
        raise DataError(describe(where, "a pair (X, y) of equal length", lengths))
    return inputs, targets


def _dense(values: Any, name: str) -> Any:
    """Return numbers as a float64 array with the samples along axis 0."""
    if hasattr(values, "toarray"):
        advice = "Pass X.toarray(), or reduce it first."
        raise DataError(describe(f"find({name}=...)", "dense", type(values).__name__, advice))
    array = np.ascontiguousarray(np.asarray(values, dtype=np.float64))
    if array.ndim != 2:
        raise DataError(describe(f"find({name}=...)", "X of shape (samples, features)", array.shape))
    return array


def _encoded(targets: Any, labels: Any) -> Any:
    places = np.searchsorted(labels, targets).clip(max=len(labels) - 1)
    strange = labels[places] != targets
    if strange.any():
        received = np.asarray(targets)[strange][0]
        raise DataError(describe("find(valid=...)", "of classes that the training data have", received))
    return places


def _run(estimator: Any, kind: str, samples: int) -> tuple[int, int, tuple[str, ...]]:
    """Return the batch size, the length of the run in steps, and what to say about them."""
    if kind in _SGD:
        epochs = min(estimator.max_iter, math.ceil(_SAMPLES / samples))
        said = f"A step is one batch of {_BATCH} samples; {kind} moves its weights after each of them."
        notes = [said, *_sgd_notes(estimator, kind)]
        return _BATCH, epochs * math.ceil(samples / _BATCH), tuple(notes)
    size = min(_MLP_BATCH, samples) if estimator.batch_size == "auto" else min(estimator.batch_size, samples)
    notes = []
    if estimator.early_stopping:
        notes.append("The search ignores early_stopping and looks at the validation data of its own.")
    return size, estimator.max_iter * math.ceil(samples / size), tuple(notes)


def _sgd_notes(estimator: Any, kind: str) -> list[str]:
    kept = ("constant", "invscaling")
    if estimator.learning_rate in kept:
        return []
    made_up = f"{kind}(learning_rate={estimator.learning_rate!r})"
    return [f"{made_up} makes up its rates by itself: the answer is for learning_rate='constant'."]


def _model(estimator: Any, kind: str, inputs: Any, targets: Any, labels: Any) -> tuple[Any, Any]:
    """Return the model and its loss."""
    clone, classes = _clone(estimator), None if labels is None else len(labels)
    few = inputs[:8], targets[:8]
    seed = estimator.random_state if isinstance(estimator.random_state, int) else 0
    if kind in _MLP:
        settings = {"early_stopping": False, "shuffle": False, "n_iter_no_change": _NEVER, "verbose": False}
        clone.set_params(**settings, random_state=seed)
        if labels is not None:
            return MlpModel(clone, *few, classes), nn.functional.cross_entropy
        poisson = getattr(estimator, "loss", "squared_error") == "poisson"
        return MlpModel(clone, *few, None), _poisson if poisson else _half_squared
    clone.set_params(early_stopping=False, shuffle=False, verbose=0, random_state=seed)
    if estimator.learning_rate != "invscaling":
        clone.set_params(learning_rate="constant")
    loss: Any
    if classes is None:
        loss = regression_loss(estimator.loss, estimator.epsilon)
    else:
        clone.set_params(class_weight=_weights(estimator.class_weight, labels, targets))
        loss = classification_loss(estimator.loss, classes, estimator.epsilon)
    return SgdModel(clone, *few, classes, loss=loss), loss


def _weights(given: Any, labels: Any, targets: Any) -> Any:
    """Return class weights for classes that are numbers from 0 on."""
    if given == "balanced":
        counts = np.bincount(targets)
        return {place: len(targets) / (len(counts) * int(count)) for place, count in enumerate(counts)}
    return given and {place: given.get(label, 1.0) for place, label in enumerate(labels.tolist())}


def _half_squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return ((outputs - targets) ** 2).mean() / 2


def _poisson(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - torch.xlogy(targets, outputs) + torch.xlogy(targets, targets) - targets).mean()


def _accuracy(outputs: Tensor, targets: Tensor) -> float:
    named = outputs.argmax(dim=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).to(targets.dtype)
    return float((named == targets).double().mean())


def _arguments(model: Any, lr: Any) -> dict[str, Any]:
    """Return the parameters that set the answer, with their names within a pipeline."""
    steps, estimator = _parts(model)
    prefix = "" if steps is None and estimator is model else f"{model.steps[-1][0]}__"
    if _kind(estimator) in _MLP:
        return {f"{prefix}learning_rate_init": lr}
    found = {f"{prefix}eta0": lr}
    if estimator.learning_rate not in ("constant", "invscaling", "adaptive"):
        found[f"{prefix}learning_rate"] = "constant"
    return found


def _setting(model: Any) -> str:
    """Return the line that sets the answer."""
    arguments = _arguments(model, "{lr}")
    listed = ", ".join(
        f"{name}={value if value == '{lr}' else repr(value)}" for name, value in arguments.items()
    )
    return f"estimator.set_params({listed})"
