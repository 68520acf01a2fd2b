"""How much memory an optimizer keeps for each parameter, measured after real steps."""

from itertools import islice
from typing import Any

import torch
from torch import Tensor

from rightrate.population.program import own_draws
from rightrate.population.setup import Setup
from rightrate.tasks.nest import copied
from rightrate.tasks.own_step import OwnStep

__all__ = ["measured_state"]

_STEPS = 2


def measured_state(setup: Setup) -> tuple[float | None, int]:
    """Return bytes of optimizer state for each parameter, and how many parameters are trained.

    Two real steps are taken by a copy; then the bytes of all tensors in the optimizer's state are counted,
    its step counters among them.

    Args:
        setup: The task with its optimizer; it is not changed.

    Returns:
        Bytes a parameter, None where the model takes its own steps; parameters.
    """
    program = setup.copy_program()
    trained = [parameter for parameter in program.parameters() if parameter.requires_grad]
    count = sum(parameter.numel() for parameter in trained)
    if isinstance(program.model, OwnStep):
        return None, count
    optimizer = setup.build_optimizer(program)
    with own_draws(program.device), torch.enable_grad():
        program.seed_draws(setup.seed)
        for batch in islice(setup.train.stream(setup.seed), _STEPS):
            optimizer.zero_grad()
            program(copied(batch))[0].backward()
            optimizer.step()
    return _bytes(optimizer.state_dict()["state"]) / max(1, count), count


def _bytes(state: Any) -> int:
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(_bytes(item) for item in state.values())
    return sum(_bytes(item) for item in state) if isinstance(state, (list, tuple)) else 0
