"""The self-check: one step both ways from the same state, before a stacked engine is trusted.

It is local on purpose. Trajectories of a correct engine drift apart (float32 rounding grows to 4e-2 by step
40 at a high rate), so the engines are put on the same state before each comparison.
"""

import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rightrate.population.gradients import Form, Gradients, gradients
from rightrate.population.kernel import Kernel
from rightrate.population.members import Members
from rightrate.population.program import Program, own_draws
from rightrate.population.serial import SerialPopulation
from rightrate.population.setup import Setup
from rightrate.population.stacked_evaluation import StackedEvaluation
from rightrate.tasks.nest import copied
from rightrate.tasks.seeds import mix

__all__ = [
    "CHECK_MEMBERS",
    "check_evaluation",
    "check_kernel",
    "check_precisely",
    "explain",
    "quiet",
    "stacked_from",
]

CHECK_MEMBERS = 3
_AHEAD = 3
_FLOAT32, _FLOAT64, _BFLOAT16 = 1e-4, 1e-9, 5e-2
_NO_RULE = re.compile(r"(?:Batching rule not implemented for|no batching rule[^a-z]*for)\s+(aten::[\w.]+)")


def check_kernel(setup: Setup, kernel: Kernel, rates: Sequence[float]) -> str:
    """Compare the kernel with real models at the start and after a few steps at three rates.

    Args:
        setup: What is trained.
        kernel: The stacked engine; a compiled one is run compiled.
        rates: A low, a middle and a high learning rate.

    Returns:
        "" if losses, gradients, buffers and the updates agree, else what differs, as the end of a sentence.
    """
    tolerance = _BFLOAT16 if setup.training.autocast else _tolerance_of(setup.program)
    serial = SerialPopulation(setup, CHECK_MEMBERS)
    row = np.array([list(rates)])
    for ahead in (0, _AHEAD):
        if ahead:
            serial.advance(np.repeat(row, ahead, axis=0))
        members = stacked_from(serial)
        difference = _compare_gradients(setup, kernel.gradients, serial, members, tolerance)
        if difference:
            return difference
        difference = _compare_step(setup, kernel, serial, members, row, tolerance)
        if difference:
            return difference
    return ""


def check_precisely(setup: Setup, form: Form) -> str:
    """Compare gradients and buffers in float64, where the model can be converted; "" where it cannot."""
    program = setup.copy_program().double()
    batch = _doubled(next(iter(setup.train.stream(setup.seed))))
    double = setup.with_program(program)
    try:
        with own_draws(program.device):
            program(copied(batch))
    except (RuntimeError, ValueError, TypeError):
        return ""
    serial = SerialPopulation(double, CHECK_MEMBERS)
    return _compare_gradients(
        double, gradients(double.copy_program(), form), serial, stacked_from(serial), _FLOAT64, batch=batch
    )


def check_evaluation(setup: Setup, evaluation: StackedEvaluation, rates: Sequence[float]) -> str:
    """Compare the evaluation of stacked members with that of real models; "" if they agree."""
    serial = SerialPopulation(setup, CHECK_MEMBERS)
    serial.advance(np.array([list(rates)]))
    expected = serial.evaluate()
    found = evaluation.run(stacked_from(serial), CHECK_MEMBERS)
    for name, values in expected.items():
        loose = 2e-2 if name != "loss" or setup.training.autocast else 1e-4
        if not np.allclose(found[name], values, rtol=loose, atol=loose, equal_nan=True):
            return f"the validation {name} differs from that of separate models"
    return ""


def stacked_from(serial: SerialPopulation) -> Members:
    """Return the state of serial members as stacked members."""
    programs, optimizers = serial.programs(), serial.optimizers()
    groups = optimizers[0].param_groups
    by_id = {id(value): name for name, value in programs[0].named_parameters()}
    names = [by_id[id(value)] for group in groups for value in group["params"] if value.requires_grad]
    values = [dict(program.named_parameters()) for program in programs]
    buffers = [dict(program.named_buffers()) for program in programs]
    params = {name: torch.stack([own[name].detach() for own in values]) for name in names}
    members = Members(
        params=params,
        buffers={name: torch.stack([own[name].detach() for own in buffers]) for name in buffers[0]},
        alive=torch.tensor(serial.alive, device=programs[0].device),
    )
    for name in names:
        slots = [
            optimizer.state.get(own[name], {}) for optimizer, own in zip(optimizers, values, strict=True)
        ]
        if slots[0]:
            members.slots[name] = {key: _stacked_slot(key, slots, values[0][name]) for key in slots[0]}
    return members


def _stacked_slot(key: str, slots: Sequence[Mapping[str, Any]], parameter: Tensor) -> Any:
    first = slots[0][key]
    if isinstance(first, Tensor) and first.shape == parameter.shape and (first.ndim or key != "step"):
        return torch.stack([own[key] for own in slots])
    return first.clone() if isinstance(first, Tensor) else first


def _compare_gradients(
    setup: Setup,
    compute: Gradients,
    serial: SerialPopulation,
    members: Members,
    tolerance: float,
    *,
    batch: Any = None,
) -> str:
    draws = mix(setup.seed, serial.step)
    if batch is None:
        batch = next(islice(setup.train.stream(setup.seed, serial.step * setup.training.accumulate), 1))
    with own_draws(setup.program.device):
        setup.program.seed_draws(draws)
        grads, losses, after = compute(members.params, members.buffers, copied(batch))
        for index, program in enumerate(serial.take(range(serial.size)).programs()):
            program.zero_grad(set_to_none=True)
            program.seed_draws(draws)
            loss, _ = program(copied(batch))
            if not math.isfinite(float(loss.detach())):
                if math.isfinite(float(losses[index])):
                    return "a loss that is not finite comes out finite"
                continue
            loss.backward()
            difference = _member_differs(program, loss, grads, losses, after, index, tolerance)
            if difference:
                return difference
    return ""


