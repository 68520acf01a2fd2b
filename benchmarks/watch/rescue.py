"""Whether acting helps: the same runs, at rates from too low to far too high, without acts and with them.

OMP_NUM_THREADS=1 python -m benchmarks.watch.rescue --write
"""

import argparse
import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import rightrate as rr
from benchmarks.quality.cases import Case
from benchmarks.quality.tasks import load
from benchmarks.quality.training import untrained
from rightrate.tasks.batches import training_source, validation_batches

RESULT = Path(__file__).parents[1] / "results" / "watch-rescue.md"
STEPS = 600
WITHIN = 0.05
TASKS = (
    ("digits", "momentum"),
    ("cancer", "momentum"),
    ("wine", "adamw"),
    ("diabetes", "adamw"),
    ("surveys", "momentum"),
    ("deliveries", "adamw"),
)
RATES = {
    "momentum": (1e-4, 1e-3, 1e-2, 0.1, 0.5, 2.0, 10.0, 100.0),
    "adamw": (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 2.0, 10.0),
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: what it reached on validation data, what it cost, and what the watcher did."""

    lr: float
    loss: float
    seconds: float
    steps: int
    weights: list[torch.Tensor]
    acts: dict[str, int]


def train(task: rr.Task, optimizer: str, lr: float, mode: Any, nothing: float) -> Run:
    """Train a task at a constant rate with seed 0; `mode` is None for the bare loop.

    The watcher is told the loss of having learned nothing.
    """
    torch.manual_seed(0)
    model = copy.deepcopy(task.model) if isinstance(task.model, torch.nn.Module) else task.model()
    kinds: dict[str, Any] = {
        "momentum": lambda: torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9),
        "adamw": lambda: torch.optim.AdamW(model.parameters(), lr=lr),
    }
    chosen = kinds[optimizer]()
    size = task.training.batch_size
    stream = training_source(task.train, batch_size=size, device="cpu").stream(0, 0)
    began = time.process_time()
    watching = rr.watch(
        None if mode is None else chosen,
        model=model,
        mode=mode or "observe",
        total_steps=STEPS,
        chance_loss=nothing,
        console=False,
    )
    model.train()
    steps = 0
    with watching as w:
        for _ in range(STEPS):
            inputs, targets = next(stream)
            loss = task.loss(model(inputs), targets)
            chosen.zero_grad()
            loss.backward()
            if mode is not None:
                w.observe(loss)
            chosen.step()
            steps += 1
            if w.should_stop:
                break
    assert not w.notes, w.notes
    seconds = time.process_time() - began
    kinds_of_acts = [act.kind for act in w.acts]
    return Run(
        lr=lr,
        loss=judged(task, model),
        seconds=seconds,
        steps=steps,
        weights=[tensor.clone() for tensor in model.state_dict().values()],
        acts={kind: kinds_of_acts.count(kind) for kind in dict.fromkeys(kinds_of_acts)},
    )


@torch.no_grad()
def judged(task: rr.Task, model: torch.nn.Module) -> float:
    """Return the loss over the validation data."""
    model.eval()
    total, count = 0.0, 0
    for inputs, targets in validation_batches(task.valid, batch_size=256, device="cpu"):
        total += float(task.loss(model(inputs), targets)) * len(targets)
        count += len(targets)
    return total / count


def regret(loss: float, best: float, nothing: float) -> float:
    """Return DESIGN's regret: 0 is the best rate's, 1 is having learned nothing."""
    return min(max((loss - best) / (nothing - best), 0.0), 1.0) if math.isfinite(loss) else 1.0


def same(one: Run, other: Run) -> bool:
    """Return whether two runs ended with bit for bit the same weights, NaNs at the same places."""
    return all(
        torch.equal(a.nan_to_num(), b.nan_to_num()) and torch.equal(a.isnan(), b.isnan())
        for a, b in zip(one.weights, other.weights, strict=True)
    )


def main() -> None:
    """Train everything, print, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"Write {RESULT.name}.")
    parser.add_argument("--tasks", nargs="*", default=[name for name, _ in TASKS])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    began, lines = time.process_time(), []
    counts = dict.fromkeys(("bad", "rescued", "low", "healthy", "harmed", "touched", "differ", "runs"), 0)
    cost = []
    for name, optimizer in TASKS:
        if name not in arguments.tasks:
            continue
        task = load(name)
        nothing = untrained(Case(task=name, optimizer=optimizer, schedule="constant"))
        bare = [train(task, optimizer, lr, None, nothing) for lr in RATES[optimizer]]
        best = min(run.loss for run in bare if math.isfinite(run.loss))
        right = next(run.lr for run in bare if run.loss == best)
        for plain in bare:
            seen, act = (train(task, optimizer, plain.lr, mode, nothing) for mode in ("observe", "act"))
            before, after = (regret(run.loss, best, nothing) for run in (plain, act))
            bad, high = before > WITHIN, plain.lr > right
            counts["runs"] += 1
            counts["differ"] += not same(plain, seen)
            counts["differ"] += not act.acts and not same(plain, act)
            counts["bad"] += bad and high
            counts["rescued"] += bad and high and after <= WITHIN
            counts["low"] += bad and not high
            counts["healthy"] += not bad
            counts["harmed"] += not bad and after > WITHIN
            counts["touched"] += not bad and bool(act.acts)
            cost += [act.seconds / plain.seconds] if act.steps == STEPS else []
            acts = ", ".join(f"{count} {kind}" for kind, count in act.acts.items()) or "none"
            lines.append(f"| {name}, {optimizer} | {plain.lr:g} | {before:.3f} | {after:.3f} | {acts} |")
            print(lines[-1], flush=True)
    minutes = (time.process_time() - began) / 60
    text = page(lines, counts, sorted(cost)[len(cost) // 2], minutes)
    print(text.split("## Every run")[0])
    if arguments.write:
        RESULT.write_text(text, encoding="utf-8")


def page(lines: list[str], counts: dict[str, int], cost: float, minutes: float) -> str:
    """Return the result as a page."""
    found = {**counts, "share": f"{100 * counts['rescued'] / max(counts['bad'], 1):.0f} %"}
    text = _PAGE.format(**found, steps=STEPS, within=WITHIN, cost=f"{cost:.2f}", minutes=f"{minutes:.1f}")
    return "\n".join([text, *lines, ""])


_PAGE = """# Whether acting helps

    OMP_NUM_THREADS=1 python -m benchmarks.watch.rescue --write

Six tasks, each at eight constant rates from too low to far too high, {steps} steps, one seed: the bare loop,
and the same loop under `rr.watch(..., mode="act", total_steps=..., chance_loss=...)`. Regret is that of the
validation loss against the best of the bare runs; 1 is having learned nothing. A run is bad above {within}.

- **Rescued**: of {bad} bad runs at rates above the best one, {rescued} end within {within} ({share}).
- **Not its business**: {low} runs are bad because their rate is too low; the watcher never raises a rate.
- **No harm**: of {healthy} healthy runs it touched {touched}, and {harmed} ended above {within}.
- **Bit for bit**: of {runs} runs in `observe`, and of those in `act` without an act, {differ} ended with
  other weights than the bare loop.
- **Cost**: {cost} times the processor time of the bare loop in the median. The whole took {minutes} minutes.

## Every run

| task | rate | regret without | regret with | what was done |
|---|---:|---:|---:|---|"""


if __name__ == "__main__":
    main()
