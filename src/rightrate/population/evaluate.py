"""Judging a model on the whole validation set."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from rightrate.population.program import Program, evaluating, own_draws
from rightrate.tasks.batches import batch_size_of
from rightrate.tasks.seeds import mix
from rightrate.tasks.task import Metric

__all__ = ["call_metric", "evaluate_program", "gathered", "validation_draws"]

_STREAM = 8  # keeps these draws apart from training's


def evaluate_program(
    program: Program, valid: Iterable[Any], metrics: Mapping[str, Metric], *, seed: int = 0
) -> dict[str, float]:
    """Return the mean loss over all validation samples and every metric over the whole set.

    A loss that is not finite is NaN, and so is every metric then.

    Args:
        program: Model and loss; its modes and torch's random state are put back.
        valid: The validation data, or other batches.
        metrics: What else to measure.
        seed: Of draws that a model makes even in evaluation mode.
    """
    total, samples = 0.0, 0
    outputs: list[Tensor] = []
    targets: list[Any] = []
    with torch.no_grad(), evaluating(program), own_draws(program.device):
        for index, batch in enumerate(valid):
            program.seed_draws(validation_draws(seed, index))
            loss, output = program(batch)
            count = batch_size_of(batch)
            total += float(loss) * count
            samples += count
            if metrics and output is not None:
                outputs.append(output)
                targets.append(batch[1])
    loss_mean = total / samples
    result = {"loss": loss_mean if math.isfinite(loss_mean) else math.nan}
    joined = (gathered(outputs), gathered(targets)) if outputs else (None, None)
    for name, metric in metrics.items():
        result[name] = call_metric(metric, *joined) if math.isfinite(loss_mean) else math.nan
    return result


def validation_draws(seed: int, index: int) -> int:
    """Return the seed of the draws on one validation batch."""
    return mix(seed, _STREAM, index)


def gathered(parts: list[Any]) -> Any:
    """Return batches joined along axis 0: tensors, or tuples, lists and dicts of them."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(parts)
    if isinstance(first, dict):
        return {key: gathered([part[key] for part in parts]) for key in first}
    if isinstance(first, (tuple, list)):
        return type(first)(gathered(list(items)) for items in zip(*parts, strict=True))
    return parts


def call_metric(metric: Metric, outputs: Any, targets: Any) -> float:
    """Return the metric as a float, NaN where it is not finite."""
    value = float(metric(outputs, targets))
    return value if math.isfinite(value) else math.nan
