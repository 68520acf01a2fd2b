"""Having learned nothing: the level every result is measured from."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rightrate.population import Prepared, Setup
from rightrate.population.evaluate import call_metric, evaluate_program, gathered
from rightrate.population.program import evaluating, normalisations
from rightrate.population.recalibrate import RECALIBRATION_BATCHES, recalibrate_program
from rightrate.tasks.batches import batch_size_of

__all__ = ["Untrained", "untrained_metrics"]

_TARGETS = 4096
_LARGEST_OUTPUT = 16_384
_ELEMENTS = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Untrained:
    """Every metric at the level of having learned nothing.

    Args:
        metrics: That level.
        start: Every metric at the initial weights as short trials are judged: with normalisation statistics
            re-estimated for them.
        note: What could not be found out, or "".
    """

    metrics: Mapping[str, float]
    start: Mapping[str, float]
    note: str = ""


def untrained_metrics(prepared: Prepared, setup: Setup) -> Untrained:
    """Return every metric at the level of having learned nothing.

    That is the better of two: the model at its start, and the best constant prediction (class frequencies,
    target means), found by minimising the task's own loss over one output for all samples of the training
    data. Without outputs (`step=`) only the start counts. Weight penalties play no part.

    Args:
        prepared: The task.
        setup: Its weights at the start.

    Returns:
        "loss" and each metric of the task; the objective's direction decides which of the two is better.
        Where there is no constant prediction, the start, and a note that says why.
    """
    start = evaluate_program(setup.program, setup.valid, setup.metrics)
    judged = _as_judged(setup) if normalisations(setup.program) else start
    if prepared.task.loss is None:
        return Untrained(metrics=start, start=judged)
    constant = _constant(_own(prepared.task.loss), setup)
    if isinstance(constant, str):
        note = f"Having learned nothing is measured at the start only: {constant}."
        return Untrained(metrics=start, start=judged, note=note)
    objective = prepared.task.objective
    result = {}
    for name, value in start.items():
        larger = name == objective.name and objective.direction == "max"
        other = constant[name]
        if name == "loss" or name == objective.name:
            better = max if larger else min
            result[name] = better(value, other) if value == value else other
        else:
            result[name] = value
    return Untrained(metrics=result, start=judged)


def _as_judged(setup: Setup) -> dict[str, float]:
    program = setup.copy_program()
    recalibrate_program(program, setup, RECALIBRATION_BATCHES)
    return evaluate_program(program, setup.valid, setup.metrics, seed=setup.seed)


def _own(loss: Any) -> Any:
    """Return a loss whose state may change: a module is copied."""
    return copy.deepcopy(loss) if isinstance(loss, nn.Module) else loss


def _constant(loss: Any, setup: Setup) -> dict[str, float] | str:
    """Return the metrics of the best constant prediction, or why there is none."""
    first = next(iter(setup.valid))
    with torch.no_grad(), evaluating(setup.program):
        output = setup.program(first)[1]
    if not isinstance(output, Tensor) or output.ndim < 1 or output[0].numel() > _LARGEST_OUTPUT:
        return "the model's output is not one tensor of moderate size"
    wanted = min(_TARGETS, _ELEMENTS // max(1, output[0].numel()))
    batches, seen = [], 0
    for batch in setup.train.open(setup.seed, 0)[1]:
        batches.append(batch[1])
        seen += batch_size_of(batch)
        if seen >= wanted:
            break
    targets = gathered(batches)
    rows = max(1, len(output) // batch_size_of(first))
    try:
        one = _fitted(loss, output[0], targets, rows)
        return _judged(one, loss, setup, rows)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return f"the loss of a constant prediction fails with {type(error).__name__}"


def _fitted(loss: Any, like: Tensor, targets: Any, rows: int) -> Tensor:
    """Return the one output that minimises the loss over all targets, by L-BFGS from zero.

    `rows` says how many outputs a sample has, as where the positions of texts are joined along axis 0.
    """
    samples = rows * (len(targets) if isinstance(targets, Tensor) else batch_size_of(targets))
    constant = torch.zeros(like.shape, dtype=like.dtype, device=like.device, requires_grad=True)
    solver = torch.optim.LBFGS([constant], max_iter=50, line_search_fn="strong_wolfe")

    def value() -> Tensor:
        result: Tensor = loss(constant.expand(samples, *like.shape), targets)
        return result

    with torch.enable_grad():
        (slope,) = torch.autograd.grad(value(), constant)
        size = float(slope.norm())
        if not 0 < size < math.inf:
            return constant.detach()

        def closure() -> Tensor:
            solver.zero_grad()
            scaled = value() / size  # the solver's tolerances are absolute, losses have any scale
            scaled.backward()  # type: ignore[no-untyped-call]
            return scaled

        solver.step(closure)  # type: ignore[no-untyped-call]
    return constant.detach()


def _judged(one: Tensor, loss: Any, setup: Setup, rows: int) -> dict[str, float]:
    total, samples, targets = 0.0, 0, []
    for _, target in setup.valid:
        count = batch_size_of(target)
        total += float(loss(one.expand(rows * count, *one.shape), target)) * count
        samples += count
        targets.append(target)
    result = {"loss": total / samples}
    outputs = one.expand(rows * samples, *one.shape)
    for name, metric in setup.metrics.items():
        result[name] = call_metric(metric, outputs, gathered(targets))
    return result
