"""Re-estimating normalisation statistics before a short probe is judged.

Running statistics with momentum m arrive after about 1/m steps. A probe shorter than that would be judged by
statistics that lag its weights; a plain mean over fresh training batches has no lag.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch import nn

from rightrate.population.program import Program, normalisations, own_draws
from rightrate.population.setup import Setup
from rightrate.tasks.seeds import mix

__all__ = ["RECALIBRATION_BATCHES", "averaging", "recalibrate_program", "recalibrating"]

RECALIBRATION_BATCHES = 16
"""How many batches short trials are re-estimated over."""

_STREAM = 7  # keeps these batches and draws apart from training's


def recalibrate_program(program: Program, setup: Setup, batches: int) -> None:
    """Replace one model's running statistics by plain means over `batches` training batches."""

    def forward(batch: Any, draws: int) -> None:
        program.seed_draws(draws)
        program(batch)

    recalibrating(program, setup, batches, forward)


def recalibrating(
    program: Program, setup: Setup, batches: int, forward: Callable[[Any, int], object]
) -> None:
    """Run `forward` on training batches with every normalisation averaging plainly.

    Args:
        program: The module whose normalisations are told to average.
        setup: Where the batches come from.
        batches: How many.
        forward: `f(batch, draws)` that runs one batch through, with its own buffers, under a seed of draws.
    """
    if not normalisations(program):
        return
    seed = mix(setup.seed, _STREAM)
    with own_draws(program.device), torch.no_grad():
        for index, batch in enumerate(islice(setup.train.stream(seed), batches)):
            with averaging(program, 1.0 / (index + 1)):
                forward(batch, mix(seed, index))


@contextmanager
def averaging(module: nn.Module, momentum: float) -> Iterator[None]:
    """Set the momentum of every normalisation: 1/(i+1) at batch i makes a plain mean of all batches."""
    parts = normalisations(module)
    before = [part.momentum for part in parts]
    for part in parts:
        part.momentum = momentum
    try:
        yield
    finally:
        for part, own in zip(parts, before, strict=True):
            part.momentum = own
