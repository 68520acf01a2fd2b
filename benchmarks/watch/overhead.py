"""What watching costs: the same loop bare and watched, in interleaved pairs, in processor time.

OMP_NUM_THREADS=1 python -m benchmarks.watch.overhead --write
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

import rightrate as rr
from rightrate.watch import Measure

RESULT = Path(__file__).parents[1] / "results" / "watch-overhead.md"
PAIRS = 21
LEAST_SECONDS = 50e-6
BARS = {"without gradient statistics": 0.01, "with gradient statistics": 0.03}
"""The largest share of a step that watching may cost, where that is more than 50 microseconds."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model with data, and how many steps are timed at a time."""

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


def seconds(case: Case, measure: Measure | None) -> float:
    """Return the seconds of one step of a loop, watched if `measure` is given, the mean of `case.steps`."""
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
    if measure is None:
        began = time.process_time()
        for _ in range(case.steps):
            step()
        return (time.process_time() - began) / case.steps
    with rr.watch(optimizer, model=model, total_steps=10_000, measure=measure, console=False) as w:
        began = time.process_time()
        for _ in range(case.steps):
            w.observe(step())
        spent = time.process_time() - began
    return spent / case.steps


def main() -> None:
    """Measure, print, and write the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"Write {RESULT.name}.")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for case in CASES:
        for label, measure in (
            ("without gradient statistics", Measure(gradients_every=0)),
            ("with gradient statistics", Measure()),
        ):
            seconds(case, measure)
            pairs = [(seconds(case, None), seconds(case, measure)) for _ in range(arguments.pairs)]
            bare = statistics.median(pair[0] for pair in pairs)
            extra = statistics.median(watched - plain for plain, watched in pairs)
            allowed = max(LEAST_SECONDS, BARS[label] * bare)
            verdict = "kept" if extra <= allowed else "not kept"
            rows.append(
                f"| {case.name} | {label} | {1e6 * bare:,.0f} | {1e6 * extra:.1f} "
                f"| {100 * extra / bare:.1f} % | {1e6 * allowed:.0f} | {verdict} |"
            )
            print(rows[-1], flush=True)
    if arguments.write:
        RESULT.write_text(page(rows, arguments.pairs), encoding="utf-8")


def page(rows: list[str], pairs: int) -> str:
    """Return the result as a page."""
    return "\n".join(
        [
            "# What watching costs",
            "",
            "    OMP_NUM_THREADS=1 python -m benchmarks.watch.overhead --write",
            "",
            f"The same loop bare and watched in `observe`, {pairs} interleaved pairs of",
            f"{' or '.join(str(case.steps) for case in CASES)} steps, one thread. Processor time; medians,",
            "and the median of the differences within pairs. What is amortised over blocks of 32 steps is",
            "in it. The bar is the larger of 50 microseconds and 1 % of a step without gradient statistics,",
            "3 % with them (the default: two steps in a row, every 64 steps).",
            "",
            "| loop | observe | bare step, microseconds | more, microseconds | more | bar | |",
            "|---|---|---:|---:|---:|---:|---|",
            *rows,
            "",
            f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
