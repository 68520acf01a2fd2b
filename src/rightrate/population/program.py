"""The model with its loss as one module, so that every engine calls the same thing."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rightrate.errors import ModelError, describe
from rightrate.tasks.own_step import OwnStep

__all__ = ["Program", "evaluating", "normalisations", "own_draws", "seed_draws"]


class Program(nn.Module):
    """A model together with its loss: a batch goes in, the loss and (if there is one) the output come out.

    Args:
        model: The model, owned by the program.
        loss: `f(output, target) -> scalar`, for batches `(input, target)`; or None. A module is copied.
        step: `f(model, batch) -> scalar`, where `loss` is None.
        autocast: "bfloat16" to run the forward pass under automatic mixed precision.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        loss: Callable[[Any, Any], Tensor] | None,
        step: Callable[[Any, Any], Tensor] | None,
        autocast: str | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self._loss = copy.deepcopy(loss) if isinstance(loss, nn.Module) else loss
        self._step = step
        self._autocast = autocast is not None

    def forward(self, batch: Any) -> tuple[Tensor, Tensor | None]:
        """Return the loss, a scalar, and the output of the model, or None where `step` hides it."""
        if self._autocast:
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                loss, output = self._call(batch)
        else:
            loss, output = self._call(batch)
        if not isinstance(loss, Tensor) or loss.ndim != 0:
            shown = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
            advice = "Return the mean over the batch."
            raise ModelError(describe("loss", "a scalar tensor", shown, advice))
        return (loss.float() if self._autocast else loss), output

    def _call(self, batch: Any) -> tuple[Tensor, Tensor | None]:
        if self._step is not None:
            return self._step(self.model, batch), None
        inputs, target = _pair(batch)
        output = self.model(inputs)
        return self._call_loss(output, target), output

    def _call_loss(self, output: Any, target: Any) -> Tensor:
        if self._loss is None:
            raise ModelError(describe("Program", "given a loss or a step", None))
        return self._loss(output, target)

    @property
    def device(self) -> torch.device:
        """Return the device of the first parameter."""
        for parameter in self.model.parameters():
            return parameter.device
        raise ModelError(describe("model", "a module with parameters", type(self.model).__name__))

    def seed_draws(self, seed: int) -> None:
        """Set torch's default generators of the CPU and of this program's device."""
        seed_draws(self.device, seed)


def seed_draws(device: torch.device, seed: int) -> None:
    """Set torch's default generators of the CPU and of `device`."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)


def _pair(batch: Any) -> tuple[Any, Any]:
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        return batch[0], batch[1]
    advice = "Pass step=f(model, batch) for any other kind of batch."
    raise ModelError(
        describe("batch", "a pair (input, target) where loss= is given", type(batch).__name__, advice)
    )


@contextmanager
def own_draws(device: torch.device) -> Iterator[None]:
    """Put torch's random states of the CPU and of `device` back on leaving."""
    devices = [device.index or 0] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Switch every submodule to evaluation mode and put each one's own mode back."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def normalisations(module: nn.Module) -> list[Any]:
    """Return the submodules that keep running statistics (batch and instance normalisation)."""
    base = nn.modules.batchnorm._NormBase
    parts = list(module.modules())
    found = [part for part in parts if isinstance(part, base) and part.track_running_stats]
    return found + [inner for part in parts if isinstance(part, OwnStep) for inner in part.normalisations()]
