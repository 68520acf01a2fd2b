"""Train the dense grid that the quality benchmark measures against.

    python -m benchmarks.quality.truth

Every rate of the grid is trained for the task's full length with three seeds by the serial engine: plain
models, each with its real torch optimizer. Rows are appended to `truth.csv` as they are measured; started
again, the command goes on where it was interrupted.
"""

import argparse
import csv
import time

import torch

from benchmarks.quality.cases import CASES, SEEDS, TRUTH, Case, rates
from rightrate.population import SerialPopulation, prepare
from rightrate.schedules import resolve, shape_values
from rightrate.tasks import load

__all__ = ["train"]

FIELDS = ("task", "optimizer", "schedule", "steps", "seed", "lr", "loss")


def train(case: Case, seed: int, lrs: list[float]) -> tuple[int, list[float]]:
    """Train one member for each rate in full and return the length and the validation losses."""
    task = load(case.task)
    steps = int(task.info.steps or 0)
    population = SerialPopulation(prepare(task, case.optimizer).setup(seed), len(lrs))
    shape = shape_values(resolve(case.schedule, total_steps=steps), steps)
    population.advance(shape[:, None] * torch.tensor(lrs, dtype=torch.float64).numpy())
    return steps, [float(value) for value in population.evaluate()["loss"]]


def main() -> None:
    """Train what is missing from the grid and append it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="*", help="only these tasks")
    wanted = parser.parse_args().tasks
    torch.set_num_threads(1)
    done: set[tuple[str, ...]] = set()
    if TRUTH.exists():
        with TRUTH.open(newline="") as file:
            done = {
                (row["task"], row["optimizer"], row["schedule"], row["seed"], row["lr"])
                for row in csv.DictReader(file)
            }
    with TRUTH.open("a", newline="") as file:
        writer = csv.writer(file)
        if not done and file.tell() == 0:
            writer.writerow(FIELDS)
        for case in CASES:
            if wanted and case.task not in wanted:
                continue
            for seed in SEEDS:
                key = (case.task, case.optimizer, case.schedule, str(seed))
                missing = [lr for lr in rates(case.optimizer) if (*key, repr(lr)) not in done]
                if not missing:
                    continue
                began = time.perf_counter()
                steps, losses = train(case, seed, missing)
                for lr, loss in zip(missing, losses, strict=True):
                    writer.writerow(
                        (case.task, case.optimizer, case.schedule, steps, seed, repr(lr), f"{loss:.6g}")
                    )
                file.flush()
                print(
                    f"{case} seed {seed}: {len(missing)} runs in {time.perf_counter() - began:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
