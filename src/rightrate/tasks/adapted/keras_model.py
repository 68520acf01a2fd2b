"""A compiled Keras model, on any backend, as a model that takes its own training steps."""

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightrate.errors import ModelError, describe
from rightrate.tasks.adapted.keras_loss import KerasLoss
from rightrate.tasks.own_step import OwnStep

__all__ = ["KerasModel"]


class KerasModel(OwnStep):
    """A state of a Keras model; all copies share one compiled model and take turns in it.

    So a training step is traced and compiled once, whatever the number of members.

    Args:
        model: A compiled and built Keras model; it is copied.
        loss: Its loss; the outputs are the scores this takes.
    """

    def __init__(self, model: Any, loss: KerasLoss) -> None:
        name = f"keras.{type(model.optimizer).__name__}"
        super().__init__(label=name, search_range=(1e-6, 10.0))
        self._machine = _Machine(model)
        self._loss = loss
        self._state = self._machine.state()

    def forward(self, inputs: Any) -> Tensor:
        """Return the scores; in training mode running statistics take the inputs in."""
        self._machine.load(self._state)
        predicted = self._machine.predict(_arrays(inputs), training=self.training)
        if self.training:
            self._state = self._machine.state()
        return self._loss.scores(torch.from_numpy(np.array(predicted)))

    def train_step(self, inputs: Any, targets: Any, lr: float) -> float:
        """Take one step of `train_on_batch` at a rate."""
        return self.train_steps([(inputs, targets)], [lr])[0]

    def train_steps(self, batches: Sequence[tuple[Any, Any]], rates: Sequence[float]) -> list[float]:
        """Take one step on each batch, the state being put in place once."""
        self._machine.load(self._state)
        losses: list[float] = []
        for (inputs, targets), rate in zip(batches, rates, strict=True):
            losses.append(self._machine.step(_arrays(inputs), _arrays(targets), rate))
            if not math.isfinite(losses[-1]):
                break
        self._state = self._machine.state()
        return losses

    def state(self) -> dict[str, Tensor]:
        """Return copies of the model's and the optimizer's variables, seeds included."""
        return {name: value.clone() for name, value in self._state.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Set all variables."""
        self._state = {name: value.clone() for name, value in state.items()}

    def again(self) -> "KerasModel":
        """Return another state, in the same compiled model."""
        new = object.__new__(KerasModel)
        OwnStep.__init__(new, label=self.label, search_range=self.search_range)
        new._machine, new._loss = self._machine, self._loss
        new._state = self._state  # replaced as a whole, never changed
        return new

    def normalisations(self) -> list[Any]:
        """Return the batch normalisations, with torch's momentum."""
        return self._machine.normalisations


class _Machine:
    """A copy of a compiled model, without metrics and with a rate that can be set."""

    def __init__(self, model: Any) -> None:
        import keras

        self._keras = keras
        try:
            self._model: Any = _recompiled(keras, model)
        except (TypeError, ValueError) as error:
            allowed = "a Keras model that can be saved and loaded"
            advice = f"Register its own classes with keras.saving. Keras says: {str(error)[:200]}"
            raise ModelError(describe("find(model=...)", allowed, model, advice)) from error
        self._variables = [*self._model.variables, *self._model.optimizer.variables]
        self._loaded: Mapping[str, Tensor] | None = None
        kind = keras.layers.BatchNormalization
        self.normalisations = [_Averaging(layer) for layer in _layers(self._model) if isinstance(layer, kind)]

    def state(self) -> dict[str, Tensor]:
        """Return the values of all variables."""
        convert = self._keras.ops.convert_to_numpy
        values = {
            str(place): torch.from_numpy(np.array(convert(variable.value)))
            for place, variable in enumerate(self._variables)
        }
        self._loaded = values
        return values

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Set all variables, unless they are set so already."""
        if state is self._loaded:
            return
        for place, variable in enumerate(self._variables):
            variable.assign(state[str(place)].numpy())
        self._loaded = state

    def step(self, inputs: Any, targets: Any, lr: float) -> float:
        """Take the model's own training step and return the loss before it."""
        self._loaded = None
        self._model.optimizer.learning_rate.assign(lr)
        self._model.reset_metrics()
        return float(self._model.train_on_batch(inputs, targets, return_dict=True)["loss"])

    def predict(self, inputs: Any, *, training: bool) -> Any:
        if not training:
            return self._model.predict_on_batch(inputs)
        self._loaded = None
        return self._keras.ops.convert_to_numpy(self._model(inputs, training=True))


def _recompiled(keras: Any, model: Any) -> Any:
    """Return a copy of a compiled model, without metrics, whose rate is a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's own, about how NumPy copies
        copied: Any = copy.deepcopy(model)
        optimizer = type(model.optimizer).from_config({**model.optimizer.get_config(), "learning_rate": 1e-3})
        settings = {**model.get_compile_config(), "metrics": None, "weighted_metrics": None}
        copied.compile_from_config({**settings, "optimizer": keras.optimizers.serialize(optimizer)})
        copied.optimizer.build(copied.trainable_variables)
    return copied


class _Averaging:
    """The running statistics of a Keras layer, with torch's momentum: the share of the newest batch."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    @property
    def momentum(self) -> float:
        return float(1.0 - self._layer.momentum)

    @momentum.setter
    def momentum(self, share: float) -> None:
        self._layer.momentum = 1.0 - share


def _layers(model: Any) -> list[Any]:
    """Return a model's layers, those of models inside it included."""
    found: list[Any] = []
    for layer in model.layers:
        found += _layers(layer) if getattr(layer, "layers", None) else [layer]
    return found


def _arrays(nest: Any) -> Any:
    """Return a batch with arrays in place of tensors."""
    if isinstance(nest, Tensor):
        return nest.detach().numpy()
    if isinstance(nest, dict):
        return {key: _arrays(value) for key, value in nest.items()}
    if isinstance(nest, tuple | list):
        return type(nest)(_arrays(value) for value in nest)
    return nest
