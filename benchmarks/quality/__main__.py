"""Print how far the answers of `find` are from the best rate of a dense grid.

    python -m benchmarks.quality            # all cases, seeds 0-2; exit code 1 if a bar is missed

Every case is one real `find` at its default budget. Regret is (reached - best) / (untrained - best) of the
validation loss: 0 is the best rate of the grid, 1 is having learned nothing. `floor` is what the grid itself
cannot tell (a bootstrap over its seeds). The rows "constant" say what a fixed rate would have got.
"""

import argparse
import sys
import time

import numpy as np
import torch

import rightrate as rr
from benchmarks.quality.cases import CASES, SEEDS, Case
from benchmarks.quality.regret import Truth, read_truth
from rightrate.population import prepare
from rightrate.search.levels import untrained_metrics
from rightrate.tasks import load

_WORST, _MEAN, _BUDGET = 0.05, 0.02, 1.0
_CONSTANTS = {"momentum": (1e-2, 1e-1), "adamw": (1e-3, 3e-3)}


def _measure(case: Case, truth: Truth) -> list[tuple[float, float]]:
    rows = []
    for seed in SEEDS:
        began = time.perf_counter()
        result = rr.find(case.task, optimizer=case.optimizer, schedule=case.schedule, seed=seed)
        loss, how = truth.reached(result.lr) if result.lr else (truth.untrained, "no answer")
        regret, cost = truth.regret_of(loss), result.cost.run_equivalents
        rows.append((regret, cost))
        print(
            f"{case.task:11} {case.optimizer:9} {case.schedule:9} {seed:4} {result.lr or 0:9.3g} {loss:8.4f}"
            f" {truth.best():8.4f} {regret:7.4f} {cost:5.2f} {result.status:12} {how:8}"
            f" {time.perf_counter() - began:5.1f}",
            flush=True,
        )
    return rows


def main() -> int:
    """Measure, print the table and say whether the bars hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="*", help="only these tasks")
    wanted = parser.parse_args().tasks
    torch.set_num_threads(1)
    print(
        "task        optimizer schedule  seed        lr  reached     best  regret  cost"
        " status       known    seconds"
    )
    regrets, costs, floors = [], [], []
    constants: dict[str, list[float]] = {}
    for case in CASES:
        if wanted and case.task not in wanted:
            continue
        prepared = prepare(load(case.task), case.optimizer)
        truth = read_truth(case, untrained_metrics(prepared, prepared.setup(0)).metrics["loss"])
        rows = _measure(case, truth)
        regrets += [regret for regret, _ in rows]
        costs += [cost for _, cost in rows]
        floors.append(truth.floor())
        for lr in _CONSTANTS[case.optimizer]:
            label = f"constant {lr:g} ({case.optimizer})"
            constants.setdefault(label, []).append(truth.regret_of(truth.reached(lr)[0]))
    print(
        f"\nfind: {len(regrets)} answers, seeds {SEEDS}:"
        f" regret mean {np.mean(regrets):.4f}, worst {max(regrets):.4f}"
    )
    print(
        f"      floor of the grid {np.mean(floors):.4f};"
        f" run equivalents mean {np.mean(costs):.2f}, most {max(costs):.2f}"
    )
    for label, values in constants.items():
        print(f"{label}: regret mean {np.mean(values):.4f}, worst {max(values):.4f}")
    held = max(regrets) <= _WORST and np.mean(regrets) <= _MEAN and max(costs) <= _BUDGET
    print(f"bars (worst <= {_WORST}, mean <= {_MEAN}, cost <= {_BUDGET}): {'held' if held else 'MISSED'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
