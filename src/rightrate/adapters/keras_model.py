"""A Keras model in training, on any backend: its state, its steps and its rate."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rightrate.schedules.frameworks.table import needed
from rightrate.watch.snapshot import put_random_back, random_states

__all__ = ["KerasRates", "KerasRun", "number"]

_keras = needed("keras", "pip install keras", of="WatchCallback")


def number(variable: Any) -> float:
    """Return the value of a variable or a tensor of any backend."""
    return float(_array(variable))


def _array(variable: Any) -> Any:
    value = getattr(variable, "value", variable)
    value = value() if callable(value) else value  # a variable of TensorFlow's own
    return np.array(_keras.ops.convert_to_numpy(value))


def _rate_of(optimizer: Any) -> tuple[Any, Any]:
    """Return the optimizer that holds the rate, and what it holds: a variable, a schedule or a function."""
    owner = getattr(optimizer, "inner_optimizer", optimizer)  # inside of one that scales losses
    return owner, owner._learning_rate


class KerasRun:
    """What a Keras model trains: weights, the optimizer's variables and the states of its generators.

    A rate in a variable is left out, because whoever sets it goes on from there; the steps that a schedule
    goes by are the optimizer's, and go back with it.

    Args:
        model: Returns the compiled model. On JAX its variables must be those of the last step, and what is
            assigned must reach the next one: `Callback.model` sees to both.
    """

    def __init__(self, model: Callable[[], Any]) -> None:
        self._model = model

    def ready(self) -> bool:
        """Return whether all variables are there; those of the optimizer are made where the weights are.

        On TensorFlow Keras makes them during the first step; on the other backends before it, as here.
        """
        model = self._model()
        if model.built and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        return bool(model.built and model.optimizer.built)

    def _variables(self) -> list[Any]:
        model = self._model()
        _, rate = _rate_of(model.optimizer)
        trained = [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
        return [variable for variable in trained if variable is not rate]

    def state(self) -> Mapping[str, Any]:
        """Return copies of the variables, and random states."""
        return {"variables": [_array(variable) for variable in self._variables()], "random": random_states()}

    def put_back(self, state: Mapping[str, Any]) -> None:
        """Put the variables back, and begin the metrics anew: what they sum may not be finite."""
        for variable, kept in zip(self._variables(), state["variables"], strict=True):
            variable.assign(np.array(kept))  # a copy: JAX may take over the memory it is given
        self._model().reset_metrics()
        put_random_back(state["random"])


class KerasRates:
    """Multiplies the rate of a Keras optimizer for the time of a step, so that nobody else sees it.

    A variable is assigned; what another callback makes of it before the step's end is divided by the
    multiplier. A schedule or a function is exchanged for its multiple; steps that are compiled hold what they
    were compiled with, so that they are compiled again when the multiplier changes.
    """

    def __init__(self) -> None:
        self._given: Any = None
        self._applied = math.nan
        self._multiplier = 1.0
        self._compiled = 1.0

    def scheduled(self, model: Any) -> bool:
        """Return whether a schedule or a function sets the rate."""
        return not isinstance(_rate_of(model.optimizer)[1], _keras.Variable)

    def apply(self, model: Any, multiplier: float) -> float:
        """Put a multiplier into the rate, and return the rate that the step will use."""
        optimizer, held = _rate_of(model.optimizer)
        if isinstance(held, _keras.Variable):
            if multiplier != 1.0:
                self._given = _array(held)
                held.assign(self._given * multiplier)
        elif multiplier != 1.0 or self._compiled != 1.0:
            self._given = held
            optimizer.learning_rate = _multiple(held, multiplier)
            if multiplier != self._compiled:
                self._compiled = multiplier
                model.make_train_function(force=True)
        self._multiplier = multiplier
        self._applied = number(optimizer.learning_rate)
        return self._applied

    def take_back(self, model: Any) -> None:
        """Take the multiplier out of the rate."""
        given, self._given = self._given, None
        if given is None:
            return
        optimizer, held = _rate_of(model.optimizer)
        if isinstance(held, _keras.Variable) and number(held) != self._applied:
            given = number(held) / self._multiplier
        optimizer.learning_rate = given

    def close(self, model: Any) -> None:
        """Leave a model that trains on without a watcher as it was."""
        self.take_back(model)
        if self._compiled != 1.0:
            self._compiled = 1.0
            model.make_train_function(force=True)


def _multiple(held: Any, multiplier: float) -> Any:
    if isinstance(held, _keras.optimizers.schedules.LearningRateSchedule):
        return _Multiple(held, multiplier)
    return lambda: held() * multiplier


class _Multiple(_keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]
    """A schedule times a number; it is there during steps only, and never saved."""

    def __init__(self, schedule: Any, multiplier: float) -> None:
        self._schedule = schedule
        self._multiplier = multiplier

    def __call__(self, step: Any) -> Any:
        return self._schedule(step) * self._multiplier
