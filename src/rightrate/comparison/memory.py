"""How much memory an optimizer keeps for each parameter, measured after real steps."""

from typing import Any

import numpy as np
from torch import Tensor

from rightrate.population.serial import SerialPopulation
from rightrate.population.setup import Setup
from rightrate.tasks.own_step import OwnStep

__all__ = ["measured_state"]

_STEPS, _RATE = 2, 1e-6


def measured_state(setup: Setup) -> tuple[float | None, int]:
    """Return bytes of optimizer state for each parameter, and how many parameters are trained.

    Two real steps are taken by one member; then the bytes of all tensors in its optimizer's state are counted
    with its step counters.

    Args:
        setup: The task with its optimizer; it is not changed.

    Returns:
        Bytes a parameter, None where the model takes its own steps; parameters.
    """
    trained = [parameter for parameter in setup.program.parameters() if parameter.requires_grad]
    count = sum(parameter.numel() for parameter in trained)
    if isinstance(setup.program.model, OwnStep):
        return None, count
    population = SerialPopulation(setup, 1)
    population.advance(np.full((_STEPS, 1), _RATE))
    (optimizer,) = population.optimizers()
    return _bytes(optimizer.state_dict()["state"]) / max(1, count), count


def _bytes(state: Any) -> int:
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(_bytes(item) for item in state.values())
    return sum(_bytes(item) for item in state) if isinstance(state, (list, tuple)) else 0
