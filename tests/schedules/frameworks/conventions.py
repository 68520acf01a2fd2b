"""What the libraries do where they differ, measured: a table of docs/schedules.md."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.schedules.frameworks.processes import python

from rightrate.schedules import Constant, Cosine, Exponential, MultiStep, OneCycle

LIBRARIES = ("torch", "Keras", "optax", "transformers", "rightrate")
QUESTIONS: dict[str, tuple[str, tuple[int, ...]]] = {
    "boundary": ("A drop to a tenth at step 3", (2, 3, 4)),
    "warm-up": ("A warm-up of 3 steps to 1", (0, 1, 2, 3)),
    "start": ("A decay along a cosine of length 4 from 1 to 0", (0, 1, 2, 3)),
    "after": ("The same cosine after its end", (4, 5, 6)),
    "total": ("Length 6 and a warm-up of 2 steps, then a cosine", (2, 4, 5, 6, 7, 8)),
    "cycle": ("One cycle of length 10, as the library does it unasked", (0, 8, 9, 10, 11)),
    "exponential": ("A tenth in 4 steps, after a run of 8 steps", (7, 8, 12)),
}
"""What is asked of each library, and the steps at which its answer is looked at."""

Answers = dict[str, list[float | None]]
"""Rates at the steps of each question, None for a refusal. What a library has not is left out."""


def at(name: str, rate: Callable[[int], Any]) -> list[float | None]:
    return [float(rate(step)) for step in QUESTIONS[name][1]]


def of_torch(name: str, build: Callable[[Any], Any]) -> list[float | None]:
    """Return the rates of a real optimizer beside which a scheduler steps."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    scheduler = build(optimizer)
    steps = QUESTIONS[name][1]
    rates: dict[int, float] = {}
    for step in range(max(steps) + 1):
        rates[step] = float(optimizer.param_groups[0]["lr"])
        optimizer.step()
        try:
            scheduler.step()
        except ValueError:  # "Tried to step 11 times"
            break
    return [rates.get(step) for step in steps]


def torch_answers() -> Answers:
    from torch.optim import lr_scheduler as theirs

    builds: dict[str, Callable[[Any], Any]] = {
        "boundary": lambda optimizer: theirs.MultiStepLR(optimizer, milestones=[3]),
        "warm-up": lambda optimizer: theirs.LinearLR(optimizer, total_iters=3),
        "start": lambda optimizer: theirs.CosineAnnealingLR(optimizer, T_max=4),
        "after": lambda optimizer: theirs.CosineAnnealingLR(optimizer, T_max=4),
        "total": lambda optimizer: theirs.SequentialLR(
            optimizer,
            [theirs.LinearLR(optimizer, total_iters=2), theirs.CosineAnnealingLR(optimizer, T_max=6)],
            milestones=[2],
        ),
        "cycle": lambda optimizer: theirs.OneCycleLR(optimizer, max_lr=1.0, total_steps=10),
        "exponential": lambda optimizer: theirs.ExponentialLR(optimizer, gamma=0.1**0.25),
    }
    return {name: of_torch(name, build) for name, build in builds.items()}


def keras_answers() -> Answers:
    """Measure in a process of its own."""
    answers: Answers = json.loads(
        python("torch", "-m", "tests.schedules.frameworks.conventions").splitlines()[-1]
    )
    return answers


def measure_keras() -> Answers:
    from keras.optimizers import schedules as theirs

    warm = theirs.CosineDecay(0.0, 6, warmup_target=1.0, warmup_steps=2)
    return {
        "boundary": at("boundary", theirs.PiecewiseConstantDecay([3], [1.0, 0.1])),
        "warm-up": at("warm-up", theirs.CosineDecay(0.0, 6, warmup_target=1.0, warmup_steps=3)),
        "start": at("start", theirs.CosineDecay(1.0, 4)),
        "after": at("after", theirs.CosineDecay(1.0, 4)),
        "total": at("total", warm),
        "exponential": at("exponential", theirs.ExponentialDecay(1.0, 4, 0.1)),
    }


def optax_answers() -> Answers:
    import optax

    warm = optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup_steps=2, decay_steps=6)
    return {
        "boundary": at("boundary", optax.piecewise_constant_schedule(1.0, {3: 0.1})),
        "warm-up": at("warm-up", optax.warmup_cosine_decay_schedule(0.0, 1.0, 3, 6)),
        "start": at("start", optax.cosine_decay_schedule(1.0, 4)),
        "after": at("after", optax.cosine_decay_schedule(1.0, 4)),
        "total": at("total", warm),
        "cycle": at("cycle", optax.cosine_onecycle_schedule(10, 1.0)),
        "exponential": at("exponential", optax.exponential_decay(1.0, 4, 0.1)),
    }


def transformers_answers() -> Answers:
    from transformers import get_cosine_schedule_with_warmup as cosine

    return {
        "warm-up": of_torch("warm-up", lambda optimizer: cosine(optimizer, 3, 6)),
        "start": of_torch("start", lambda optimizer: cosine(optimizer, 0, 4)),
        "after": of_torch("after", lambda optimizer: cosine(optimizer, 0, 4)),
        "total": of_torch("total", lambda optimizer: cosine(optimizer, 2, 6)),
    }


def our_answers() -> Answers:
    return {
        "boundary": at("boundary", MultiStep(total_steps=10, milestones=(3,), factor=0.1)),
        "warm-up": at("warm-up", Constant(total_steps=10, warmup_steps=3)),
        "start": at("start", Cosine(total_steps=4)),
        "after": at("after", Cosine(total_steps=4)),
        "total": at("total", Cosine(total_steps=6, warmup_steps=2)),
        "cycle": at("cycle", OneCycle(total_steps=10)),
        "exponential": at("exponential", Exponential(total_steps=8, decay_steps=4, rate=0.1)),
    }


def answers() -> dict[str, Answers]:
    """Return what each library does."""
    every = (torch_answers, keras_answers, optax_answers, transformers_answers, our_answers)
    return {library: measure() for library, measure in zip(LIBRARIES, every, strict=True)}


def cell(rates: Sequence[float | None] | None) -> str:
    if rates is None:
        return "has none"
    return ", ".join("refused" if rate is None else f"{round(rate, 9) + 0.0:.3g}" for rate in rates)


def conventions(measured: dict[str, Answers]) -> str:
    """Return the table of what the libraries do."""
    lines = [f"| asked for | at steps | {' | '.join(LIBRARIES)} |", "|---|---|" + "---|" * len(LIBRARIES)]
    for name, (question, steps) in QUESTIONS.items():
        cells = [cell(measured[library].get(name)) for library in LIBRARIES]
        lines.append(f"| {question} | {', '.join(map(str, steps))} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(measure_keras()))
