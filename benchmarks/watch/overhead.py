"""What watching costs: bare and watched steps of one loop in turns, in processor time.

OMP_NUM_THREADS=1 python -m benchmarks.watch.overhead --write
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

import rightrate as rr
from rightrate.watch import Measure

FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

RESULT = Path(__file__).parents[1] / "results" / "watch-overhead.md"
PAIRS = 31
BLOCK = 32
BUSY = (30, 31, 0, 1, 2)
"""The steps of a block near which a watcher does more than at the others."""
LEAST_SECONDS = 50e-6
BARS = {"without gradient statistics": 0.01, "with gradient statistics": 0.03}
"""The largest share of a step that watching may cost, where that is more than 50 microseconds."""
MEASURES = {"without gradient statistics": Measure(gradients_every=0), "with gradient statistics": Measure()}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model with data, and how many steps of each kind make a pair: a multiple of 64."""

    name: str
    model: Callable[[], nn.Module]
    shape: tuple[int, ...]
    steps: int


CASES = (
    Case(
        name="MLP 64-128-128-10, batch 64, AdamW",
        model=lambda: nn.Sequential(
            nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
        ),
        shape=(64, 64),
        steps=256,
    ),
    Case(
        name="CNN 16-32 channels on 28 x 28, batch 32, AdamW",
        model=lambda: nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(512, 10),
        ),
        shape=(32, 1, 28, 28),
        steps=64,
    ),
)


def loop(case: Case) -> tuple[torch.optim.Optimizer, nn.Module, Callable[[], torch.Tensor]]:
    """Return an optimizer, its model, and a function that takes one step; the same numbers every time."""
    torch.manual_seed(0)
    model = case.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    inputs, targets = torch.randn(case.shape), torch.randint(0, 10, case.shape[:1])

    def step() -> torch.Tensor:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(8):
        step()
    return optimizer, model, step


def spent(do: Callable[[], object]) -> float:
    """Return the seconds of processor time that a call takes."""
    began = time.process_time()
    do()
    return time.process_time() - began


def measured(case: Case, pairs: int) -> FloatArray:
    """Return the seconds of every step, of shape (kinds, pairs, steps): bare, and watched by each measure.

    One loop takes bare and watched steps in turns, in an order that rotates, so that whatever else the
    machine does falls on all of them, and so does where its tensors lie in memory: two loops that are alike
    differ by 20 microseconds a step for that alone. The hooks of the watchers whose turn it is not are put
    aside.
    """
    optimizer, model, step = loop(case)
    hooks = (optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks)
    kinds: list[tuple[Callable[[], object], list[dict[int, object]]]] = [(step, [{}, {}])]
    with ExitStack() as stack:
        for measure in MEASURES.values():
            w = rr.watch(optimizer, model=model, total_steps=10_000, measure=measure, console=False)
            stack.enter_context(w)
            kinds.append((lambda w=w: w.observe(step()), [dict(one) for one in hooks]))
            for one in hooks:
                one.clear()
        seconds = np.zeros((len(kinds), pairs + 1, case.steps))
        for pair in range(pairs + 1):
            for turn in range(case.steps):
                for place in range(len(kinds)):
                    which = (place + turn) % len(kinds)
                    do, mine = kinds[which]
                    for one, of_kind in zip(hooks, mine, strict=True):
                        one.clear()
                        one.update(of_kind)
                    seconds[which, pair, turn] = spent(do)
    return seconds[:, 1:]


def extra(bare: FloatArray, watched: FloatArray) -> float:
    """Return what watching costs a step, amortised, in seconds.

    Most steps of a watched loop cost alike: of these the median counts, so that what else the machine does
    falls out. Near every 32nd step detectors look at a block, or gradients are read, more or less of it from
    time to time: of these steps the mean counts.
    """
    differences = (watched - bare).reshape(-1, BLOCK)
    busy = [place in BUSY for place in range(BLOCK)]
    costs = np.where(busy, differences.mean(0), np.median(differences, 0))
    return float(costs.mean())


def row(case: Case, label: str, bare: FloatArray, watched: FloatArray) -> str:
    """Return a line of the table."""
    step, more = float(np.median(bare.mean(1))), extra(bare, watched)
    low, middle, high = np.quantile((watched - bare).mean(1), [0.25, 0.5, 0.75])
    allowed = max(LEAST_SECONDS, BARS[label] * step)
    return (
        f"| {case.name} | {label} | {1e6 * step:,.0f} | {1e6 * more:.1f} "
        f"| {1e6 * middle:.1f} ({1e6 * low:.1f} to {1e6 * high:.1f}) | {100 * more / step:.1f} % "
        f"| {1e6 * allowed:.0f} | {'kept' if more <= allowed else 'not kept'} |"
    )


def main() -> None:
    """Measure, print, and write the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"Write {RESULT.name}.")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    loads = [os.getloadavg()[0]]
    for case in CASES:
        seconds = measured(case, arguments.pairs)
        loads.append(os.getloadavg()[0])
        for place, label in enumerate(MEASURES, start=1):
            rows.append(row(case, label, seconds[0], seconds[place]))
            print(rows[-1], flush=True)
    if arguments.write:
        RESULT.write_text(page(rows, arguments.pairs, max(loads)), encoding="utf-8")


def page(rows: list[str], pairs: int, load: float) -> str:
    """Return the result as a page."""
    return "\n".join(
        [
            "# What watching costs",
            "",
            "    OMP_NUM_THREADS=1 python -m benchmarks.watch.overhead --write",
            "",
            "One loop that takes bare steps and steps watched in `observe`, of both kinds, in turns;",
            f"{pairs} pairs of {' or '.join(str(case.steps) for case in CASES)} steps each, after",
            "one that is left out. One thread, processor time. *More* is the mean over the 32 steps of a",
            "block of the median difference, and of the mean one near the steps at which blocks are looked",
            "at or gradients are read, so that all of that is in it, and what else the machine does is not;",
            "beside it the median and the quartiles of the mean differences of the pairs, as they come. The",
            "bar is the larger of 50 microseconds and 1 % of a step without gradient statistics, 3 % with",
            "them (the default: two steps in a row of 64, from step 1,024 on of 128).",
            "",
            "| loop | observe | bare step, µs | more, µs | pairs, µs | more | bar, µs | |",
            "|---|---|---:|---:|---:|---:|---:|---|",
            *rows,
            "",
            f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}; "
            f"the machine's load was at most {load:.1f}.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
