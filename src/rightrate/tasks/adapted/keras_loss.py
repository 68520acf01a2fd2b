"""The loss of a Keras model, with a gradient that torch can follow."""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightrate.errors import ConfigError, describe

__all__ = ["KerasLoss"]

_PROBABILITIES = {
    "CategoricalCrossentropy": "softmax",
    "SparseCategoricalCrossentropy": "softmax",
    "BinaryCrossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
    "binary_crossentropy": "sigmoid",
}
_SMALLEST = 1e-30


class KerasLoss:
    """`f(scores, targets) -> mean loss`, computed by Keras.

    Scores are the outputs of the model, or their logits where the outputs are probabilities: so every score
    is a prediction, and the best constant one can be looked for.

    Args:
        loss: What the model was compiled with.

    Raises:
        ConfigError: If that is not one loss for one output.
    """

    def __init__(self, loss: Any) -> None:
        import keras

        if loss is None or isinstance(loss, dict | list | tuple):
            allowed = "compiled with one loss for one output"
            advice = "Search on the sum of the losses with a Task of your own."
            raise ConfigError(describe("The Keras model", allowed, loss, advice))
        self._keras = keras
        self._loss = keras.losses.get(loss)
        config = self._loss.get_config() if isinstance(self._loss, keras.losses.Loss) else {}
        name = loss if isinstance(loss, str) else getattr(self._loss, "__name__", type(self._loss).__name__)
        self.activation = "" if config.get("from_logits") else _PROBABILITIES.get(str(name), "")
        self.classes = "Categorical" in str(name) or "categorical" in str(name)

    def __call__(self, scores: Tensor, targets: Any) -> Tensor:
        """Return the mean loss, a scalar."""
        if self.activation == "softmax":
            outputs = torch.softmax(scores, dim=-1)
        elif self.activation == "sigmoid":
            outputs = torch.sigmoid(scores)
        else:
            outputs = scores
        value: Tensor = _Outside.apply(outputs, targets, self)  # type: ignore[no-untyped-call]
        return value

    def __deepcopy__(self, memo: dict[int, Any]) -> "KerasLoss":
        return self  # nothing in it changes

    def scores(self, outputs: Tensor) -> Tensor:
        """Return the scores of a model's outputs."""
        if self.activation == "softmax":
            return outputs.clamp(min=_SMALLEST).log()
        return torch.logit(outputs, eps=1e-7) if self.activation == "sigmoid" else outputs

    def value_and_slope(self, outputs: Any, targets: Any) -> tuple[float, Any]:
        """Return the loss and its gradient with respect to the outputs."""
        backend = self._keras.backend.backend()
        if backend == "jax":
            value, slope = self._jax()(outputs, targets)
            return float(value), np.array(slope)
        if backend == "tensorflow":
            import tensorflow

            given = tensorflow.convert_to_tensor(outputs)
            with tensorflow.GradientTape() as tape:
                tape.watch(given)
                value = self._mean(given, targets)
            return float(value), np.array(tape.gradient(value, given))
        leaf = torch.tensor(outputs, requires_grad=True)
        with torch.enable_grad():
            value = self._mean(leaf, targets)
        (slope,) = torch.autograd.grad(value, leaf)
        return float(value.detach()), slope.numpy()

    @cache  # noqa: B019 - one a search; what is compiled lives as long as the loss
    def _jax(self) -> Any:
        import jax

        return jax.jit(jax.value_and_grad(self._mean))

    def _mean(self, outputs: Any, targets: Any) -> Any:
        ops = self._keras.ops
        wanted = ops.convert_to_tensor(targets)
        if len(outputs.shape) == len(wanted.shape) + 1 and outputs.shape[-1] == 1:
            wanted = ops.expand_dims(wanted, -1)
        if not self.classes:
            wanted = ops.cast(wanted, outputs.dtype)
        return ops.mean(self._loss(wanted, outputs))


class _Outside(torch.autograd.Function):
    """A loss that is computed elsewhere, with its gradient."""

    @staticmethod
    def forward(ctx: Any, outputs: Tensor, targets: Any, loss: KerasLoss) -> Tensor:
        value, slope = loss.value_and_slope(outputs.detach().numpy(), targets.numpy())
        ctx.save_for_backward(torch.from_numpy(np.array(slope)))
        return outputs.new_tensor(value)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (slope,) = ctx.saved_tensors
        return grads[0] * slope, None, None
