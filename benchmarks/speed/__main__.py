"""Measure the engines against a plain loop over K models, worker processes and JAX.

    python -m benchmarks.speed                    # everything, `find` included; tens of minutes
    python -m benchmarks.speed --models mlp --sizes 16 --no-find
    python -m benchmarks.speed --only-find        # `find` against one plain run

Prints a table and writes `benchmarks/results/speed-<device>.json` and `.md` after a full run (`--write` after
any other). On a CPU one thread and CPU seconds are used, so that other work on the machine disturbs little;
on a GPU the wall clock. Exit code 1 if a bar fails.
"""

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import torch

from benchmarks.speed import engines
from benchmarks.speed.bars import Bar, bars_of
from benchmarks.speed.cases import CASES, OPTIMIZERS, SIZES, Case
from benchmarks.speed.measure import Contestant, Ratio, rounds
from benchmarks.speed.plain import PlainLoop, Processes
from benchmarks.speed.results import CONTESTANTS, HEADER, environment, line, write
from benchmarks.speed.whole import WHOLE_TASKS, measure_whole

_JAX_CNN_MEMBERS = 4


def main() -> int:
    """Measure, print, write, and say whether the bars hold."""
    wanted = _arguments()
    device = torch.device(wanted.device if wanted.device else "cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(1)
    where = environment(device)
    skipped = _skipped(device)
    for name, reason in skipped.items():
        print(f"{name} is skipped: {reason}", flush=True)
    results: list[tuple[Case, dict[str, Ratio]]] = []
    if not wanted.only_find:
        print(HEADER)
        for case in _cases(wanted):
            names = [name for name in wanted.contestants if name not in skipped]
            ratios = _measure(case, names, device, wanted.pairs, wanted.seconds)
            results.append((case, ratios))
            print(line(case, ratios), flush=True)
    bars = bars_of(results, on_gpu=device.type == "cuda")
    wholes = []
    for name in () if wanted.no_find else WHOLE_TASKS:
        wholes.append(measure_whole(name, wanted.repeats))
        bars.append(wholes[-1].bar())
        print(f"find({name!r}): engine {wholes[-1].engine}", flush=True)
    _print_bars(bars)
    full = len(results) == len(CASES) and len(wholes) == len(WHOLE_TASKS)
    if full or wanted.write:
        how = " ".join(["python -m benchmarks.speed", *sys.argv[1:]])
        print(f"Written to {write(device, where, how, results, wholes, bars)}")
    return 0 if all(bar.holds for bar in bars) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    models = sorted({case.workload.name for case in CASES})
    parser.add_argument("--models", nargs="*", default=models, choices=models)
    parser.add_argument("--optimizers", nargs="*", default=list(OPTIMIZERS), choices=OPTIMIZERS)
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES), choices=SIZES)
    parser.add_argument("--batch-sizes", nargs="*", type=int, default=[32, 128])
    parser.add_argument("--contestants", nargs="*", default=list(CONTESTANTS), choices=CONTESTANTS)
    parser.add_argument("--pairs", type=int, default=15, help="rounds in which everyone runs once")
    parser.add_argument("--seconds", type=float, default=0.25, help="of the plain loop in a round")
    parser.add_argument("--repeats", type=int, default=1, help="finds, each between two plain runs")
    parser.add_argument("--device", help="cpu or cuda; a GPU if there is one")
    parser.add_argument("--no-find", action="store_true")
    parser.add_argument("--only-find", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the results of a part, too")
    return parser.parse_args()


def _cases(wanted: argparse.Namespace) -> Iterator[Case]:
    for case in CASES:
        workload = case.workload
        chosen = workload.name in wanted.models and workload.batch_size in wanted.batch_sizes
        if chosen and case.optimizer in wanted.optimizers and case.size in wanted.sizes:
            yield case


def _skipped(device: torch.device) -> dict[str, str]:
    reasons = {}
    if importlib.util.find_spec("jax") is None:
        reasons["jax"] = "it is not installed (pip install -c constraints.txt jax)"
    if device.type != "cpu":
        reasons["processes"] = "one GPU is not shared between processes here"
    return reasons


def _measure(
    case: Case, names: list[str], device: torch.device, pairs: int, seconds: float
) -> dict[str, Ratio]:
    names = [name for name in names if name != "jax" or _jax_can(case, device)]
    with ExitStack() as stack:
        contestants: dict[str, Contestant] = {}
        for name in dict.fromkeys(["plain", *names]):
            contestants[name] = _MAKERS[name](case, device)
            stack.callback(contestants[name].close)
        return rounds(contestants, size=case.size, pairs=pairs, seconds=seconds, device=device)


def _plain(case: Case, device: torch.device) -> Contestant:
    return Contestant(run=PlainLoop(case, device).run)


def _processes(case: Case, device: torch.device) -> Contestant:
    workers = Processes(case, os.cpu_count() or 1)
    return Contestant(run=workers.run, close=workers.close, note=f"{os.cpu_count()} cores")


def _jax_can(case: Case, device: torch.device) -> bool:
    """Leave out what takes minutes to compile: grouped convolutions on a CPU, 0.2x the loop at K = 16."""
    return device.type != "cpu" or case.workload.name != "cnn" or case.size <= _JAX_CNN_MEMBERS


def _jax(case: Case, device: torch.device) -> Contestant:
    from benchmarks.speed import jax_members

    return jax_members.contestant(case, on_cpu=device.type == "cpu")


_MAKERS: dict[str, Callable[[Case, torch.device], Contestant]] = {
    "plain": _plain,
    "serial": engines.serial,
    "eager": engines.eager,
    "compiled": engines.compiled,
    "auto": engines.chosen,
    "processes": _processes,
    "jax": _jax,
}


def _print_bars(bars: list[Bar]) -> None:
    for bar in bars:
        verdict = "holds" if bar.holds else "FAILS"
        print(f"{verdict}: {bar.name}: {bar.measured()}, wanted {bar.sign} {bar.wanted:g}")


if __name__ == "__main__":
    sys.exit(main())
