"""scikit-learn's stochastic estimators as models that take their own steps."""

import copy
import math
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightrate.tasks.own_step import OwnStep

__all__ = ["MlpModel", "SgdModel"]

_UNMOVED = 1e-300  # a rate that moves no weight: scikit-learn makes its weights at the first step
_OVERFLOWS = ("overflow", "non-finite", "infinity", "NaN")


class _Estimator(OwnStep):
    """A clone of an estimator, its weights made; classes are numbers from 0 on.

    Args:
        estimator: A clone that this model owns, with settings that let it take one step at a time.
        inputs: Some samples, (n, features): for what they are like.
        targets: Theirs.
        classes: How many classes there are, or None for regression.
    """

    def __init__(self, estimator: Any, inputs: Any, targets: Any, classes: int | None) -> None:
        super().__init__(label=type(estimator).__name__, search_range=(1e-6, 100.0))
        self._estimator = estimator
        self._first = {} if classes is None else {"classes": np.arange(classes)}
        self._start(inputs, targets)

    @abstractmethod
    def _start(self, inputs: Any, targets: Any) -> None:
        """Make the weights."""

    @abstractmethod
    def _step(self, inputs: Any, targets: Any, lr: float) -> float:
        """Take one step and return the loss before it; may raise `ValueError` for overflows."""

    @abstractmethod
    def _arrays(self) -> dict[str, Any]:
        """Return the arrays that training changes in place, by name."""

    @abstractmethod
    def _numbers(self) -> dict[str, tuple[Any, str]]:
        """Return where the numbers that training changes are kept: name -> (object, attribute)."""

    def train_step(self, inputs: Tensor, targets: Tensor, lr: float) -> float:
        """Take one step; see `OwnStep`."""
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that one step has not converged
                return self._step(inputs.numpy(), targets.numpy(), lr)
        except ValueError as error:
            if not any(word in str(error) for word in _OVERFLOWS):
                raise
            return math.nan

    def state(self) -> dict[str, Any]:
        """Return copies of the weights, the optimizer's memory and the counts of steps."""
        arrays = {name: torch.from_numpy(np.array(value)) for name, value in self._arrays().items()}
        numbers = {name: float(getattr(owner, key)) for name, (owner, key) in self._numbers().items()}
        return {"arrays": arrays, "numbers": numbers}

    def load(self, state: Mapping[str, Any]) -> None:
        """Set weights, memory and counts."""
        for name, value in self._arrays().items():
            value[...] = state["arrays"][name].numpy()
        for name, (owner, key) in self._numbers().items():
            setattr(owner, key, type(getattr(owner, key))(state["numbers"][name]))

    def again(self) -> "_Estimator":
        """Return another model in the same state."""
        new = object.__new__(type(self))
        OwnStep.__init__(new, label=self.label, search_range=self.search_range)
        new._first = self._first
        new._estimator = copy.deepcopy(self._estimator)
        return new


class SgdModel(_Estimator):
    """`SGDClassifier` or `SGDRegressor`: a step is one batch, each sample of which moves the weights.

    Args:
        estimator: As for every estimator here.
        inputs: Likewise.
        targets: Likewise.
        classes: Likewise.
        loss: The estimator's own loss of (outputs, targets).
    """

    def __init__(self, estimator: Any, inputs: Any, targets: Any, classes: int | None, *, loss: Any) -> None:
        super().__init__(estimator, inputs, targets, classes)
        self._loss = loss

    def again(self) -> "SgdModel":
        """Return another model in the same state."""
        new: Any = super().again()
        new._loss = self._loss
        return new  # type: ignore[no-any-return]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the decision function (n, 1 or classes) or the prediction (n,)."""
        if not self._first:
            return torch.from_numpy(self._estimator.predict(inputs.numpy()))
        scores = self._estimator.decision_function(inputs.numpy())
        return torch.from_numpy(scores.reshape(len(scores), -1))

    def _start(self, inputs: Any, targets: Any) -> None:
        self._estimator.eta0 = _UNMOVED
        self._estimator.partial_fit(inputs, targets, **self._first)
        for value in self._arrays().values():
            value[...] = 0.0
        self._estimator.t_ = 1.0

    def _step(self, inputs: Any, targets: Any, lr: float) -> float:
        loss = float(self._loss(self(torch.from_numpy(inputs)), torch.from_numpy(targets)))
        if lr > 0 and math.isfinite(loss):
            self._estimator.eta0 = lr
            self._estimator.partial_fit(inputs, targets, **self._first)
        return loss

    def _arrays(self) -> dict[str, Any]:
        return {"coef": self._estimator.coef_, "intercept": self._estimator.intercept_}

    def _numbers(self) -> dict[str, tuple[Any, str]]:
        return {"t": (self._estimator, "t_")}


class MlpModel(_Estimator):
    """`MLPClassifier` or `MLPRegressor` with the solver "sgd" or "adam"."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return log-probabilities (n, classes), or predictions (n,) or (n, outputs)."""
        if not self._first:
            return torch.from_numpy(self._estimator.predict(inputs.numpy()))
        with np.errstate(divide="ignore"):
            return torch.from_numpy(np.log(self._estimator.predict_proba(inputs.numpy())))

    def _start(self, inputs: Any, targets: Any) -> None:
        estimator = self._estimator
        estimator.learning_rate_init = _UNMOVED
        estimator.batch_size = len(inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator.partial_fit(inputs, targets, **self._first)
        weights = {id(value) for value in (*estimator.coefs_, *estimator.intercepts_)}
        for value in self._arrays().values():
            if id(value) not in weights:
                value[...] = 0.0
        for name, (owner, key) in self._numbers().items():
            setattr(owner, key, type(getattr(owner, key))(0) if name != "best" else math.inf)

    def _step(self, inputs: Any, targets: Any, lr: float) -> float:
        estimator, optimizer = self._estimator, self._estimator._optimizer
        estimator.batch_size = len(inputs)
        optimizer.learning_rate_init = lr
        falls = estimator.learning_rate == "invscaling" and estimator.solver == "sgd"
        optimizer.learning_rate = lr / (estimator.t_ + 1) ** optimizer.power_t if falls else lr
        estimator.partial_fit(inputs, targets, **self._first)
        estimator.loss_curve_.clear()
        return float(estimator.loss_)

    def _arrays(self) -> dict[str, Any]:
        estimator, optimizer = self._estimator, self._estimator._optimizer
        memory = ("velocities",) if estimator.solver == "sgd" else ("ms", "vs")
        lists = {"coef": estimator.coefs_, "intercept": estimator.intercepts_}
        lists |= {name: getattr(optimizer, name) for name in memory}
        return {
            f"{name} {place}": value for name, values in lists.items() for place, value in enumerate(values)
        }

    def _numbers(self) -> dict[str, tuple[Any, str]]:
        estimator = self._estimator
        found = {"t": (estimator, "t_"), "best": (estimator, "best_loss_")}
        if estimator.solver == "adam":
            found["adam"] = (estimator._optimizer, "t")
        return found