def _member_differs(
    program: Program,
    loss: Tensor,
    grads: Mapping[str, Tensor],
    losses: Tensor,
    after: Mapping[str, Tensor],
    index: int,
    tolerance: float,
) -> str:
    if not _close(losses[index], loss.detach(), tolerance, 0.0):
        return "the training loss differs from that of separate models"
    values = dict(program.named_parameters())
    for name in grads:
        if values[name].grad is None:
            short = name.removeprefix("model.")
            return f"parameter '{short}' gets no gradient, and torch's optimizer would skip it"
    own = {name: value.grad for name, value in values.items() if value.grad is not None}
    largest = max((float(value.abs().max()) for value in own.values() if value.numel()), default=0.0)
    for name, value in grads.items():
        if not _close(value[index], own[name], tolerance, 1e-2 * tolerance * largest):
            return f"the gradient of '{name.removeprefix('model.')}' differs from that of separate models"
    for name, buffer in program.named_buffers():
        if not _close(after[name][index], buffer, tolerance, 1e-7):
            short = name.removeprefix("model.")
            return f"buffer '{short}' is not updated in place (the forward pass re-assigns it)"
    return ""


def _compare_step(
    setup: Setup,
    kernel: Kernel,
    serial: SerialPopulation,
    members: Members,
    row: "np.ndarray[Any, np.dtype[np.float64]]",
    tolerance: float,
) -> str:
    """Compare one whole step, the optimizer's included, by the size of what it changed.

    Compiled code takes only full calls, and no first step of an optimizer: there the members are repeated and
    a step at rate zero goes before.
    """
    rows = row if kernel.size is None else np.concatenate([np.zeros_like(row), row])
    which = [index % serial.size for index in range(kernel.size or serial.size)]
    accumulate, step = setup.training.accumulate, serial.step
    stream = setup.train.stream(setup.seed, step * accumulate)
    batches = [list(islice(stream, accumulate)) for _ in rows]
    draws = [mix(setup.seed, step + index) for index in range(len(rows))]
    plain = serial.take(range(serial.size))
    expected = plain.advance(rows)
    repeated = members.pick(which)
    with own_draws(setup.program.device), torch.no_grad():
        found = kernel.run(repeated, batches, rows[:, which], draws).double().cpu().numpy()
    if not np.allclose(found, expected[:, which], rtol=tolerance, equal_nan=True):
        return "the training loss of a whole step differs from that of separate models"
    programs = [dict(program.named_parameters()) for program in plain.programs()]
    for name, start in members.params.items():
        for place, index in enumerate(which):
            if _gradient_is_rounding(programs[index], name):
                continue  # a bias before a normalisation: some optimizers blow its noise up to whole steps
            value = programs[index][name].detach()
            change = torch.linalg.vector_norm(value - start[index])
            error = torch.linalg.vector_norm(repeated.params[name][place] - value)
            if not bool(error <= 5e-2 * change + 1e-5 * torch.linalg.vector_norm(value) + 1e-7):
                return f"the update of '{name.removeprefix('model.')}' differs from that of separate models"
    return ""


def _gradient_is_rounding(values: Mapping[str, nn.Parameter], name: str) -> bool:
    """Say whether a parameter's gradient is nothing but rounding, beside those of the others."""
    grads = {key: float(value.grad.abs().max()) for key, value in values.items() if value.grad is not None}
    return grads.get(name, math.inf) < 1e-6 * max(grads.values(), default=0.0)


def _close(found: Tensor, expected: Tensor, relative: float, absolute: float) -> bool:
    found, expected = found.detach().double(), expected.detach().double()
    scale = float(expected.abs().nan_to_num(0.0, 0.0, 0.0).max()) if expected.numel() else 0.0
    return torch.allclose(found, expected, rtol=relative, atol=relative * scale + absolute, equal_nan=True)


def _tolerance_of(program: Program) -> float:
    dtypes = {value.dtype for value in program.parameters()}
    return 1e-8 if dtypes == {torch.float64} else _FLOAT32 if torch.float32 in dtypes else _BFLOAT16


def _doubled(batch: Any) -> Any:
    if isinstance(batch, Tensor):
        return batch.double() if batch.is_floating_point() else batch
    if isinstance(batch, dict):
        return {key: _doubled(value) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(_doubled(value) for value in batch)
    return batch


def explain(error: Exception, program: Program) -> str:
    """Return why a stacked engine failed, as the end of a sentence."""
    text = str(error).strip()
    rule = _NO_RULE.search(text)
    parametrised = [
        type(part).__name__.lstrip("_")
        for part in program.modules()
        if "Norm" in type(part).__name__ and "parametrizations" in type(part).__module__
    ]
    if parametrised and "SpectralNorm" in parametrised:
        return "spectral_norm has no batching rule"
    if rule:
        return f"{rule.group(1)} has no batching rule"
    line = text.splitlines()[0] if text else type(error).__name__
    return f"{type(error).__name__} under vmap: {line[:160]}"


@contextmanager
def quiet() -> Iterator[None]:
    """Silence torch's remarks on slow paths: the calibration measures them instead."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        yield
